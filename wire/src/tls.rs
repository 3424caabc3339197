//! `POST /v1/tls`: what a TLS server shows a client that takes any certificate.
//!
//! The agent judges nothing: certificates travel in DER, and are read by the plugin alone.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

mod fold;
mod handshake;
mod taken;

pub use fold::{TlsFold, TlsReport, TlsServed};
pub use handshake::{TlsAgreed, TlsAsked, TlsEnd, TlsHandshake, TlsPurpose, TlsUpgrade};

pub use taken::TlsTaken;

use crate::{
    Family, MAX_HOST_BYTES, Untrusted, check_bytes,
    connect::{ConnectAttempt, ConnectRequest},
    is_default,
};

/// Most bytes of a certificate in one event; a longer one comes in several.
pub const MAX_PIECE_BYTES: usize = 8 * 1024;
/// Most certificates of a chain that are kept.
pub const MAX_CERTIFICATES: usize = 32;
/// Most protocols to offer by ALPN.
pub const MAX_ALPN: usize = 16;
/// Most bytes of what a server said that is no TLS.
pub const MAX_SAID: usize = 512;

/// Shake hands with one target and say what it showed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TlsRequest {
    /// An address or a name, resolved in the source with its resolv.conf.
    pub host: String,
    pub port: u16,
    #[serde(default, skip_serializing_if = "is_default")]
    pub offer: TlsOffer,
    /// The protocol in which TLS is asked for; absent: TLS from the first byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_tls: Option<StartTls>,
    /// Once more with the session's ticket, to see whether the server resumes it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub resume: bool,
    /// Instead of a handshake: every version, cipher suite and group that the server takes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub scan: bool,
    /// Once more without a server name, to see what clients get that send none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub without_name: bool,
    /// How long to wait for a connection: three SYNs at least.
    #[serde(default = "default_wait", skip_serializing_if = "is_default_wait")]
    pub wait_us: u32,
    /// How long each handshake may take once connected.
    #[serde(default = "default_handshake", skip_serializing_if = "is_default_handshake")]
    pub handshake_us: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    pub family: Family,
    /// Send from this address, which must be one of the namespace's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<IpAddr>,
}

/// What the client says of itself.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TlsOffer {
    /// SNI; absent: none is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Protocols offered by ALPN, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alpn: Vec<String>,
    /// Absent: 1.2 and 1.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<TlsVersion>,
}

/// The only version to offer.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum TlsVersion {
    #[serde(rename = "1.2")]
    Tls12,
    #[serde(rename = "1.3")]
    Tls13,
}

/// A protocol that begins in the clear and changes to TLS when asked.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StartTls {
    /// RFC 3207.
    Smtp,
    /// RFC 3501, section 6.2.1.
    Imap,
    /// RFC 2595, section 4.
    Pop3,
    Postgres,
    Mysql,
    /// RFC 4511, section 4.14.
    Ldap,
    /// RFC 6120, section 5.
    Xmpp,
}

impl TlsRequest {
    /// Every field at its default.
    pub fn to(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            offer: TlsOffer::default(),
            start_tls: None,
            resume: false,
            without_name: false,
            scan: false,
            wait_us: default_wait(),
            handshake_us: default_handshake(),
            family: Family::Any,
            source_address: None,
        }
    }

    /// The connection below it.
    pub fn connection(&self) -> ConnectRequest {
        ConnectRequest {
            family: self.family,
            source_address: self.source_address,
            ..ConnectRequest::below(&self.host, self.port, self.wait_us)
        }
    }

    /// The first bound that a value passes, named with the field.
    pub fn check(&self) -> Result<(), String> {
        self.connection().check()?;
        self.offer.check()?;
        match (1_000..=60_000_000).contains(&self.handshake_us) {
            true => Ok(()),
            false => Err(format!("handshakeUs: {}, must be 1000 to 60000000", self.handshake_us)),
        }
    }
}

impl TlsOffer {
    /// The first bound that a value passes, named with the field.
    pub fn check(&self) -> Result<(), String> {
        if let Some(name) = &self.server_name {
            check_bytes("offer.serverName", name.len(), MAX_HOST_BYTES)?;
        }
        if self.alpn.len() > MAX_ALPN {
            return Err(format!("offer.alpn: {}, must be at most {MAX_ALPN}", self.alpn.len()));
        }
        self.alpn.iter().try_for_each(|one| check_bytes("offer.alpn", one.len(), 255))
    }
}

pub(crate) fn default_wait() -> u32 {
    3_100_000
}

pub(crate) fn is_default_wait(us: &u32) -> bool {
    *us == default_wait()
}

pub(crate) fn default_handshake() -> u32 {
    10_000_000
}

pub(crate) fn is_default_handshake(us: &u32) -> bool {
    *us == default_handshake()
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum TlsEvent {
    /// The target's addresses are known; nothing was sent yet.
    Dialing {
        /// As the request has it.
        host: Untrusted,
        port: u16,
        /// In the order in which they are tried.
        addresses: Vec<IpAddr>,
        /// Where packets to the first come from; absent while there is no route.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<IpAddr>,
    },
    /// A connection, as connect has it.
    Connection {
        purpose: TlsPurpose,
        #[serde(flatten)]
        attempt: ConnectAttempt,
    },
    /// A certificate that the server showed, or a piece of one: the same number again goes on.
    Certificate {
        purpose: TlsPurpose,
        /// From 0, as served.
        number: u16,
        /// At most [`MAX_PIECE_BYTES`].
        der: Untrusted,
    },
    /// The OCSP response that came with the chain, or a piece of it.
    Staple { purpose: TlsPurpose, der: Untrusted },
    /// How a handshake ended; its certificates came before.
    Handshake(Box<TlsHandshake>),
    /// One version of a scan.
    Takes(Box<TlsTaken>),
    /// From a newer agent.
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests;
