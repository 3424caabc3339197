//! What open ports speak, and the product and version that they say: greetings, then questions that
//! change nothing at the server.
//!
//! Every answer is read by a pure function over its bytes; a port's number only says what to ask
//! first.

use std::{net::SocketAddr, num::NonZeroU32, time::Duration};

use netdiag_wire::scan::{Identity, PortState, ScanEvent, ScanPort, ScanProtocol};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

mod brokers;
mod bytes;
mod caches;
mod certificate;
mod databases;
mod directory;
mod greeting;
mod heard;
mod http;
mod http2;
pub(super) mod os;
mod peer;
mod plan;
mod tcp;
#[cfg(test)]
mod tests;
mod tls;
mod udp;

use crate::sys::datagram::{Datagram, Heard as Arrived, Origin};
use heard::Match;
use peer::{Peer, Turns};
use tcp::Known;

/// Ports that are asked at a time.
const AT_A_TIME: usize = 16;
/// For one port, whatever it does.
const PORT: Duration = Duration::from_secs(16);
/// For the answer to one datagram.
const DATAGRAM: Duration = Duration::from_secs(1);
/// Longer than any answer that is read.
const MAX_DATAGRAM: usize = 65_536;
/// Of what a server said by itself.
const MAX_BANNER: usize = 256;

/// How fast, and from where.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    /// Connections and datagrams a second.
    pub(super) rate: Option<NonZeroU32>,
    pub(super) from: Origin,
}

/// What a service at this UDP port would answer, if its number says so.
pub(super) fn question(port: u16) -> Option<Vec<u8>> {
    let is_known = matches!(port, 53 | 123 | 161);
    is_known.then(|| udp::questions(port).swap_remove(0).send)
}

/// What services are asked that may be at any UDP port.
pub(super) fn questions(port: u16) -> impl Iterator<Item = Vec<u8>> {
    udp::questions(port).into_iter().map(|question| question.send)
}

/// Asks every open port, several at a time; how many connections and datagrams it took.
pub(super) async fn run(
    open: &[ScanPort],
    limits: Limits,
    emit: &mut impl FnMut(ScanEvent),
    stop: &CancellationToken,
) -> u64 {
    let mut sent = 0;
    tokio::select! {
        () = stop.cancelled() => {}
        () = ask_all(open, limits, emit, &mut sent) => {}
    }
    sent
}

async fn ask_all(
    open: &[ScanPort],
    limits: Limits,
    emit: &mut impl FnMut(ScanEvent),
    sent: &mut u64,
) {
    let interval = limits.rate.map_or(Duration::ZERO, |rate| Duration::from_secs(1) / rate.get());
    let (turns, mut asked) = Turns::new();
    let mut next = Instant::now();
    let mut waiting = open.iter();
    let mut asking = JoinSet::new();
    loop {
        while asking.len() < AT_A_TIME
            && let Some(port) = waiting.next()
        {
            asking.spawn(ask(port.clone(), limits.from, turns.clone()));
        }
        tokio::select! {
            Some(leave) = asked.recv() => {
                sleep_until(next).await;
                next = Instant::now() + interval;
                *sent += 1;
                let _ = leave.send(());
            }
            done = asking.join_next() => match done {
                Some(Ok(identity)) => identity.into_iter().for_each(|one| emit(ScanEvent::Identified(one))),
                // Broken off with a panic: this port stays unknown.
                Some(Err(_)) => {}
                None => return,
            },
        }
    }
}

/// `None` for a UDP port of which it is still not known whether anybody is there.
async fn ask(port: ScanPort, from: Origin, turns: Turns) -> Option<Identity> {
    let address = SocketAddr::new(port.address, port.port);
    let mut known = Known::default();
    match port.protocol {
        ScanProtocol::Tcp => {
            let mut peer = Peer::new(address, from, turns);
            let _ = timeout(PORT, tcp::identify(&mut peer, &mut known)).await;
        }
        ScanProtocol::Udp => {
            let found = ask_datagrams(address, from, &turns).await;
            if found.is_none() && port.state != PortState::Open {
                return None;
            }
            known.found = found.unwrap_or_default();
        }
    }
    Some(identity(&port, known))
}

async fn ask_datagrams(address: SocketAddr, from: Origin, turns: &Turns) -> Option<Match> {
    let socket = Datagram::open(address, from).ok()?;
    for question in udp::questions(address.port()) {
        turns.turn().await;
        socket.send(&question.send, address).ok()?;
        match timeout(DATAGRAM, answer(&socket, address)).await {
            Ok(Some(bytes)) => match (question.read)(&bytes).so_far() {
                Some(found) => return Some(found),
                None => continue,
            },
            // Nobody listens any more.
            Ok(None) => return None,
            Err(_) => {}
        }
    }
    None
}

/// The next datagram from there; `None` for an ICMP error.
async fn answer(socket: &Datagram, address: SocketAddr) -> Option<Vec<u8>> {
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        match socket.hear(&mut buffer).await {
            Ok(Arrived::Packet { from, length }) if from == address => {
                buffer.truncate(length);
                return Some(buffer);
            }
            Ok(Arrived::Packet { .. }) => {}
            Ok(Arrived::Rejection { .. }) | Err(_) => return None,
        }
    }
}

fn identity(port: &ScanPort, known: Known) -> Identity {
    let mut banner = known.banner;
    banner.truncate(MAX_BANNER);
    Identity {
        address: port.address,
        protocol: port.protocol,
        port: port.port,
        speaks: known.found.speaks.into_iter().map(Into::into).collect(),
        product: known.found.product,
        version: known.found.version,
        info: known.found.info,
        banner: (!banner.is_empty()).then(|| banner.into()),
    }
}
