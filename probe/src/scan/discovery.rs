//! Which addresses somebody is at: by an echo, by any answer of two common ports, by ARP.

use netdiag_wire::scan::{Discovery, ScanEvent, ScanHost, ScanProtocol, ScanRequest, ScanWhy};

use super::{
    echo::{EchoLane, NO_PORT},
    field::{Field, Host},
    lane::Lane,
    targets::Named,
    tcp::{Run, Seen},
};
use crate::{ProbeError, clock::micros, sys::links::Links};

/// Most hosts that drop echoes have one of these open or closed.
const PORTS: [u16; 2] = [80, 443];

/// Who is asked, and how.
pub(super) struct Asking<'a, L> {
    pub(super) hosts: &'a [Named],
    /// None without the privilege.
    pub(super) echo: Option<EchoLane>,
    pub(super) tcp: &'a mut L,
    pub(super) links: Option<&'a Links>,
}

pub(super) fn is_wanted(request: &ScanRequest, addresses: usize) -> bool {
    match request.discovery {
        Discovery::Always => true,
        Discovery::Never => false,
        Discovery::Auto => addresses > 1 || !has_ports(request),
    }
}

/// Else hosts are all that is wanted.
pub(super) fn has_ports(request: &ScanRequest) -> bool {
    !request.tcp.is_empty() || !request.udp.is_empty()
}

impl<E: FnMut(ScanEvent)> Run<'_, E> {
    /// Those that are up; each is told.
    pub(super) async fn discover(
        &mut self,
        asking: Asking<'_, impl Lane>,
    ) -> Result<Vec<Host>, ProbeError> {
        let Asking { hosts: named, echo, tcp, links } = asking;
        let hosts: Vec<Host> = named.iter().map(|named| named.host).collect();
        let mut seen: Vec<Option<Seen>> = vec![None; hosts.len()];
        if let Some(mut echo) = echo {
            self.tale.begin(hosts.len() as u64, self.start.elapsed());
            let field = Field::new(hosts.clone(), vec![NO_PORT], ScanProtocol::Tcp);
            for one in self.discover_by(&mut echo, field).await? {
                seen[one.id as usize] = Some(one);
            }
        }
        let silent: Vec<usize> = (0..hosts.len()).filter(|at| seen[*at].is_none()).collect();
        if !silent.is_empty() && !self.stop.is_cancelled() {
            // Short, and of ports that nobody asked for: its progress is not told.
            self.tale.begin(0, self.start.elapsed());
            let asked = silent.iter().map(|at| hosts[*at]).collect();
            let field = Field::new(asked, PORTS.to_vec(), ScanProtocol::Tcp);
            for one in self.discover_by(tcp, field).await? {
                seen[silent[one.id as usize / PORTS.len()]] = Some(one);
            }
        }
        let neighbours = links.map(Links::reachable).unwrap_or_default();
        let mut up = Vec::new();
        for (seen, named) in seen.into_iter().zip(named) {
            let is_neighbour = seen.is_none() && neighbours.contains(&named.host.address);
            let why = if is_neighbour { ScanWhy::Neighbour } else { ScanWhy::Silence };
            let host = told(named, seen, why);
            up.extend(host.is_up.then_some(named.host));
            self.tale.say(ScanEvent::Host(host));
        }
        Ok(up)
    }
}

/// `else_why` is of those that answered nothing.
fn told(named: &Named, seen: Option<Seen>, else_why: ScanWhy) -> ScanHost {
    ScanHost {
        address: named.host.address,
        name: named.name.clone(),
        is_up: seen.is_some() || else_why == ScanWhy::Neighbour,
        why: Some(seen.map_or(else_why, |seen| seen.why)),
        rtt_us: seen.and_then(|seen| seen.rtt).map(micros),
    }
}
