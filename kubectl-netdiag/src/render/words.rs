//! What an ICMP error or a refusal of the kernel means, in words.

use std::net::IpAddr;

use netdiag_wire::{IcmpError, IcmpMeaning, SendRefusal};

/// The RFC's name of the error: `host unreachable`.
pub(crate) fn icmp(error: &IcmpError) -> String {
    let name = match error.meaning {
        IcmpMeaning::NetUnreachable => "net unreachable",
        IcmpMeaning::HostUnreachable => "host unreachable",
        IcmpMeaning::ProtocolUnreachable => "protocol unreachable",
        IcmpMeaning::PortUnreachable => "port unreachable",
        IcmpMeaning::FragmentationNeeded => return fragmentation(error.mtu),
        IcmpMeaning::SourceRouteFailed => "source route failed",
        IcmpMeaning::AdminProhibited => "administratively prohibited",
        IcmpMeaning::BeyondScope => "beyond the scope of the source address",
        IcmpMeaning::TtlExceeded => "TTL exceeded",
        IcmpMeaning::ReassemblyTimeExceeded => "reassembly time exceeded",
        IcmpMeaning::ParameterProblem => "parameter problem",
        IcmpMeaning::Other => return format!("ICMP type {} code {}", error.kind, error.code),
    };
    name.into()
}

fn fragmentation(mtu: Option<u32>) -> String {
    match mtu.filter(|mtu| *mtu > 0) {
        Some(mtu) => format!("fragmentation needed (MTU {mtu})"),
        None => "fragmentation needed (MTU not said)".into(),
    }
}

/// What the one who rejected claims of `target`; `after_us` is how long it took to say so.
pub(crate) fn claim(error: &IcmpError, target: IpAddr, after_us: u64) -> String {
    match error.meaning {
        IcmpMeaning::NetUnreachable => format!("it has no route to {target}"),
        IcmpMeaning::HostUnreachable => nobody(target, after_us),
        IcmpMeaning::ProtocolUnreachable => "it takes no ICMP (protocol unreachable)".into(),
        IcmpMeaning::PortUnreachable => "a rule there rejects echoes (port unreachable)".into(),
        IcmpMeaning::FragmentationNeeded => match error.mtu.filter(|mtu| *mtu > 0) {
            Some(mtu) => format!("its next link takes {mtu} bytes, and --df forbids fragments"),
            None => "too long for its next link, and --df forbids fragments".into(),
        },
        IcmpMeaning::SourceRouteFailed => "it does not forward source-routed packets".into(),
        IcmpMeaning::AdminProhibited => "a filter there forbids it (prohibited)".into(),
        IcmpMeaning::BeyondScope => "the source address has no meaning beyond its own link".into(),
        IcmpMeaning::TtlExceeded => "the TTL ended there, before the target".into(),
        IcmpMeaning::ReassemblyTimeExceeded => "fragments of the echo were lost".into(),
        IcmpMeaning::ParameterProblem => "it finds the header wrong (parameter problem)".into(),
        IcmpMeaning::Other => format!("it said {}", icmp(error)),
    }
}

/// A router gives up asking for a neighbour after about 3 s; an answer at once has another cause.
fn nobody(target: IpAddr, after_us: u64) -> String {
    const ASKED_IN_VAIN_US: u64 = 900_000;
    let question = if target.is_ipv4() { "ARP" } else { "neighbour discovery" };
    match after_us {
        ASKED_IN_VAIN_US.. => {
            format!("it finds nobody to hand {target} to ({question} unanswered)")
        }
        _ => format!("it says {target} cannot be reached (host unreachable, at once)"),
    }
}

/// Why this host's kernel did not send.
pub(crate) fn refusal(refusal: &SendRefusal) -> String {
    match refusal {
        SendRefusal::NoRoute => "no route".into(),
        SendRefusal::TooLong { mtu: Some(mtu) } => format!("longer than the MTU of {mtu} bytes"),
        SendRefusal::TooLong { mtu: None } => "longer than the MTU".into(),
        SendRefusal::Denied => "a filter of the source's own namespace forbids it".into(),
        SendRefusal::InterfaceDown => "the interface is down".into(),
        SendRefusal::QueueFull => "the send queue is full".into(),
        SendRefusal::Other { message } => format!("\"{message}\""),
        SendRefusal::Unknown => "a reason that only a newer plugin knows".into(),
    }
}
