//! The loop of a trace: send what is due, take what came, say which hops are known, wait.

use std::{net::IpAddr, time::Duration};

use netdiag_wire::{
    IcmpMeaning,
    trace::{
        TCP_PORT, TraceAnswer, TraceEvent, TraceMethod, TraceOutcome, TraceProtocol, TraceRequest,
        UDP_PORT,
    },
};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    path::{Due, Path},
    sockets::{Lane, TraceSockets},
};
use crate::{
    ProbeError,
    clock::{Arrival, Moment, micros, moment, took},
    packet::{
        Version,
        probe::{Envelope, MAX_INDEX, Shape, Tag},
        quoted,
    },
    sys::{
        packets::{Packet, PacketSocket, Taken},
        refusal, route,
        watched::{Watched, readable},
    },
};

/// The largest IP packet.
const BUFFER: usize = 65_536;
/// Packets sent before those that came have their turn.
const BURST: usize = 64;
/// An answer takes at most so many times as long as the slowest so far, as mtr and traceroute have it.
const PATIENCE: u32 = 10;
const LEAST_PATIENCE: Duration = Duration::from_millis(250);
/// Traceroute's.
const MOST_PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Engine {
    shape: Shape,
    envelope: Envelope,
    sender: PacketSocket,
    receivers: Vec<Watched<PacketSocket>>,
    _reserved: Option<crate::sys::packets::Reserved>,
    paths: Vec<Path>,
    /// By the index in their packets.
    probes: Vec<Probe>,
    /// The first flow that is not told to its end.
    telling: usize,
    slowest: Duration,
    wait: Option<Duration>,
    buffer: Vec<u8>,
    start: Instant,
}

/// One that was sent.
#[derive(Clone, Copy, Debug)]
struct Probe {
    flow: u8,
    ttl: u8,
    query: u8,
    sent: Moment,
}

impl Engine {
    /// Must be called in the runtime that will run it.
    pub(super) fn new(
        request: &TraceRequest,
        sockets: TraceSockets,
        target: IpAddr,
        emit: &mut impl FnMut(TraceEvent),
    ) -> Result<Self, ProbeError> {
        let TraceSockets { lanes, secret } = sockets;
        let lane = lanes.into_iter().find(|lane| lane.version == Version::of(target));
        let Lane { sender, receivers, ports, _reserved, .. } = lane
            .ok_or_else(|| ProbeError::Request(format!("no sockets were opened for {target}")))?;
        // Without a route there is none.
        let source =
            route::source(target, request.source_address).unwrap_or(route::unspecified(target));
        let port = match request.protocol {
            TraceProtocol::Udp => Some(request.port.unwrap_or(UDP_PORT)),
            TraceProtocol::Tcp => Some(request.port.unwrap_or(TCP_PORT)),
            TraceProtocol::Icmp => None,
        };
        emit(TraceEvent::Started {
            host: request.host.as_str().into(),
            address: target,
            source,
            method: TraceMethod::Raw,
            port,
            interface: None,
        });
        let watch =
            |socket| Watched::new(socket).map_err(|e| ProbeError::Socket("watch raw socket", e));
        Ok(Self {
            shape: Shape {
                protocol: request.protocol,
                source,
                target,
                port: port.unwrap_or_default(),
                first_port: ports.start,
                flows: request.flows,
                secret,
            },
            envelope: Envelope {
                ttl: 0,
                size: request.size.unwrap_or_default(),
                dont_fragment: request.dont_fragment,
            },
            sender,
            receivers: receivers.into_iter().map(watch).collect::<Result<_, _>>()?,
            _reserved,
            paths: (0..request.flows).map(|flow| Path::new(flow, request)).collect(),
            probes: Vec::new(),
            telling: 0,
            slowest: Duration::ZERO,
            wait: request.wait_us.map(|us| Duration::from_micros(us.into())),
            buffer: vec![0; BUFFER],
            start: Instant::now(),
        })
    }

    pub(super) async fn run(
        mut self,
        emit: &mut impl FnMut(TraceEvent),
        stop: &CancellationToken,
    ) -> Result<(), ProbeError> {
        self.tell_flow(emit);
        while !stop.is_cancelled() {
            let is_burst = self.send();
            // What came before this moment is taken before anything is called silent at it.
            let now = self.start.elapsed();
            self.take()?;
            self.tell(now, emit);
            if self.telling == self.paths.len() {
                break;
            }
            // Whoever writes the events down gets a turn however busy this is.
            tokio::task::yield_now().await;
            let patience = self.patience();
            let wake = self.paths.iter().filter_map(|path| path.wakes_at(now, patience)).min();
            if is_burst {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep_until(self.start + wake.unwrap_or(now)) => {}
                () = readable(&self.receivers) => {}
            }
        }
        Ok(())
    }

    /// Sends what is due; whether there may be more of it.
    fn send(&mut self) -> bool {
        let patience = self.patience();
        for _ in 0..BURST {
            let now = self.start.elapsed();
            let next = |path: &mut Path| Some((path.flow(), path.due(now, patience)?));
            let Some((flow, due)) = self.paths.iter_mut().find_map(next) else { return false };
            self.send_one(flow, due);
        }
        true
    }

