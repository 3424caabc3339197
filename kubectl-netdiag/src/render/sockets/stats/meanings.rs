//! What the kernel's counters mean, in plain words; those that are not here are shown with -v only.

/// Whether a counter that is not zero is worth a second look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Traffic,
    Trouble,
}

use Kind::{Traffic, Trouble};

pub(super) const MEANINGS: &[(&str, &str, Kind, &str)] = &[
    ("Ip", "InReceives", Traffic, "IPv4 packets that came in"),
    ("Ip", "OutRequests", Traffic, "IPv4 packets that were sent"),
    ("Ip", "ForwDatagrams", Traffic, "IPv4 packets passed on for others"),
    ("Ip", "InHdrErrors", Trouble, "thrown away: damaged header, or TTL at its end"),
    ("Ip", "InAddrErrors", Trouble, "thrown away: for an address that is not this namespace's"),
    ("Ip", "InUnknownProtos", Trouble, "thrown away: a protocol that nobody here speaks"),
    ("Ip", "InDiscards", Trouble, "thrown away on arrival: memory was short"),
    ("Ip", "OutDiscards", Trouble, "thrown away before sending: a full queue or a filter here"),
    ("Ip", "OutNoRoutes", Trouble, "not sent: no route to that address"),
    ("Ip", "ReasmFails", Trouble, "fragments that never became a packet: some were lost"),
    ("Ip", "FragFails", Trouble, "too long for a link, and fragments were forbidden (MTU)"),
    ("Ip6", "InReceives", Traffic, "IPv6 packets that came in"),
    ("Ip6", "OutRequests", Traffic, "IPv6 packets that were sent"),
    ("Ip6", "InHdrErrors", Trouble, "thrown away: damaged header, or hop limit at its end"),
    ("Ip6", "InAddrErrors", Trouble, "thrown away: for an address that is not this namespace's"),
    ("Ip6", "InDiscards", Trouble, "thrown away on arrival: memory was short"),
    ("Ip6", "OutNoRoutes", Trouble, "not sent: no route to that address"),
    ("Ip6", "ReasmFails", Trouble, "fragments that never became a packet: some were lost"),
    ("Icmp", "InErrors", Trouble, "damaged ICMP messages that came in"),
    ("Icmp", "InCsumErrors", Trouble, "ICMP with a wrong checksum: damaged on the way"),
    ("Icmp", "InDestUnreachs", Trouble, "somebody said that what was sent here cannot arrive"),
    ("Icmp", "OutDestUnreachs", Trouble, "said to others: nobody listens there (UDP), or no route"),
    ("Icmp", "InTimeExcds", Trouble, "what was sent went round in circles, or a traceroute"),
    ("Icmp6", "InErrors", Trouble, "damaged ICMPv6 messages that came in"),
    ("Icmp6", "InDestUnreachs", Trouble, "somebody said that what was sent here cannot arrive"),
    ("Icmp6", "InPktTooBigs", Trouble, "a router said that packets are too long for a link (MTU)"),
    ("Tcp", "ActiveOpens", Traffic, "connections begun from here"),
    ("Tcp", "PassiveOpens", Traffic, "connections begun from elsewhere"),
    ("Tcp", "CurrEstab", Traffic, "connections that stand now"),
    ("Tcp", "InSegs", Traffic, "TCP segments that came in"),
    ("Tcp", "OutSegs", Traffic, "TCP segments that were sent"),
    ("Tcp", "AttemptFails", Trouble, "connections that never came about: refused, or no answer"),
    ("Tcp", "EstabResets", Trouble, "connections that ended by a reset, not by a goodbye"),
    (
        "Tcp",
        "RetransSegs",
        Trouble,
        "segments sent again: they or their acknowledgements were lost",
    ),
    ("Tcp", "InErrs", Trouble, "damaged segments that came in"),
    ("Tcp", "InCsumErrors", Trouble, "segments with a wrong checksum: damaged on the way"),
    ("Tcp", "OutRsts", Trouble, "resets sent: to closed ports, and for connections cut short"),
    (
        "TcpExt",
        "ListenOverflows",
        Trouble,
        "SYNs and last ACKs thrown away: an accept queue was full, its process did not accept",
    ),
    (
        "TcpExt",
        "ListenDrops",
        Trouble,
        "SYNs thrown away by listening sockets, for a full accept queue or another reason",
    ),
    (
        "TcpExt",
        "TCPReqQFullDrop",
        Trouble,
        "SYNs thrown away: too many half-open connections, and no SYN cookies",
    ),
    (
        "TcpExt",
        "TCPReqQFullDoCookies",
        Trouble,
        "SYN cookies sent: too many half-open connections, a flood of SYNs or lost answers",
    ),
    (
        "TcpExt",
        "SyncookiesSent",
        Trouble,
        "SYN cookies sent: a queue of half-open connections full",
    ),
    ("TcpExt", "SyncookiesFailed", Trouble, "answers to SYN cookies that were never sent"),
    ("TcpExt", "TCPTimeouts", Trouble, "nothing came back in time, so it was sent again"),
    ("TcpExt", "TCPSynRetrans", Trouble, "SYNs sent again: no answer to the first"),
    ("TcpExt", "TCPLostRetransmit", Trouble, "what was sent again was lost again"),
    ("TcpExt", "TCPFastRetrans", Trouble, "sent again because later segments had arrived"),
    (
        "TcpExt",
        "TCPSpuriousRtxHostQueues",
        Trouble,
        "would have sent again what is still queued here",
    ),
    (
        "TcpExt",
        "TCPAbortOnData",
        Trouble,
        "closed by this end with data unread: the peer got a reset",
    ),
    ("TcpExt", "TCPAbortOnClose", Trouble, "closed by this end before all was read: a reset"),
    ("TcpExt", "TCPAbortOnTimeout", Trouble, "given up: the peer did not answer for too long"),
    ("TcpExt", "TCPAbortOnMemory", Trouble, "given up: too many orphaned sockets or memory short"),
    ("TcpExt", "TCPAbortOnLinger", Trouble, "given up while waiting for the peer's goodbye"),
    ("TcpExt", "TCPAbortFailed", Trouble, "a reset could not be sent: memory was short"),
    ("TcpExt", "TCPMemoryPressures", Trouble, "TCP as a whole came near its limit of memory"),
    ("TcpExt", "PruneCalled", Trouble, "a receive buffer overflowed: the process reads too slowly"),
    ("TcpExt", "RcvPruned", Trouble, "received data thrown away: the process reads too slowly"),
    ("TcpExt", "TCPBacklogDrop", Trouble, "thrown away: a socket was busy and its backlog full"),
    ("TcpExt", "TCPRcvQDrop", Trouble, "thrown away: no room in a receive queue"),
    ("TcpExt", "TCPZeroWindowDrop", Trouble, "thrown away: came although the window was closed"),
    (
        "TcpExt",
        "TCPToZeroWindowAdv",
        Trouble,
        "told a peer to stop: the process here reads too slowly",
    ),
    (
        "TcpExt",
        "TCPTimeWaitOverflow",
        Trouble,
        "TIME-WAIT cut short: too many (tcp_max_tw_buckets)",
    ),
    ("TcpExt", "TCPOFOQueue", Traffic, "segments that overtook others on the way"),
    ("TcpExt", "OutOfWindowIcmps", Trouble, "ICMP errors about segments nobody sent"),
    ("TcpExt", "PAWSEstab", Trouble, "thrown away: a timestamp older than the last one's"),
    ("Udp", "InDatagrams", Traffic, "datagrams handed to processes"),
    ("Udp", "OutDatagrams", Traffic, "datagrams sent"),
    ("Udp", "NoPorts", Trouble, "came for a port on which nobody listens"),
    ("Udp", "InErrors", Trouble, "not handed over: damaged, or a full buffer"),
    ("Udp", "RcvbufErrors", Trouble, "thrown away: the process reads too slowly"),
    ("Udp", "SndbufErrors", Trouble, "not sent: the send buffer was full"),
    ("Udp", "InCsumErrors", Trouble, "datagrams with a wrong checksum: damaged on the way"),
    ("Udp6", "InDatagrams", Traffic, "datagrams over IPv6 handed to processes"),
    ("Udp6", "OutDatagrams", Traffic, "datagrams over IPv6 sent"),
    ("Udp6", "NoPorts", Trouble, "came over IPv6 for a port on which nobody listens"),
    ("Udp6", "InErrors", Trouble, "not handed over: damaged, or a full buffer"),
    ("Udp6", "RcvbufErrors", Trouble, "thrown away: the process reads too slowly"),
    ("Udp6", "InCsumErrors", Trouble, "datagrams with a wrong checksum: damaged on the way"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_counter_is_explained_once_in_a_short_line() {
        let names: BTreeSet<_> = MEANINGS.iter().map(|(group, name, _, _)| (group, name)).collect();
        assert_eq!(names.len(), MEANINGS.len());
        for (_, name, _, text) in MEANINGS {
            assert!(text.is_ascii() && text.len() <= 85, "{name}: {}", text.len());
        }
    }
}
