//! All that is asked of the targets of one IP version: who is there, then their ports.

use std::net::SocketAddr;

use netdiag_wire::scan::{Scan, ScanEvent, ScanHost, ScanLane};

use super::{
    connect::ConnectLane,
    discovery::{self, Asking},
    echo::EchoLane,
    field::Host,
    lane::Lane,
    sockets::{Means, Opened},
    syn::SynLane,
    targets::Named,
    tcp::Run,
};
use crate::{
    ProbeError,
    packet::{Version, syn::Syns},
    sys::{links::Links, packets::any, unprivileged::Terms},
};

pub(super) struct Family<'a> {
    pub(super) scan: &'a Scan,
    /// Of this version.
    pub(super) named: Vec<Named>,
    /// Of both.
    pub(super) addresses: usize,
    pub(super) links: Option<&'a Links>,
}

impl Family<'_> {
    pub(super) async fn run<E: FnMut(ScanEvent)>(
        &self,
        run: &mut Run<'_, E>,
        opened: Opened,
        means: Means,
    ) -> Result<(), ProbeError> {
        let watch = |e| ProbeError::Socket("watch sockets", e);
        let Opened { version, reserved, raw, echo } = opened;
        let Some(raw) = raw else {
            let from = |port| SocketAddr::new(any(version), reserved.ports.start + port);
            let mut lane = ConnectLane::new([from(0), from(1)], means).map_err(watch)?;
            return self.by(run, &mut lane, None, version).await;
        };
        let echo = echo.map(|echo| EchoLane::new(version, echo)).transpose().map_err(watch)?;
        let syns = Syns::new(reserved.ports.clone());
        let mut lane = SynLane::new(version, syns, raw).map_err(watch)?;
        self.by(run, &mut lane, echo, version).await
    }

    async fn by<E: FnMut(ScanEvent)>(
        &self,
        run: &mut Run<'_, E>,
        lane: &mut impl Lane,
        echo: Option<EchoLane>,
        version: Version,
    ) -> Result<(), ProbeError> {
        let request = &self.scan.request;
        let hosts = match discovery::is_wanted(request, self.addresses) {
            true => {
                let asking = Asking { hosts: &self.named, echo, tcp: lane, links: self.links };
                run.discover(asking).await?
            }
            false => self.count_as_up(run),
        };
        run.up += hosts.len();
        self.check(run.up)?;
        let ports = request.tcp.len() + request.udp.len();
        run.tale.begin((hosts.len() * ports) as u64, run.start.elapsed());
        run.tcp(lane, &hosts, &request.tcp).await?;
        let source = request.source_address.filter(|a| Version::of(*a) == version);
        let terms = Terms { version, source, dont_fragment: false };
        run.udp(terms, &hosts, &request.udp, request.identify).await
    }

    fn count_as_up<E: FnMut(ScanEvent)>(&self, run: &mut Run<'_, E>) -> Vec<Host> {
        for Named { host, name } in &self.named {
            run.tale.say(ScanEvent::Host(ScanHost {
                address: host.address,
                name: name.clone(),
                is_up: true,
                why: None,
                rtt_us: None,
            }));
        }
        self.named.iter().map(|named| named.host).collect()
    }

    /// The lane's hosts are those whose ports are asked; more may be looked for.
    fn check(&self, up: usize) -> Result<(), ProbeError> {
        match self.scan.lane {
            ScanLane::Held { hosts, .. }
                if hosts > 0 && up > hosts as usize && discovery::has_ports(&self.scan.request) =>
            {
                let limit = "chart: limits.scan.hosts";
                Err(ProbeError::Limit(format!("{up} hosts are up: the limit is {hosts} ({limit})")))
            }
            _ => Ok(()),
        }
    }
}
