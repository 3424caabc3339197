//! One datagram to one port: UDP has no handshake, so only an answer tells that somebody is there.

use std::{borrow::Cow, net::SocketAddr, time::Duration};

use netdiag_wire::connect::{ConnectOutcome, ConnectRequest, MAX_KEPT};
use tokio::time::{Instant, timeout};

use crate::{
    ProbeError, clock,
    sys::{
        datagram::{Datagram, Heard, Origin},
        refusal, route,
    },
};

/// The largest datagram.
const BUFFER: usize = 65_536;

/// What a port of that number answers to.
const QUESTIONS: [(u16, &[u8]); 6] = [
    (53, ROOT_NS),
    (5353, ROOT_NS),
    (123, &NTP),
    // SNMPv1, community public, get sysDescr.0.
    (161, b"\x30\x26\x02\x01\0\x04\x06public\xa0\x19\x02\x01\x01\x02\x01\0\x02\x01\0\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\0\x05\0"),
    // Echo and discard take anything.
    (7, b"netdiag"),
    (9, b"netdiag"),
];
/// Version 4, a client's.
const NTP: [u8; 48] = {
    let mut packet = [0; 48];
    packet[0] = 0x23;
    packet
};
/// NS of the root, which every server and resolver has an answer for.
const ROOT_NS: &[u8] = b"\x6e\x64\x01\0\0\x01\0\0\0\0\0\0\0\0\x02\0\x01";

pub(super) struct Asked {
    pub(super) local: Option<SocketAddr>,
    pub(super) took_us: u64,
    pub(super) outcome: ConnectOutcome,
}

pub(super) async fn ask(
    remote: SocketAddr,
    from: Origin,
    request: &ConnectRequest,
    wait: Duration,
) -> Result<Asked, ProbeError> {
    let error = |cause| ProbeError::Socket("open a UDP socket", cause);
    let socket = Datagram::open(remote, from).map_err(error)?;
    let source = route::source(remote.ip(), from.address).ok();
    let port = socket.port().map_err(error)?;
    let local = source.map(|source| SocketAddr::new(source, port));
    let data = data(request, remote.port());
    let start = Instant::now();
    let outcome = match socket.send(&data, remote) {
        Err(cause) => ConnectOutcome::NotSent { refusal: refusal::of(&cause, remote.ip()) },
        Ok(()) => match timeout(wait, hear(&socket, remote)).await {
            Ok(heard) => heard.map_err(error)?,
            Err(_) => ConnectOutcome::Silence { sent: 1, bytes: Some(data.len() as u32) },
        },
    };
    Ok(Asked { local, took_us: clock::micros(start.elapsed()), outcome })
}

fn data(request: &ConnectRequest, port: u16) -> Cow<'_, [u8]> {
    match &request.send {
        Some(send) => send.as_bytes().into(),
        None => {
            let fitting = QUESTIONS.iter().find(|(known, _)| *known == port);
            fitting.map_or(&[][..], |(_, question)| question).into()
        }
    }
}

async fn hear(socket: &Datagram, remote: SocketAddr) -> std::io::Result<ConnectOutcome> {
    let mut buffer = vec![0; BUFFER];
    Ok(match socket.hear(&mut buffer).await? {
        Heard::Rejection { by, icmp } => ConnectOutcome::Rejected { by, icmp },
        Heard::Packet { from, length } => ConnectOutcome::Replied {
            from: Some(from).filter(|from| *from != remote),
            bytes: length as u32,
            data: buffer[..length.min(MAX_KEPT)].to_vec().into(),
        },
    })
}