    fn send_one(&mut self, flow: u8, due: Due) {
        let at = moment(self.start);
        let index = self.probes.len().min(MAX_INDEX.into()) as u16;
        let tag = Tag { flow, index };
        let packet = self.shape.packet(tag, Envelope { ttl: due.ttl, ..self.envelope });
        let sent = self.sender.send(self.shape.target, &packet);
        let path = &mut self.paths[usize::from(flow)];
        match sent {
            Ok(()) => {
                path.sent(due, at.elapsed);
                self.probes.push(Probe { flow, ttl: due.ttl, query: due.query, sent: at });
            }
            Err(error) => {
                path.refused(due, refusal::of(&error, self.shape.target), at.elapsed);
            }
        }
    }

    fn patience(&self) -> Duration {
        let adapted = (self.slowest * PATIENCE).clamp(LEAST_PATIENCE, MOST_PATIENCE);
        self.wait.unwrap_or(adapted)
    }

    fn take(&mut self) -> Result<(), ProbeError> {
        for index in 0..self.receivers.len() {
            let mut buffer = std::mem::take(&mut self.buffer);
            let taken = self.take_from(index, &mut buffer);
            self.buffer = buffer;
            taken.map_err(|e| ProbeError::Socket("receive from raw socket", e))?;
        }
        Ok(())
    }

    fn take_from(&mut self, index: usize, buffer: &mut [u8]) -> std::io::Result<()> {
        loop {
            let answer = match self.receivers[index].socket().take(buffer)? {
                Taken::Empty => return Ok(()),
                Taken::Other => None,
                Taken::Packet(packet) => {
                    let at = Arrival { stamp: packet.at, read: moment(self.start) };
                    let found =
                        if index == 0 { self.of_icmp(&packet) } else { self.of_target(&packet) };
                    found.and_then(|(tag, answer)| Some((self.probe(tag)?, answer, at)))
                }
            };
            if let Some((probe, answer, at)) = answer {
                self.note(probe, answer, at);
            }
        }
    }

    fn of_icmp(&self, packet: &Packet<'_>) -> Option<(Tag, TraceAnswer)> {
        if let Some(tag) = self.shape.echoed(packet.bytes) {
            let is_target = packet.from == self.shape.target;
            return is_target.then(|| (tag, plain(packet, TraceOutcome::Replied)));
        }
        let rejection = match self.shape.target {
            IpAddr::V4(_) => quoted::v4(packet.bytes),
            IpAddr::V6(_) => quoted::v6(packet.bytes),
        }?;
        let tag = self.shape.quoted(&rejection.quoted)?;
        let is_expired = rejection.icmp.meaning == IcmpMeaning::TtlExceeded;
        let outcome = if is_expired { TraceOutcome::Expired } else { TraceOutcome::Rejected };
        let to = rejection.quoted.to;
        let answer = TraceAnswer {
            icmp: Some(rejection.icmp),
            labels: rejection.labels,
            rewritten_to: Some(to).filter(|to| *to != self.shape.target),
            ..plain(packet, outcome)
        };
        Some((tag, answer))
    }

    fn of_target(&self, packet: &Packet<'_>) -> Option<(Tag, TraceAnswer)> {
        if packet.from != self.shape.target {
            return None;
        }
        if self.shape.protocol == TraceProtocol::Tcp {
            let (tag, is_open) = self.shape.segment(packet.bytes)?;
            let outcome = if is_open { TraceOutcome::Open } else { TraceOutcome::Refused };
            return Some((tag, plain(packet, outcome)));
        }
        let flow = self.shape.datagram(packet.bytes)?;
        let (ttl, query) = self.paths[usize::from(flow)].nearest_unanswered()?;
        let meant = |probe: &Probe| (probe.flow, probe.ttl, probe.query) == (flow, ttl, query);
        let index = self.probes.iter().rposition(meant)? as u16;
        Some((Tag { flow, index }, plain(packet, TraceOutcome::Replied)))
    }

    /// The probe that was sent with this tag.
    fn probe(&self, tag: Tag) -> Option<Probe> {
        self.probes.get(usize::from(tag.index)).filter(|probe| probe.flow == tag.flow).copied()
    }

    fn note(&mut self, probe: Probe, answer: TraceAnswer, at: Arrival) {
        let rtt = took(probe.sent, at);
        self.slowest = self.slowest.max(rtt);
        let answer = TraceAnswer { rtt_us: micros(rtt), ..answer };
        let ends = answer.outcome != TraceOutcome::Expired;
        self.paths[usize::from(probe.flow)].answered(probe.ttl, probe.query, answer, ends);
    }

    /// Hops come by flow, then by TTL.
    fn tell(&mut self, now: Duration, emit: &mut impl FnMut(TraceEvent)) {
        let patience = self.patience();
        while let Some(path) = self.paths.get_mut(self.telling) {
            while let Some(hop) = path.settled(now, patience) {
                emit(TraceEvent::Hop(hop));
            }
            if !path.is_told() {
                return;
            }
            self.telling += 1;
            self.tell_flow(emit);
        }
    }

    fn tell_flow(&self, emit: &mut impl FnMut(TraceEvent)) {
        if let Some(path) = self.paths.get(self.telling) {
            let flow = path.flow();
            let has_ports = self.shape.protocol != TraceProtocol::Icmp;
            let source_port = has_ports.then(|| self.shape.source_port(flow));
            emit(TraceEvent::Flow { flow, source_port });
        }
    }
}

fn plain(packet: &Packet<'_>, outcome: TraceOutcome) -> TraceAnswer {
    TraceAnswer {
        address: packet.from,
        rtt_us: 0,
        outcome,
        icmp: None,
        ttl: packet.ttl,
        labels: Vec::new(),
        rewritten_to: None,
    }
}
