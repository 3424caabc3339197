//! The loop of a ping: send what is due, take what came, say what is silent, wait.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use netdiag_wire::ping::{PingEvent, PingRequest};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    PingSockets,
    track::{Arrival, Moment, Reply, Track},
};
use crate::{
    ProbeError,
    packet::{
        Version,
        answer::{Answer, Quote},
        echo::{Echo, HEADER},
    },
    sys::{
        receive::{Received, Taken},
        refusal, route,
        watched::{Watched, readable},
    },
};

/// The largest IP packet.
const BUFFER: usize = 65_536;
/// Packets taken from a socket before sending has its turn again.
const MAX_TAKEN: usize = 256;

pub(super) struct Engine {
    sockets: Vec<Watched>,
    targets: Vec<Target>,
    /// Index of the target that an identifier means.
    idents: HashMap<(Version, u16), usize>,
    echo: Echo,
    buffer: Vec<u8>,
    start: Instant,
}

struct Target {
    address: IpAddr,
    socket: usize,
    ident: u16,
    track: Track,
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
            let is_drained = self.take(emit)?;
            let now = self.now().elapsed;
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
        Ok(())
    }

    /// One request to each target that is due.
    fn send(&mut self, emit: &mut impl FnMut(PingEvent)) {
        let now = self.now().elapsed;
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
        for socket in &self.sockets {
            let socket = socket.socket();
            let mut taken = 0;
            loop {
                if taken == MAX_TAKEN {
                    is_drained = false;
                    break;
                }
                taken += 1;
                let read = socket.take(&mut self.buffer);
                match read.map_err(|e| ProbeError::Socket("receive from ICMP socket", e))? {
                    Taken::Empty => break,
                    Taken::Other => {}
                    Taken::Answer(received) => {
                        let arrival = Arrival { stamp: received.at, read: moment(self.start) };
                        let found = find(&self.idents, socket.version, &received);
                        if let Some(target) = found.and_then(|i| self.targets.get_mut(i)) {
                            target.note(&received, &self.echo, arrival, emit);
                        }
                    }
                }
            }
        }
        Ok(is_drained)
    }

    fn now(&self) -> Moment {
        moment(self.start)
    }
}

fn moment(start: Instant) -> Moment {
    let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Moment { elapsed: start.elapsed(), real }
}

fn find(
    idents: &HashMap<(Version, u16), usize>,
    version: Version,
    received: &Received<'_>,
) -> Option<usize> {
    let ident = match &received.answer {
        Answer::Reply { ident, .. } => *ident,
        Answer::Rejection { quote, .. } | Answer::Redirect { quote, .. } => quote.ident,
    };
    idents.get(&(version, ident)).copied()
}

impl Target {
    fn note(
        &mut self,
        received: &Received<'_>,
        echo: &Echo,
        at: Arrival,
        emit: &mut impl FnMut(PingEvent),
    ) {
        let from = received.from;
        match &received.answer {
            Answer::Reply { seq, data, is_corrupt, .. } => {
                let bytes = u16::try_from(data.len() + HEADER).unwrap_or(u16::MAX);
                let wrong_byte = echo.wrong_byte(data);
                let reply = Reply { from, bytes, ttl: received.ttl, wrong_byte };
                match is_corrupt {
                    _ if echo.is_foreign(data) => {}
                    true => self.track.corrupted(*seq, reply, at, emit),
                    false => self.track.replied(*seq, reply, at, emit),
                }
            }
            Answer::Rejection { quote, icmp } if self.is_own(quote, echo) => {
                self.track.rejected(quote.seq, from, icmp.clone(), at, emit);
            }
            Answer::Redirect { quote, gateway } if self.is_own(quote, echo) => {
                self.track.redirected(quote.seq, from, *gateway, at, emit);
            }
            Answer::Rejection { .. } | Answer::Redirect { .. } => {}
        }
    }

    fn is_own(&self, quote: &Quote<'_>, echo: &Echo) -> bool {
        quote.to == self.address && !echo.is_foreign(quote.data)
    }
}
