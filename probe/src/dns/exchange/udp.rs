//! Questions over UDP: each try an id of its own, all from one socket.

use std::net::SocketAddr;

use netdiag_wire::IcmpMeaning;
use tokio::time::{Instant, timeout_at};

use super::{Client, accept::Discard, pending::Pending};
use crate::{
    ProbeError,
    sys::{
        datagram::{Datagram, Heard},
        refusal,
    },
};

/// Longest datagram.
const MAX_BYTES: usize = u16::MAX as usize;

/// Until each is answered or met silence.
pub(super) async fn ask(
    client: &Client<'_>,
    pending: &mut [Pending],
    server: SocketAddr,
) -> Result<(), ProbeError> {
    let socket = Datagram::open(server, client.from)
        .map_err(|cause| ProbeError::Socket("open UDP socket", cause))?;
    let mut buffer = vec![0; MAX_BYTES];
    for _ in 0..client.tries {
        for one in pending.iter_mut().filter(|one| one.is_open()) {
            send(one, &socket, server)?;
        }
        let deadline = Instant::now() + client.timeout;
        while pending.iter().any(Pending::is_open) && Instant::now() < deadline {
            let Ok(heard) = timeout_at(deadline, socket.hear(&mut buffer)).await else { break };
            let heard = heard.map_err(|cause| ProbeError::Socket("receive an answer", cause))?;
            note(pending, server, &heard, &buffer);
        }
    }
    pending.iter_mut().filter(|one| one.is_open()).for_each(Pending::give_up);
    Ok(())
}

fn send(one: &mut Pending, socket: &Datagram, server: SocketAddr) -> Result<(), ProbeError> {
    let bytes = one.next_try()?;
    match socket.send(&bytes, server) {
        Ok(()) => one.count_sent(),
        Err(error) => one.not_sent(refusal::of(&error, server.ip())),
    }
    Ok(())
}

fn note(pending: &mut [Pending], server: SocketAddr, heard: &Heard, buffer: &[u8]) {
    match heard {
        Heard::Rejection { icmp, .. } if icmp.meaning == IcmpMeaning::FragmentationNeeded => {}
        Heard::Rejection { by, icmp } => {
            let open = pending.iter_mut().filter(|one| one.is_open());
            open.for_each(|one| one.rejected(*by, icmp.clone()));
        }
        Heard::Packet { from, length } => {
            let bytes = buffer.get(..*length).unwrap_or_default();
            // An IPv6 address comes with a scope that nobody asked for.
            let is_server = (from.ip(), from.port()) == (server.ip(), server.port());
            packet(pending, is_server, bytes);
        }
    }
}

fn packet(pending: &mut [Pending], is_server: bool, bytes: &[u8]) {
    let id = bytes.first_chunk().map(|id| u16::from_be_bytes(*id));
    let owner = id.and_then(|id| pending.iter().position(|one| one.has_sent(id)));
    let first = pending.iter().position(Pending::is_open);
    let Some(one) = owner.or(first).and_then(|index| pending.get_mut(index)) else { return };
    if !is_server {
        one.discard(Discard::Source);
    } else if one.is_open()
        && let Some(parsed) = one.hear(bytes)
    {
        one.answered(parsed, bytes.len());
    }
}
