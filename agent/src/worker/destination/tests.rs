//! T11.
//!
//! Seen to fail without `plain`, without the own resolver's exception, and with
//! link-local addresses left to any traffic.

use super::*;
use crate::worker::probe::is_name;

fn of(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn anything(may_metadata: bool) -> [Policy; 3] {
    let own = vec![of("169.254.20.10"), of("10.96.0.10")];
    [Traffic::Packets, Traffic::Connections, Traffic::Questions { own }]
        .map(|traffic| Policy::new(may_metadata, None, traffic))
}

/// Spellings of the nine addresses that Rust takes for an address.
const METADATA: [&str; 44] = [
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "::FFFF:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::ffff:A9FE:A9FE",
    "0:0:0:0:0:ffff:a9fe:a9fe",
    "0000:0000:0000:0000:0000:ffff:a9fe:a9fe",
    "0::ffff:169.254.169.254",
    "::169.254.169.254",
    "::a9fe:a9fe",
    "64:ff9b::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "0064:ff9b:0:0:0:0:a9fe:a9fe",
    "64:ff9b:1::169.254.169.254",
    "64:ff9b:1:2:3:4:a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "2002:a9fe:a9fe::1",
    "2002:A9FE:A9FE:1:2:3:4:5",
    "169.254.170.2",
    "::ffff:169.254.170.2",
    "64:ff9b::a9fe:aa02",
    "2002:a9fe:aa02::1",
    "169.254.170.23",
    "::ffff:a9fe:aa17",
    "64:ff9b::a9fe:aa17",
    "168.63.129.16",
    "::ffff:168.63.129.16",
    "64:ff9b::a83f:8110",
    "2002:a83f:8110::1",
    "100.100.100.200",
    "::ffff:100.100.100.200",
    "64:ff9b::6464:64c8",
    "::100.100.100.200",
    "192.0.0.192",
    "::ffff:192.0.0.192",
    "64:ff9b::c000:c0",
    "fd00:ec2::254",
    "FD00:EC2::254",
    "fd00:0ec2:0000:0000:0000:0000:0000:0254",
    "fd00:ec2:0:0::254",
    "fd00:ec2::23",
    "fd00:ec2:0:0:0:0:0:23",
    "fd20:ce::254",
    "fd20:00ce:0:0:0:0:0:0254",
];

/// Spellings that getaddrinfo takes for addresses; here they are names, which only a DNS server or a
/// hosts file can give an address to, and that one is checked.
const NAMES: [&str; 22] = [
    "2852039166",
    "0xa9fea9fe",
    "0xA9FEA9FE",
    "0xa9.0xfe.0xa9.0xfe",
    "0251.0376.0251.0376",
    "025177524776",
    "169.254.43518",
    "169.16689662",
    "169.254.169.0376",
    "0xa9.254.169.254",
    "169.254.169.254.",
    "169.254.169.254:80",
    "169.254.169.0254",
    "0169.254.169.254",
    "[fd00:ec2::254]",
    "fd00:ec2::254%eth0",
    "fe80::1%1",
    "\u{ff11}69.254.169.254",
    "169\u{3002}254\u{3002}169\u{3002}254",
    "127.1",
    "2130706433",
    "0x7f000001",
];

#[test]
fn t11_metadata_in_every_spelling_needs_its_right() {
    let count = METADATA.len() + NAMES.len();
    assert!(count >= 60, "{count}");
    for spelling in METADATA {
        let address = of(spelling);
        for (without, with) in anything(false).iter().zip(anything(true)) {
            assert_eq!(without.check(address), Err(OffLimits::Metadata), "{spelling}");
            assert_eq!(without.missing(), Some("metadata"));
            assert_eq!(with.check(address), Ok(()), "{spelling}");
            assert_eq!(with.missing(), None);
        }
    }
    for spelling in NAMES {
        assert!(is_name(spelling), "{spelling}");
    }
    println!("t11: {count} spellings");
}

#[test]
fn t11_what_stays_on_the_link_gets_packets_and_no_connection() {
    let [packets, connections, questions] = anything(false);
    for address in ["169.254.1.1", "169.254.0.0", "169.254.255.255", "fe80::1", "febf::1"] {
        let address = of(address);
        assert_eq!(packets.check(address), Ok(()), "{address}");
        assert_eq!(connections.check(address), Err(OffLimits::LinkLocal), "{address}");
        assert_eq!(questions.check(address), Err(OffLimits::LinkLocal), "{address}");
    }
    assert_eq!(connections.missing(), Some("metadata"));
    for spelling in ["169.254.20.10", "::ffff:169.254.20.10"] {
        assert_eq!(questions.check(of(spelling)), Ok(()), "the source's own resolver");
        assert_eq!(connections.check(of(spelling)), Err(OffLimits::LinkLocal));
    }
    let beyond = ["10.0.0.1", "169.253.255.255", "169.255.0.0", "fec0::1", "2001:db8::1"];
    for address in beyond {
        for policy in anything(false) {
            assert_eq!(policy.check(of(address)), Ok(()), "{address}");
        }
    }
}

#[test]
fn t11_an_own_resolver_at_a_metadata_address_needs_the_right_too() {
    let own = vec![of("169.254.169.254")];
    let policy = Policy::new(false, None, Traffic::Questions { own });
    assert_eq!(policy.check(of("169.254.169.254")), Err(OffLimits::Metadata));
}

#[test]
fn a_nodes_own_addresses_need_their_right() {
    let node = Policy::new(false, Some(LocalRoutes::default()), Traffic::Packets);
    let pod = Policy::new(false, None, Traffic::Packets);
    let loopback =
        ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1", "::127.0.0.1"];
    for address in loopback {
        assert_eq!(node.check(of(address)), Err(OffLimits::Loopback), "{address}");
        assert_eq!(pod.check(of(address)), Ok(()), "{address}");
    }
    assert_eq!(node.missing(), Some("loopback"));
    assert_eq!(node.check(of("10.0.0.1")), Ok(()));
}

/// A stub resolver such as systemd's: every process of the node asks it.
#[test]
fn a_nodes_own_resolver_may_be_asked() {
    let own = vec![of("127.0.0.53")];
    let node = Policy::new(false, Some(LocalRoutes::default()), Traffic::Questions { own });
    assert_eq!(node.check(of("127.0.0.53")), Ok(()));
    assert_eq!(node.check(of("127.0.0.1")), Err(OffLimits::Loopback));
}
