//! One handshake: what was agreed on, and how it ended.

use serde::{Deserialize, Serialize};

use crate::{Untrusted, is_default};

/// What a handshake is for.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TlsPurpose {
    /// As asked for.
    #[default]
    Asked,
    /// With the ticket of the one before.
    Resume,
    /// Without a server name.
    WithoutName,
    /// Not to its end: only what a server of TLS 1.2 or older shows in the clear, where the
    /// handshake that was asked for could not be completed.
    Clear,
    #[serde(other)]
    Unknown,
}

/// One handshake, to its end or as far as it came.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsHandshake {
    pub purpose: TlsPurpose,
    /// SNI, where one was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<Untrusted>,
    /// STARTTLS, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<TlsUpgrade>,
    /// From ClientHello to the client's Finished, or to the end.
    pub took_us: u64,
    /// Of TLS, headers of its records included.
    pub read_bytes: u64,
    pub written_bytes: u64,
    /// Absent where the handshake was not completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<TlsAgreed>,
    /// The server asked for a client certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<TlsAsked>,
    #[serde(flatten)]
    pub end: TlsEnd,
}

/// The change from a protocol in the clear.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsUpgrade {
    pub took_us: u64,
    /// What the server said first; at most [`super::MAX_SAID`] bytes.
    pub said: Untrusted,
}

/// What both sides settled on; names as IANA has them, else numbers (`0x1a2b`).
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsAgreed {
    /// `TLS 1.3`.
    pub version: Untrusted,
    pub cipher_suite: Untrusted,
    /// Of the key exchange; absent when a TLS 1.2 session was resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Untrusted>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpn: Option<Untrusted>,
    /// A session of before, so no certificate came.
    #[serde(default, skip_serializing_if = "is_default")]
    pub resumed: bool,
    /// HelloRetryRequest: one round trip more.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retried: bool,
    /// Session tickets that came, as long as we listened.
    pub tickets: u32,
    /// What a ticket allows of early data, in bytes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub early_data_bytes: u32,
    /// By which the server signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Untrusted>,
    /// That signature is of the certificate's key; never said of a version 1 certificate, nor of
    /// an RSA key below 2,048 bits, which cannot be checked.
    #[serde(default, skip_serializing_if = "is_default")]
    pub proven: bool,
    /// That signature is of another key, as far as could be checked.
    #[serde(default, skip_serializing_if = "is_default")]
    pub refuted: bool,
}

/// A request for a client certificate.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsAsked {
    /// Names of acceptable CAs, in DER; empty: any.
    pub authorities: Vec<Untrusted>,
    /// More than those.
    #[serde(default, skip_serializing_if = "is_default")]
    pub not_listed: u32,
    /// The client sent one, and proved that it has its key.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sent: bool,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(tag = "end", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum TlsEnd {
    /// Completed, and the server did not object as long as we listened.
    #[default]
    Well,
    /// The server's, by its number (RFC 8446, section 6); with `agreed` after the handshake.
    Alert { alert: u8 },
    /// What came is no TLS; at most [`super::MAX_SAID`] bytes of it.
    PlainText { said: Untrusted },
    /// The server chose what this client cannot do.
    Incompatible { why: Untrusted },
    /// What came is TLS, but not as it must be.
    Misbehaved { why: Untrusted },
    /// The server would not change to TLS, or spoke another protocol.
    NotUpgraded { said: Untrusted },
    /// FIN.
    Closed,
    /// RST.
    Reset,
    /// Not to its end within the time.
    Silence,
    #[serde(other)]
    Unknown,
}
