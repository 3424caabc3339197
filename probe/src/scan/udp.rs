//! UDP ports: a datagram that fits the port, and whatever comes back.

use std::{
    net::{IpAddr, SocketAddr},
    slice,
};

use netdiag_wire::{
    IcmpError, IcmpMeaning,
    scan::{PortState, Ports, ScanEvent, ScanPort, ScanProtocol, ScanWhy},
};
use rustix::io::Errno;
use tokio::time::sleep_until;

mod payload;
mod turns;

use super::{
    field::{Fate, Field, Host},
    tcp::Run,
};
use crate::{
    ProbeError,
    clock::micros,
    sys::{
        hearing::Heard,
        refusal,
        unprivileged::{Terms, Unprivileged},
        watched::{Watched, readable},
    },
};
use payload::payload;
use turns::{Sender, Step, Turns};

/// Packets sent before those that came have their turn.
const BURST: usize = 64;
const TTL: u8 = 64;
/// Silences that settle a port which nobody wants identified.
const BELIEVED: u8 = 2;

impl<E: FnMut(ScanEvent)> Run<'_, E> {
    pub(super) async fn udp(
        &mut self,
        terms: Terms,
        hosts: &[Host],
        ports: &Ports,
        identify: bool,
    ) -> Result<(), ProbeError> {
        let believed = if identify { payload::KINDS } else { BELIEVED };
        for field in Field::parts(hosts, ports, ScanProtocol::Udp) {
            if self.stop.is_cancelled() {
                break;
            }
            let socket = Unprivileged::udp(terms).and_then(Watched::new);
            let socket = socket.map_err(|e| ProbeError::Socket("open UDP socket", e))?;
            let turns = Turns::new(field.hosts.len(), field.ports.len(), believed);
            Part { run: self, socket, field, turns, buffer: [0; 2_048] }.run().await?;
        }
        Ok(())
    }
}

struct Part<'a, 'e, E> {
    run: &'a mut Run<'e, E>,
    socket: Watched<Unprivileged>,
    field: Field,
    turns: Turns,
    buffer: [u8; 2_048],
}

impl<E: FnMut(ScanEvent)> Part<'_, '_, E> {
    /// Until every port has its fate; or those that have one by then, if it is stopped.
    async fn run(mut self) -> Result<(), ProbeError> {
        let stop = self.run.stop.clone();
        while !self.turns.is_done() && !stop.is_cancelled() {
            self.take()?;
            let is_more = self.send();
            self.run.tale.progress(self.run.start.elapsed(), self.turns.done());
            // Whoever writes the events down gets a turn however busy this is.
            tokio::task::yield_now().await;
            if is_more || self.turns.is_done() {
                continue;
            }
            let now = self.run.start.elapsed();
            let wake = match self.run.pace.allowed(now) {
                0 => self.run.pace.ready_at(),
                _ => self.turns.wakes_at(now),
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep_until(self.run.start + wake) => {}
                () = readable(slice::from_ref(&self.socket)) => {}
            }
        }
        let tale = &mut self.run.tale;
        tale.asked_again += self.turns.asked_again;
        tale.part_is_over(self.turns.done());
        self.field.rest().into_iter().for_each(|rest| tale.say(ScanEvent::Rest(rest)));
        Ok(())
    }

    /// Whether there may be more to send at once.
    fn send(&mut self) -> bool {
        let now = self.run.start.elapsed();
        let most = self.run.pace.allowed(now).min(BURST);
        for _ in 0..most {
            match self.turns.next(now) {
                Some(Step::Send(id)) => {
                    self.run.pace.spend(1);
                    self.ask(id);
                }
                Some(Step::Silent(id)) => {
                    let silent = Fate::new(PortState::OpenOrFiltered, ScanWhy::Silence);
                    self.field.settle(id, silent);
                }
                None => return false,
            }
        }
        most == BURST
    }

    fn ask(&mut self, id: u32) {
        let (host, port) = self.field.at(id);
        let to = SocketAddr::new(host.address, port);
        let sent = self.socket.socket().send(to, TTL, &payload(port, self.turns.silences(id)));
        self.run.tale.sent += 1;
        if let Err(error) = sent
            && !refusal::is_for_now(&error)
        {
            self.note(id, Fate::not_sent(Errno::from_io_error(&error)), None, None);
        }
    }

    fn take(&mut self) -> Result<(), ProbeError> {
        loop {
            let heard = self.socket.socket().hear(&mut self.buffer);
            match heard.map_err(|e| ProbeError::Socket("receive from UDP socket", e))? {
                Heard::Datagram { from, ttl } => {
                    if let Some(id) = self.field.find(from.ip(), from.port()) {
                        self.note(id, Fate::new(PortState::Open, ScanWhy::Reply), ttl, None);
                    }
                }
                Heard::Error { about, by, icmp } => {
                    if let Some(id) = self.field.find(about.ip(), about.port()) {
                        let (fate, sender) = rejected(about.ip(), by, icmp);
                        self.note(id, fate, None, Some(sender));
                    }
                }
                Heard::Other => {}
                Heard::Empty => return Ok(()),
            }
        }
    }

    fn note(&mut self, id: u32, fate: Fate, ttl: Option<u8>, spent: Option<Sender>) {
        let now = self.run.start.elapsed();
        let Some(answered) = self.turns.answered(id, now, spent) else { return };
        if fate.state == PortState::Open {
            let (host, port) = self.field.at(id);
            self.run.found(ScanPort {
                address: host.address,
                protocol: ScanProtocol::Udp,
                port,
                state: fate.state,
                why: fate.why,
                by: None,
                icmp: None,
                ttl,
                rtt_us: answered.rtt.map(micros),
            });
        }
        self.field.settle(id, fate);
    }
}

/// Only the target itself knows that nobody listens.
fn rejected(target: IpAddr, by: IpAddr, icmp: IcmpError) -> (Fate, Sender) {
    let is_target = by == target;
    let is_closed = is_target && icmp.meaning == IcmpMeaning::PortUnreachable;
    let state = if is_closed { PortState::Closed } else { PortState::Filtered };
    let sender = if is_target { Sender::Target } else { Sender::Router };
    (Fate::rejected(state, by, icmp), sender)
}
