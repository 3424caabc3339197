//! The SYN that opened a connection, as the kernel kept it (`TCP_SAVED_SYN`): its IP and TCP
//! headers.

use netdiag_wire::listen::Arrival;
use pnet::packet::{
    Packet, ip::IpNextHeaderProtocols, ipv4::Ipv4Packet, ipv6::Ipv6Packet, tcp::TcpPacket,
};

use super::tcp_options::{self, TcpOption};

const TCP: usize = 20;

/// `None` for what is no SYN; an extension header of IPv6 is not looked behind.
pub(crate) fn read(bytes: &[u8]) -> Option<Arrival> {
    let (ttl, tcp) = match bytes.first()? >> 4 {
        4 => {
            let ip = Ipv4Packet::new(bytes)?;
            let header = usize::from(ip.get_header_length()) * 4;
            let is_tcp = ip.get_next_level_protocol() == IpNextHeaderProtocols::Tcp;
            (ip.get_ttl(), bytes.get(header.max(20)..).filter(|_| is_tcp)?)
        }
        6 => {
            let ip = Ipv6Packet::new(bytes)?;
            let is_tcp = ip.get_next_header() == IpNextHeaderProtocols::Tcp;
            (ip.get_hop_limit(), bytes.get(ip.packet().len().min(40)..).filter(|_| is_tcp)?)
        }
        _ => return None,
    };
    let segment = TcpPacket::new(tcp)?;
    let options = tcp.get(TCP..usize::from(segment.get_data_offset()) * 4)?;
    let mut arrival =
        Arrival { ttl: Some(ttl), window: Some(segment.get_window()), ..Arrival::default() };
    for option in tcp_options::read(options)? {
        match option {
            TcpOption::Mss(mss) => arrival.mss = Some(mss),
            TcpOption::WindowScale(shift) => arrival.window_scale = Some(shift),
            _ => {}
        }
    }
    Some(arrival)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::packet::syn::{Syns, Way};

    fn syn(source: &str, target: &str) -> Vec<u8> {
        let (source, target) = (source.parse().unwrap(), target.parse().unwrap());
        Syns::new(50_000..50_001).syn(Way { source, target, port: 9_999 })
    }

    #[test]
    fn a_syn_of_either_version_is_read() {
        let arrival = |mss| Arrival {
            ttl: Some(64),
            mss: Some(mss),
            window: Some(64_240),
            window_scale: Some(7),
        };
        assert_eq!(read(&syn("10.0.0.1", "10.0.0.2")), Some(arrival(1_460)));
        assert_eq!(read(&syn("fd00::1", "fd00::2")), Some(arrival(1_440)));
    }

    #[test]
    fn a_syn_that_was_cut_is_none() {
        for packet in [syn("10.0.0.1", "10.0.0.2"), syn("fd00::1", "fd00::2")] {
            for length in 0..packet.len() {
                assert_eq!(read(&packet[..length]), None, "{length}");
            }
        }
    }

    proptest! {
        #[test]
        fn hostile_bytes_are_none_or_read(mut bytes in proptest::collection::vec(any::<u8>(), 0..120), is_v4: bool) {
            if let Some(first) = bytes.first_mut() {
                *first = if is_v4 { 0x45 } else { 0x60 };
            }
            if let Some(arrival) = read(&bytes) {
                prop_assert!(bytes.len() >= 40 && arrival.ttl.is_some());
            }
        }
    }
}
