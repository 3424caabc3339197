//! One attempt on one address, and what became of it.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::{IcmpError, SendRefusal, Untrusted, is_default};

/// A connection that was tried, or a datagram that was sent.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectAttempt {
    #[serde(default, skip_serializing_if = "is_default")]
    pub target: u16,
    /// From 1; the addresses of a name are tried in the same round.
    pub round: u32,
    pub remote: SocketAddr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<SocketAddr>,
    /// Until the outcome was known, without the wait for a banner.
    pub took_us: u64,
    /// The maximum segment size that our SYN offers, in bytes (RFC 9293 section 3.7.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mss: Option<u16>,
    /// Another attempt of the round says more: it decides.
    #[serde(default, skip_serializing_if = "is_default")]
    pub beside: bool,
    #[serde(flatten)]
    pub outcome: ConnectOutcome,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ConnectOutcome {
    /// SYN-ACK.
    Connected {
        /// What the server said first; at most [`super::MAX_KEPT`] bytes of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        banner: Option<Untrusted>,
        /// The server closed the connection while its banner was waited for.
        #[serde(default, skip_serializing_if = "is_default")]
        closed: bool,
    },
    /// Connected, then RST within the wait for a banner.
    Reset {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        banner: Option<Untrusted>,
    },
    /// Connected, but with a socket of the source's own namespace: a proxy's, not the target's.
    Intercepted,
    /// RST instead of SYN-ACK.
    Refused {
        /// Of the RST's IP header; absent where no raw socket could be had.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl: Option<u8>,
    },
    /// ICMP said that it went no further.
    Rejected { by: IpAddr, icmp: IcmpError },
    /// Nothing came back.
    Silence {
        /// SYNs or datagrams.
        sent: u32,
        /// Data of the datagram.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<u32>,
    },
    /// The source's kernel did not send.
    NotSent { refusal: SendRefusal },
    /// A datagram was answered.
    Replied {
        /// Who answered, if not the one that was asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<SocketAddr>,
        bytes: u32,
        /// At most [`super::MAX_KEPT`] bytes of it.
        data: Untrusted,
    },
    /// Another address of the name was connected first (RFC 8305).
    Abandoned,
    #[serde(other)]
    Unknown,
}

impl ConnectOutcome {
    /// As `outcome` has it in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Connected { .. } => "connected",
            Self::Reset { .. } => "reset",
            Self::Intercepted => "intercepted",
            Self::Refused { .. } => "refused",
            Self::Rejected { .. } => "rejected",
            Self::Silence { .. } => "silence",
            Self::NotSent { .. } => "notSent",
            Self::Replied { .. } => "replied",
            Self::Abandoned => "abandoned",
            Self::Unknown => "unknown",
        }
    }

    /// The target took the connection, or answered.
    pub fn is_well(&self) -> bool {
        matches!(self, Self::Connected { .. } | Self::Replied { .. })
    }

    /// How many routers the RST crossed: hosts send with 64, 128 or 255.
    pub fn routers(&self) -> Option<u8> {
        let Self::Refused { ttl: Some(ttl) } = self else { return None };
        routers(*ttl)
    }
}

/// How many routers a packet crossed that arrives with this TTL.
pub fn routers(ttl: u8) -> Option<u8> {
    let first = [64, 128, 255].into_iter().find(|first| ttl <= *first)?;
    Some(first - ttl)
}
