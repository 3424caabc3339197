//! Which addresses are the namespace's own, by its routes of type local: more than its interfaces
//! have, since a whole prefix may be.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// RTF_LOCAL and RTF_ANYCAST of `include/uapi/linux/ipv6_route.h`: both are delivered here, the
/// latter being a router's address of each of its subnets (RFC 4291 section 2.6.1).
const RTF_OWN: u32 = 0x8000_0000 | 0x0010_0000;

/// Read before the drop; then nothing can be opened any more.
#[derive(Debug, Default)]
pub(super) struct LocalRoutes(Vec<(IpAddr, u8)>);

impl LocalRoutes {
    pub(super) fn of_this_namespace() -> io::Result<Self> {
        let mut routes = Vec::new();
        let v4 = File::open("/proc/thread-self/net/fib_trie")?;
        read_v4(BufReader::new(v4), &mut routes)?;
        match File::open("/proc/thread-self/net/ipv6_route") {
            Ok(v6) => read_v6(BufReader::new(v6), &mut routes)?,
            // A kernel without IPv6.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(cause),
        }
        Ok(Self(routes))
    }

    pub(super) fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|(network, length)| is_in(address, *network, *length))
    }
}

fn is_in(address: IpAddr, network: IpAddr, length: u8) -> bool {
    let (differing, bits) = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => ((a.to_bits() ^ n.to_bits()).leading_zeros(), 32),
        (IpAddr::V6(a), IpAddr::V6(n)) => ((a.to_bits() ^ n.to_bits()).leading_zeros(), 128),
        _ => return false,
    };
    differing >= u32::from(length).min(bits)
}

/// `|-- 127.0.0.0` and below it one line a route of that address: `/8 host LOCAL`.
fn read_v4(trie: impl BufRead, routes: &mut Vec<(IpAddr, u8)>) -> io::Result<()> {
    let mut leaf: Option<Ipv4Addr> = None;
    for line in trie.lines() {
        let line = line?;
        let mut words = line.split_whitespace();
        match words.next() {
            Some("|--") => leaf = words.next().and_then(|word| word.parse().ok()),
            Some(prefix) if words.any(|word| word == "LOCAL") => {
                let length = prefix.strip_prefix('/').and_then(|length| length.parse().ok());
                routes.extend(leaf.map(IpAddr::from).zip(length));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Destination, its length, source, its length, next hop, metric, two counters, flags, interface.
fn read_v6(table: impl BufRead, routes: &mut Vec<(IpAddr, u8)>) -> io::Result<()> {
    for line in table.lines() {
        let line = line?;
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [network, length, _, _, _, _, _, _, flags, ..] = fields[..] else { continue };
        let parsed = (
            u128::from_str_radix(network, 16),
            u8::from_str_radix(length, 16),
            u32::from_str_radix(flags, 16),
        );
        if let (Ok(network), Ok(length), Ok(flags)) = parsed
            && flags & RTF_OWN != 0
        {
            routes.push((Ipv6Addr::from_bits(network).into(), length));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIE: &str = "\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     |-- 10.244.1.0
        /24 link UNICAST
     |-- 10.244.1.1
        /32 host LOCAL
     |-- 10.244.1.255
        /32 link BROADCAST
     |-- 127.0.0.0
        /8 host LOCAL
     |-- 192.0.2.0
        /24 host LOCAL
";
    const TABLE: &str = "\
fd00000000000000000000000000000a 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000002 00000000 80200001     eth0
fd010000000000000000000000000000 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000002 00000000 80300001     eth0
fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
";

    #[test]
    fn routes_of_type_local_and_no_others() {
        let mut routes = LocalRoutes::default();
        read_v4(TRIE.as_bytes(), &mut routes.0).unwrap();
        read_v6(TABLE.as_bytes(), &mut routes.0).unwrap();
        for own in ["10.244.1.1", "127.0.0.53", "192.0.2.77", "fd00::a", "fd01::"] {
            assert!(routes.contain(own.parse().unwrap()), "{own}");
        }
        for other in ["10.244.1.2", "10.244.1.255", "192.0.3.1", "8.8.8.8", "fd00::b", "::a"] {
            assert!(!routes.contain(other.parse().unwrap()), "{other}");
        }
    }

    #[test]
    fn this_namespace_owns_its_loopback() {
        let routes = LocalRoutes::of_this_namespace().unwrap();
        assert!(routes.contain([127, 0, 0, 1].into()));
        assert!(!routes.contain([192, 0, 2, 1].into()));
    }
}
