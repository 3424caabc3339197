//! What a server takes of one version, as a scan finds it.

use serde::{Deserialize, Serialize};

use super::TlsEnd;
use crate::{Untrusted, is_default};

/// Names as IANA has them, else numbers (`0x1a2b`).
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsTaken {
    /// `TLS 1.2`.
    pub version: Untrusted,
    /// Why not one suite was taken; absent where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<TlsEnd>,
    /// In the order in which the server chose among all that were left.
    pub suites: Vec<Untrusted>,
    /// Groups of the key exchange, likewise.
    pub groups: Vec<Untrusted>,
    /// Shortest prime of a Diffie-Hellman group that is none of those, in bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dh_bits: Option<u32>,
    /// The server goes by its own order of suites; absent where it takes only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_order: Option<bool>,
    /// DEFLATE was taken.
    #[serde(default, skip_serializing_if = "is_default")]
    pub compresses: bool,
    /// Not to the end: something besides a refusal came between.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cut: bool,
    /// ClientHellos sent.
    pub hellos: u32,
}
