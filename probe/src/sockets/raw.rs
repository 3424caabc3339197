//! Raw sockets, which few kernels tell by netlink: `/proc/net/raw` and `raw6`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netdiag_wire::sockets::{SocketAddress, SocketEntry, SocketProtocol, SocketState};

use super::{empty, inet::state_of};

/// Every line that is one of a socket; the first is a heading.
pub(super) fn entries(text: &str) -> impl Iterator<Item = SocketEntry> {
    text.lines().filter_map(entry)
}

/// Number, local and remote address, state, queues, timer, retransmits, uid, timeout, inode, users,
/// pointer, drops.
fn entry(line: &str) -> Option<SocketEntry> {
    let mut words = line.split_ascii_whitespace();
    words.next()?.strip_suffix(':')?;
    let (local, protocol) = address(words.next()?)?;
    let (remote, _) = address(words.next()?)?;
    let state = state_of(SocketProtocol::Raw, hex(words.next()?)?.try_into().ok()?);
    let (unsent, received) = words.next()?.split_once(':')?;
    let uid = words.nth(2)?.parse().ok()?;
    let inode: u32 = words.nth(1)?.parse().ok()?;
    let drops = words.nth(2)?.parse().ok()?;
    let is_connected = state != SocketState::Unconnected;
    let address = |address| SocketAddress { address, port: 0 };
    Some(SocketEntry {
        local: Some(address(local)),
        peer: is_connected.then_some(address(remote)),
        ip_protocol: u8::try_from(protocol).ok(),
        receive_queue_bytes: Some(hex(received)?),
        send_queue_bytes: Some(hex(unsent)?),
        drops: Some(drops),
        uid: (inode != 0).then_some(uid),
        inode: (inode != 0).then_some(inode),
        ..empty(SocketProtocol::Raw, state)
    })
}

/// Words of 32 bits in this machine's order, and what stands where others have their port.
fn address(text: &str) -> Option<(IpAddr, u32)> {
    let (address, port) = text.split_once(':')?;
    let words: Vec<_> = address.as_bytes().chunks(8).map_while(word).collect();
    let address = match words.as_slice().as_flattened() {
        octets @ [_, _, _, _] => Ipv4Addr::from(*octets.first_chunk()?).into(),
        octets => Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?).into(),
    };
    Some((address, hex(port)?))
}

fn word(digits: &[u8]) -> Option<[u8; 4]> {
    hex(str::from_utf8(digits).ok()?).map(u32::to_ne_bytes)
}

/// At most eight digits, and no sign.
fn hex(digits: &str) -> Option<u32> {
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n    1: 0100007F:0001 00000000:0000 07 00000000:00000300 00:00000000 00000000  1000        0 8036 2 0000000000000000 17\n";
    const V6: &str = "   58: 00000000000000000000000001000000:003A 000080FE00000000FF005450B5E1FFFE:0000 01 00000000:00000000 00:00000000 00000000     0        0 9 2 0000000000000000 0\n";

    #[test]
    fn both_families_read() {
        let read: Vec<_> = entries(V4).chain(entries(V6)).collect();
        let [v4, v6] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!(v4.local.unwrap().address, IpAddr::from([127, 0, 0, 1]));
        assert_eq!((v4.ip_protocol, v4.peer, v4.state), (Some(1), None, SocketState::Unconnected));
        assert_eq!((v4.receive_queue_bytes, v4.uid, v4.inode), (Some(768), Some(1000), Some(8036)));
        assert_eq!(v4.drops, Some(17));
        assert_eq!(v6.local.unwrap().address, "::1".parse::<IpAddr>().unwrap());
        assert_eq!(v6.peer.unwrap().address, "fe80::5054:ff:feff:e1b5".parse::<IpAddr>().unwrap());
        assert_eq!((v6.ip_protocol, v6.state), (Some(58), SocketState::Established));
    }

    #[test]
    fn a_line_cut_anywhere_is_left_out() {
        let line = V6.trim_end();
        for length in 0..line.len() - 1 {
            assert_eq!(entries(&line[..length]).count(), 0, "{length}");
        }
        assert_eq!(entries(line).count(), 1);
        assert_eq!(hex("+1"), None);
        assert_eq!(address("é00007F:0001"), None);
    }
}
