//! A DNS message (RFC 1035, RFC 6891), decoded.

use serde::{Deserialize, Serialize};

use super::{Class, Opcode, Rcode, RecordType};
use crate::{Untrusted, is_default};

/// Longest presentation form of one record's data; a longer one is cut.
pub const MAX_RECORD_BYTES: usize = 16 * 1_024;

/// One message as it came; of a long one the later records come in events of their own.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsMessage {
    pub id: u16,
    pub opcode: Opcode,
    /// With the upper bits of the OPT record.
    pub rcode: Rcode,
    pub flags: Flags,
    /// On the wire; over several messages (a zone transfer) all of them.
    pub size_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edns: Option<Edns>,
    pub question: Vec<Question>,
    pub answer: Vec<Record>,
    pub authority: Vec<Record>,
    /// Without the OPT record, which is `edns`.
    pub additional: Vec<Record>,
    /// Messages of a zone transfer, where they are more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Flags {
    #[serde(skip_serializing_if = "is_default")]
    pub qr: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub aa: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub tc: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub rd: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub ra: bool,
    /// Reserved, must be zero.
    #[serde(skip_serializing_if = "is_default")]
    pub z: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub ad: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub cd: bool,
}

/// RFC 6891.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Edns {
    pub version: u8,
    #[serde(default, skip_serializing_if = "is_default")]
    pub dnssec_ok: bool,
    pub udp_bytes: u16,
    pub options: Vec<EdnsOption>,
    /// RFC 8914.
    pub extended_errors: Vec<ExtendedError>,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EdnsOption {
    pub code: u16,
    /// As dig writes what it knows; else in hexadecimal.
    pub data: Untrusted,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtendedError {
    pub code: u16,
    pub text: Untrusted,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    pub name: Untrusted,
    #[serde(rename = "type")]
    pub kind: RecordType,
    #[serde(default, skip_serializing_if = "is_default")]
    pub class: Class,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    pub name: Untrusted,
    pub ttl_seconds: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    pub class: Class,
    #[serde(rename = "type")]
    pub kind: RecordType,
    /// In presentation form, as dig writes it; RFC 3597's for types without one.
    pub data: Untrusted,
    /// `data` was longer than [`MAX_RECORD_BYTES`].
    #[serde(default, skip_serializing_if = "is_default")]
    pub cut: bool,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Section {
    Answer,
    Authority,
    Additional,
    #[serde(other)]
    Unknown,
}

impl DnsMessage {
    pub fn section_mut(&mut self, section: Section) -> Option<&mut Vec<Record>> {
        match section {
            Section::Answer => Some(&mut self.answer),
            Section::Authority => Some(&mut self.authority),
            Section::Additional => Some(&mut self.additional),
            Section::Unknown => None,
        }
    }
}
