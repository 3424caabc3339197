//! What an ICMP message can say about an echo request.

use std::net::IpAddr;

use netdiag_wire::IcmpError;

#[derive(Debug, PartialEq)]
pub(crate) enum Answer<'a> {
    Reply {
        ident: u16,
        seq: u16,
        data: &'a [u8],
        /// The ICMP checksum is wrong.
        is_corrupt: bool,
    },
    Rejection {
        quote: Quote<'a>,
        icmp: IcmpError,
    },
    Redirect {
        quote: Quote<'a>,
        gateway: IpAddr,
    },
}

impl Answer<'_> {
    pub(crate) fn ident(&self) -> u16 {
        match self {
            Self::Reply { ident, .. } => *ident,
            Self::Rejection { quote, .. } | Self::Redirect { quote, .. } => quote.ident,
        }
    }
}

/// The echo request that an ICMP error quotes; at least its ICMP header.
#[derive(Debug, PartialEq)]
pub(crate) struct Quote<'a> {
    pub(crate) to: IpAddr,
    pub(crate) ident: u16,
    pub(crate) seq: u16,
    /// As much of the data as was quoted, often none.
    pub(crate) data: &'a [u8],
}
