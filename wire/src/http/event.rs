//! What happens in an exchange, besides the bytes of bodies.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::HttpField;
use crate::{Untrusted, connect::ConnectAttempt, is_default, tls::TlsHandshake};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum HttpEvent {
    /// The addresses are known; nothing was sent yet.
    Reaching {
        /// As the request has it.
        host: Untrusted,
        port: u16,
        /// In the order in which they are tried.
        addresses: Vec<IpAddr>,
        /// Where packets to the first come from; absent while there is no route.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<IpAddr>,
        /// How long the name took; absent for an address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name_us: Option<u64>,
    },
    /// A connection, as connect has it.
    Connection(ConnectAttempt),
    /// What the proxy said to the wish for a connection.
    Tunnelled(HttpTunnelled),
    /// A certificate that the server showed, or a piece of one: the same number again goes on.
    Certificate {
        /// From 0, as served.
        number: u16,
        /// At most [`crate::tls::MAX_PIECE_BYTES`].
        der: Untrusted,
    },
    /// How the handshake ended; its certificates came before.
    Handshake(Box<TlsHandshake>),
    /// The request is on its way.
    Sending,
    /// A head with a status below 200, but 101.
    Interim { status: u16, fields: Vec<HttpField> },
    /// The answer's head; its body follows.
    Answer(Box<HttpAnswer>),
    /// It is over. Said of each exchange that had a connection.
    Over(Box<HttpOver>),
    /// From a newer agent.
    #[serde(other)]
    Unknown,
}

/// A proxy's answer to CONNECT.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpTunnelled {
    pub took_us: u64,
    /// Absent when what came is no answer of HTTP, or nothing came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What came, where it is no 2xx; at most [`crate::tls::MAX_SAID`] bytes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub said: Untrusted,
}

impl HttpTunnelled {
    /// Whether the stream is that of the other end.
    pub fn is_open(&self) -> bool {
        self.status.is_some_and(|status| status / 100 == 2)
    }
}

/// The head of an answer.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpAnswer {
    /// `HTTP/1.1`.
    pub version: Untrusted,
    pub status: u16,
    /// Where it is not the usual one of this status.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reason: Untrusted,
    pub fields: Vec<HttpField>,
    /// From the request's first byte to the first of the answer; with HTTP/2 to its whole head.
    pub first_byte_us: u64,
    /// From the request's first byte to the last of the head.
    pub head_us: u64,
}

/// Sizes and times of an exchange, and how it ended.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpOver {
    /// Of the request's body.
    pub sent_bytes: u64,
    /// Of the answer's body, without its framing.
    pub body_bytes: u64,
    /// All that was read and written, inside of TLS.
    pub read_bytes: u64,
    pub written_bytes: u64,
    /// From the last byte of the head to the last of the body.
    pub body_us: u64,
    /// The answer says in a server's own words that TLS was wanted here.
    #[serde(default, skip_serializing_if = "is_default")]
    pub wants_tls: bool,
    /// The TLS alert that came after the handshake, by its number (RFC 8446, section 6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<u8>,
    /// Fields after the body.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trailers: Vec<HttpField>,
    #[serde(flatten)]
    pub end: HttpEnd,
}

/// How an exchange ended.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(tag = "end", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum HttpEnd {
    /// The whole answer came.
    #[default]
    Whole,
    /// And after it what nobody asked for; what came last is in `said`.
    Surplus,
    /// The server closed without a byte.
    Empty,
    /// The server closed within its head.
    CutHead,
    /// The server closed within its body; `expected` are the bytes that it promised, where it did.
    CutBody {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expected: Option<u64>,
    },
    /// RST.
    Reset,
    /// What came is not HTTP as it must be; `said` is the first of it, at most
    /// [`crate::tls::MAX_SAID`] bytes.
    Malformed { why: Untrusted, said: Untrusted },
    /// A head of more than [`super::MAX_HEAD_BYTES`] or [`super::MAX_FIELDS`].
    HeadTooLong,
    /// HTTP/2: the server refused, with this code (RFC 9113, section 7).
    Refused { code: u32 },
    /// `answerUs`; what came by then is in the other fields.
    TooLate,
    /// By the caller, the deadline or the agent.
    CutOff,
    #[serde(other)]
    Unknown,
}
