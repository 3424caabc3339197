//! States, protocols and addresses as ss and netstat write them.

use netdiag_wire::sockets::{
    SocketAddress, SocketEntry, SocketProtocol, SocketState, TimerKind, UnixKind,
};

use crate::render::number;

pub(crate) fn state(state: SocketState) -> &'static str {
    match state {
        SocketState::Listen => "LISTEN",
        SocketState::Unconnected => "UNCONN",
        SocketState::Established => "ESTABLISHED",
        SocketState::SynSent => "SYN-SENT",
        SocketState::SynReceived => "SYN-RECV",
        SocketState::FinWait1 => "FIN-WAIT-1",
        SocketState::FinWait2 => "FIN-WAIT-2",
        SocketState::TimeWait => "TIME-WAIT",
        SocketState::CloseWait => "CLOSE-WAIT",
        SocketState::LastAck => "LAST-ACK",
        SocketState::Closing => "CLOSING",
        SocketState::Closed => "CLOSED",
        SocketState::Unknown => "-",
    }
}

/// In the table.
pub(super) fn protocol(protocol: SocketProtocol) -> &'static str {
    match protocol {
        SocketProtocol::Tcp => "tcp",
        SocketProtocol::Udp => "udp",
        SocketProtocol::Raw => "raw",
        SocketProtocol::Unix => "unix",
        SocketProtocol::Unknown => "-",
    }
}

/// In a sentence.
pub(super) fn protocol_name(protocol: SocketProtocol) -> &'static str {
    match protocol {
        SocketProtocol::Tcp => "TCP",
        SocketProtocol::Udp => "UDP",
        SocketProtocol::Raw => "raw",
        SocketProtocol::Unix => "unix",
        SocketProtocol::Unknown => "other",
    }
}

/// `0.0.0.0:9000`, `*:15090` where both families are meant, `[::1]:80`; a unix socket's name, or its
/// inode where it has none.
pub(crate) fn local(entry: &SocketEntry) -> String {
    if let Some(unix) = &entry.unix {
        return match (&unix.name, entry.inode) {
            (Some(name), _) => name.to_string(),
            (None, Some(inode)) => format!("inode {inode}"),
            (None, None) => "-".into(),
        };
    }
    let Some(local) = entry.local else { return "-".into() };
    let interface = entry.interface.iter().map(|name| format!("%{name}")).collect::<String>();
    let host = match entry.dual_stack {
        true => "*".to_owned(),
        false => host(local),
    };
    match entry.protocol {
        SocketProtocol::Raw => format!("{host}{interface}:{}", ip_protocol(entry.ip_protocol)),
        _ => format!("{host}{interface}:{}", port(local.port)),
    }
}

pub(super) fn address(address: SocketAddress) -> String {
    format!("{}:{}", host(address), port(address.port))
}

fn host(address: SocketAddress) -> String {
    match address.address.is_ipv6() {
        true => format!("[{}]", address.address),
        false => address.address.to_string(),
    }
}

fn port(port: u16) -> String {
    if port == 0 { "*".into() } else { port.to_string() }
}

fn ip_protocol(number: Option<u8>) -> String {
    match number {
        Some(1) => "icmp".into(),
        Some(6) => "tcp".into(),
        Some(17) => "udp".into(),
        Some(58) => "ipv6-icmp".into(),
        Some(255) => "raw".into(),
        Some(number) => number.to_string(),
        None => "*".into(),
    }
}

pub(super) fn unix_kind(kind: UnixKind) -> &'static str {
    match kind {
        UnixKind::Stream => "stream",
        UnixKind::Datagram => "datagram",
        UnixKind::SeqPacket => "seqpacket",
        UnixKind::Unknown => "-",
    }
}

/// `retransmit in 1.20 s`.
pub(super) fn timer(entry: &SocketEntry) -> String {
    let Some(timer) = &entry.timer else { return "-".into() };
    let kind = match timer.kind {
        TimerKind::Retransmit => "retransmit",
        TimerKind::Keepalive => "keepalive",
        TimerKind::TimeWait => "time-wait",
        TimerKind::ZeroWindowProbe => "zero window",
        TimerKind::DelayedAck => "delayed ack",
        TimerKind::Unknown => "timer",
    };
    format!("{kind} in {}", number::waited(timer.expires_us))
}

/// `14.2 Mbit/s`, of bytes a second.
pub(super) fn rate(bytes: Option<u64>) -> String {
    let Some(bytes) = bytes else { return "-".into() };
    let bits = bytes as f64 * 8.0;
    let scales = [(1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s")];
    match scales.into_iter().find(|(scale, _)| bits >= *scale) {
        Some((scale, unit)) => {
            let digits = number::ms_digits((bits / scale * 1_000.0) as u64);
            format!("{digits} {unit}")
        }
        None => format!("{bits:.0} bit/s"),
    }
}

pub(super) fn amount(amount: Option<u32>) -> String {
    amount.map_or_else(|| "-".into(), |amount| number::count(amount.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_three_digits() {
        let shown = [12, 1_250, 125_000, 1_775_000, 1_250_000_000].map(|bytes| rate(Some(bytes)));
        assert_eq!(shown, ["96 bit/s", "10.0 kbit/s", "1.00 Mbit/s", "14.2 Mbit/s", "10.0 Gbit/s"]);
    }
}
