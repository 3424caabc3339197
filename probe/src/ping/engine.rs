//! The loop of a ping: send what is due, take what came, say what is silent, wait.

use std::{collections::HashMap, net::IpAddr};

use netdiag_wire::ping::{PingEvent, PingRequest};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{PingSockets, target::Target, track::Track};
use crate::{
    ProbeError,
    clock::{Arrival, moment},
    packet::{Version, echo::Echo},
    sys::{
        icmp::IcmpSocket,
        receive::Taken,
        refusal, route,
        watched::{Watched, readable},
    },
};

/// The largest IP packet.
const BUFFER: usize = 65_536;
/// Packets taken from a socket before sending has its turn again.
const MAX_TAKEN: usize = 256;

pub(super) struct Engine {
    sockets: Vec<Watched<IcmpSocket>>,
    targets: Vec<Target>,
    /// Index of the target that an identifier means.
    idents: HashMap<(Version, u16), usize>,
    echo: Echo,
    buffer: Vec<u8>,
    start: Instant,
}

impl Engine {
    /// Must be called in the runtime that will run it.
    pub(super) fn new(
        request: &PingRequest,
        sockets: PingSockets,
        addresses: &[IpAddr],
        emit: &mut impl FnMut(PingEvent),
    ) -> Result<Self, ProbeError> {
        let mut engine = Self {
            sockets: Vec::new(),
            targets: Vec::new(),
            idents: HashMap::new(),
            echo: Echo::new(request.size, sockets.token),
            buffer: vec![0; BUFFER],
            start: Instant::now(),
        };
        for (index, (address, target)) in addresses.iter().zip(&request.targets).enumerate() {
            let version = Version::of(*address);
            let Some(lane) = sockets.lane(index, version) else { continue };
            let source = route::source(*address, request.source_address);
            emit(PingEvent::Started {
                target: index as u16,
                host: target.host.as_str().into(),
                address: *address,
                // Without a route there is none.
                source: source.unwrap_or(route::unspecified(*address)),
                socket: sockets.sockets[lane.socket].kind,
            });
            engine.idents.insert((version, lane.ident), engine.targets.len());
            let track = Track::new(index as u16, request);
            let (socket, ident) = (lane.socket, lane.ident);
            engine.targets.push(Target { address: *address, socket, ident, track });
        }
        for socket in sockets.sockets {
            let watched =
                Watched::new(socket).map_err(|e| ProbeError::Socket("watch ICMP socket", e))?;
            engine.sockets.push(watched);
        }
        engine.start = Instant::now();
        Ok(engine)
    }

    pub(super) async fn run(
        mut self,
        emit: &mut impl FnMut(PingEvent),
        stop: &CancellationToken,
    ) -> Result<(), ProbeError> {
        while !stop.is_cancelled() {
            self.send(emit);
            // What came before this moment is taken before anything is called silent at it.
            let now = self.start.elapsed();
            let is_drained = self.take(emit)?;
            if is_drained {
                self.targets.iter_mut().for_each(|target| target.track.expire(now, emit));
            }
            let Some(wake) = self.targets.iter().filter_map(|t| t.track.wakes_at()).min() else {
                break;
            };
            // Whoever writes the events down gets a turn however busy this is.
            tokio::task::yield_now().await;
            if is_drained && wake > now {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = sleep_until(self.start + wake) => {}
                    () = readable(&self.sockets) => {}
                }
            }
        }
        // Whoever stops a ping still gets what had come by then.
        self.take(emit).map(drop)
    }

    /// One request to each target that is due.
    fn send(&mut self, emit: &mut impl FnMut(PingEvent)) {
        let now = self.start.elapsed();
        for index in 0..self.targets.len() {
            let target = &self.targets[index];
            let Some(seq) = target.track.due(now) else { continue };
            let (to, ident) = (target.address, target.ident);
            let packet = self.echo.request(Version::of(to), ident, seq as u16);
            let at = moment(self.start);
            let sent = self.sockets[target.socket].socket().send(to, packet);
            let track = &mut self.targets[index].track;
            match sent {
                Ok(()) => track.sent(at, emit),
                Err(error) => track.not_sent(at, refusal::of(&error, to), emit),
            }
        }
    }

    /// Takes what came; whether that was all.
    fn take(&mut self, emit: &mut impl FnMut(PingEvent)) -> Result<bool, ProbeError> {
        let mut is_drained = true;
        for index in 0..self.sockets.len() {
            is_drained &= self.take_from(index, emit)?;
        }
        Ok(is_drained)
    }

    fn take_from(
        &mut self,
        index: usize,
        emit: &mut impl FnMut(PingEvent),
    ) -> Result<bool, ProbeError> {
        let socket = self.sockets[index].socket();
        for _ in 0..MAX_TAKEN {
            let taken = socket.take(&mut self.buffer);
            match taken.map_err(|e| ProbeError::Socket("receive from ICMP socket", e))? {
                Taken::Empty => return Ok(true),
                Taken::Other => {}
                Taken::Answer(received) => {
                    let meant = self.idents.get(&(socket.version, received.answer.ident()));
                    if let Some(target) = meant.and_then(|index| self.targets.get_mut(*index)) {
                        let at = Arrival { stamp: received.at, read: moment(self.start) };
                        target.note(&received, &self.echo, at, emit);
                    }
                }
            }
        }
        Ok(false)
    }
}
