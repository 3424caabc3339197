//! What becomes of one packet, in words that every probe shares.

use serde::{Deserialize, Serialize};

use crate::Untrusted;

/// An ICMP error as it came (RFC 792, RFC 4443) and its meaning.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IcmpError {
    pub meaning: IcmpMeaning,
    #[serde(rename = "type")]
    pub kind: u8,
    pub code: u8,
    /// With `fragmentationNeeded`: the largest packet that fits, in bytes with the IP header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum IcmpMeaning {
    NetUnreachable,
    HostUnreachable,
    ProtocolUnreachable,
    PortUnreachable,
    FragmentationNeeded,
    SourceRouteFailed,
    /// A filter said so (RFC 792 codes 9, 10, 13; RFC 4443 codes 1, 5, 6).
    AdminProhibited,
    BeyondScope,
    TtlExceeded,
    ReassemblyTimeExceeded,
    ParameterProblem,
    #[serde(other)]
    Other,
}

/// Why the kernel of the source refused to send.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "reason", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum SendRefusal {
    /// ENETUNREACH, EHOSTUNREACH: no route, or a route of type unreachable.
    NoRoute,
    /// EMSGSIZE: larger than the interface's or the path's MTU and fragmentation forbidden.
    TooLong {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mtu: Option<u32>,
    },
    /// EPERM, EACCES: a filter of the source's own namespace.
    Denied,
    /// ENETDOWN, ENODEV, ENXIO.
    InterfaceDown,
    /// ENOBUFS, EAGAIN: the send queue is full.
    QueueFull,
    Other {
        message: Untrusted,
    },
    #[serde(other)]
    Unknown,
}
