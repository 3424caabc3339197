//! One part of a record's data: copied with names in full, or shown.

use std::net::{Ipv4Addr, Ipv6Addr};

use netdiag_wire::dns::RecordType;

use super::{
    super::cursor::{Cursor, Fault},
    layout::Field,
    special, svcb, text,
};

impl Field {
    /// Copies the part from a message, names in full.
    pub(super) fn expand(self, cursor: &mut Cursor<'_>, data: &mut Vec<u8>) -> Result<(), Fault> {
        let name;
        let part = match self {
            Self::Name => {
                name = cursor.name()?;
                name.wire()
            }
            Self::U8 | Self::Algorithm => cursor.bytes(1)?,
            Self::U16 | Self::Type | Self::CertificateType => cursor.bytes(2)?,
            Self::U32 | Self::Time | Self::Ipv4 => cursor.bytes(4)?,
            Self::Ipv6 => cursor.bytes(16)?,
            Self::Base64 | Self::Hex | Self::LongText => cursor.rest(),
            // What can be shown is what the type has; how long that is, is known afterwards.
            _ => {
                let mut before = *cursor;
                self.show(cursor, &mut Vec::new())?;
                before.bytes(before.left() - cursor.left())?
            }
        };
        data.extend_from_slice(part);
        Ok(())
    }

    /// Appends the words that the part is written with.
    pub(super) fn show(
        self,
        cursor: &mut Cursor<'_>,
        words: &mut Vec<String>,
    ) -> Result<(), Fault> {
        let word = match self {
            Self::U8 => cursor.u8()?.to_string(),
            Self::U16 => cursor.u16()?.to_string(),
            Self::U32 => cursor.u32()?.to_string(),
            Self::Ipv4 => Ipv4Addr::from(cursor.array()?).to_string(),
            Self::Ipv6 => Ipv6Addr::from(cursor.array()?).to_string(),
            Self::Name | Self::PlainName => cursor.plain_name()?.to_string(),
            Self::Text => text::quoted(cursor.counted()?),
            Self::Texts => return texts(cursor, words),
            Self::LongText => text::quoted(cursor.rest()),
            Self::Word => special::word(cursor.counted()?)?,
            Self::Base64 => return rest(cursor, text::base64, words),
            Self::Payload if cursor.left() == 0 => "-".into(),
            Self::Payload => text::base64(cursor.rest()),
            Self::Hex => return rest(cursor, text::hex, words),
            Self::Salt => match cursor.counted()? {
                [] => "-".into(),
                salt => text::unbroken_hex(salt),
            },
            Self::Hash => text::base32(cursor.counted()?),
            Self::Type => RecordType(cursor.u16()?).to_string(),
            Self::Types => return special::types(cursor, words),
            Self::Time => special::time(cursor.u32()?),
            Self::CertificateType => special::certificate_type(cursor.u16()?),
            Self::Algorithm => special::algorithm(cursor.u8()?),
            Self::Eui(octets) => special::joined(cursor.bytes(octets)?.chunks(1), "-", 2),
            Self::Locator => special::joined(cursor.bytes(8)?.chunks(2), ":", 1),
            Self::Nsap => format!("0x{}", text::unbroken_hex(cursor.rest()).to_ascii_lowercase()),
            Self::Location => special::location(cursor)?,
            Self::Services => return special::services(cursor, words),
            Self::Prefixes => return special::prefixes(cursor, words),
            Self::SvcParams => return svcb::params(cursor, words),
            Self::Hip => return special::hip(cursor, words),
            Self::IpsecGateway => return special::ipsec_gateway(cursor, words),
            Self::Relay => return special::relay(cursor, words),
        };
        words.push(word);
        Ok(())
    }
}

fn texts(cursor: &mut Cursor<'_>, words: &mut Vec<String>) -> Result<(), Fault> {
    words.push(text::quoted(cursor.counted()?));
    while cursor.left() > 0 {
        words.push(text::quoted(cursor.counted()?));
    }
    Ok(())
}

/// Nothing is no word.
pub(super) fn rest(
    cursor: &mut Cursor<'_>,
    shown: fn(&[u8]) -> String,
    words: &mut Vec<String>,
) -> Result<(), Fault> {
    let bytes = cursor.rest();
    if !bytes.is_empty() {
        words.push(shown(bytes));
    }
    Ok(())
}
