//! Datagrams: whoever sends one first is heard, with `keep` everybody.

use std::{
    collections::HashSet,
    io,
    net::{SocketAddr, UdpSocket},
};

use bytes::Bytes;
use netdiag_wire::listen::{Arrival, ListenEvent, ListenRequest};
use nix::{errno::Errno, sys::socket::MsgFlags};
use tokio::io::Interest;
use tokio_util::sync::CancellationToken;

use super::{Ended, failed};
use crate::{
    stream::{Caller, Outgoing},
    sys::{addresses::plain, receive},
};

/// Most senders that are told apart; those that come later are heard, not told.
const MAX_SENDERS: usize = 1024;
const MAX_DATAGRAM: usize = 64 * 1024;

pub(super) async fn run(
    request: &ListenRequest,
    socket: UdpSocket,
    caller: &mut Caller<ListenEvent>,
    stop: &CancellationToken,
) -> Result<(), Ended> {
    let socket = tokio::net::UdpSocket::from_std(socket).map_err(failed("listen"))?;
    let local = plain(socket.local_addr().map_err(failed("read the socket's address"))?);
    caller.say(ListenEvent::Listening { local, udp: true }).await?;
    let mut senders = Senders { known: HashSet::new(), last: None };
    let mut buffer = vec![0; MAX_DATAGRAM];
    let mut is_fed = request.answer.is_none();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            heard = hear(&socket, &mut buffer) => {
                let heard = heard.map_err(failed("receive a datagram"))?;
                if senders.take(request, heard.from) {
                    let (from, to) = (plain(heard.from), local);
                    let arrival = Arrival { ttl: heard.ttl, ..Arrival::default() };
                    caller.say(ListenEvent::Accepted { from, to, arrival }).await?;
                }
                if senders.last != Some(heard.from) {
                    continue;
                }
                if let Some(answer) = &request.answer {
                    // Who left before the answer is no reason to stop hearing others.
                    let _ = socket.send_to(answer.as_bytes(), heard.from).await;
                }
                if let Some(bytes) = buffer.get(..heard.length).filter(|bytes| !bytes.is_empty()) {
                    caller.send(Outgoing::Data(Bytes::copy_from_slice(bytes))).await?;
                }
            }
            bytes = caller.from.recv(), if is_fed && senders.last.is_some() => {
                match (bytes, senders.last) {
                    (Some(bytes), Some(to)) => drop(socket.send_to(&bytes, to).await),
                    (Some(_) | None, _) => is_fed = false,
                }
            }
        }
    }
}

struct Senders {
    known: HashSet<SocketAddr>,
    /// Who is answered: the first one, or with `keep` the last.
    last: Option<SocketAddr>,
}

impl Senders {
    /// Whether this one is new and to be told.
    fn take(&mut self, request: &ListenRequest, from: SocketAddr) -> bool {
        if self.last.is_some() && !request.keep {
            return false;
        }
        self.last = Some(from);
        self.known.len() < MAX_SENDERS && self.known.insert(from)
    }
}

struct Heard {
    from: SocketAddr,
    ttl: Option<u8>,
    length: usize,
}

async fn hear(socket: &tokio::net::UdpSocket, buffer: &mut [u8]) -> io::Result<Heard> {
    loop {
        let read = socket.async_io(Interest::READABLE, || {
            match receive::read(socket, buffer, MsgFlags::empty()) {
                // An ICMP error about an answer of ours, told once.
                Err(Errno::ECONNREFUSED | Errno::EHOSTUNREACH | Errno::ENETUNREACH) => Ok(None),
                read => Ok(Some(read?)),
            }
        });
        let Some(beside) = read.await? else { continue };
        if let Some(from) = beside.from {
            return Ok(Heard { from, ttl: beside.ttl, length: beside.length });
        }
    }
}
