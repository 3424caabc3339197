//! LDAP: the root of the directory, which anybody may read (RFC 4512, section 5.1).

use super::{
    bytes::Bytes,
    heard::{Heard, Match, Question},
};

const ATTRIBUTES: [&str; 4] =
    ["objectClass", "vendorName", "vendorVersion", "supportedLDAPVersion"];
const SEARCH_RESULT_ENTRY: u8 = 0x64;
const SEARCH_RESULT_DONE: u8 = 0x65;

pub(super) fn question() -> Question {
    let attributes: Vec<u8> =
        ATTRIBUTES.iter().flat_map(|name| element(0x04, name.as_bytes())).collect();
    let search = [
        // The empty name, the object itself, aliases as they are, one entry, 5 s, values too.
        &b"\x04\x00\x0a\x01\x00\x0a\x01\x00\x02\x01\x01\x02\x01\x05\x01\x01\x00"[..],
        &element(0x87, b"objectClass"),
        &element(0x30, &attributes),
    ]
    .concat();
    let message = [&b"\x02\x01\x01"[..], &element(0x63, &search)].concat();
    Question::new(element(0x30, &message), read)
}

/// None of ours is longer than a one-byte length can say.
fn element(tag: u8, inside: &[u8]) -> Vec<u8> {
    let length = inside.len() as u8;
    [&[tag, length][..], inside].concat()
}

fn read(bytes: &[u8]) -> Heard {
    if bytes.first().is_some_and(|tag| *tag != 0x30) {
        return Heard::No;
    }
    let mut answer = Bytes::new(bytes);
    let Some(mut message) = answer.tagged(0x30) else { return Heard::More };
    match (message.tagged(0x02).map(Bytes::rest), message.ber()) {
        (Some([1]), Some((SEARCH_RESULT_ENTRY, entry))) => {
            Heard::Yes(entry_says(entry).unwrap_or_else(|| Match::of("LDAP")))
        }
        // Nothing for strangers.
        (Some([1]), Some((SEARCH_RESULT_DONE, _))) => Heard::Yes(Match::of("LDAP")),
        // Notice of disconnection (RFC 4511, section 4.4.1).
        (Some([0]), Some((0x78, _))) => Heard::Yes(Match::of("LDAP")),
        _ => Heard::No,
    }
}

fn entry_says(mut entry: Bytes<'_>) -> Option<Match> {
    entry.tagged(0x04)?;
    let mut attributes = entry.tagged(0x30)?;
    let mut found = Match::of("LDAP");
    while let Some(mut attribute) = attributes.tagged(0x30) {
        let name = attribute.tagged(0x04)?.rest();
        let mut values = attribute.tagged(0x31)?;
        while let Some(value) = values.tagged(0x04).map(Bytes::rest) {
            found = match name {
                b"vendorName" => found.product(value),
                b"vendorVersion" => found.version(value),
                b"objectClass" if value == b"OpenLDAProotDSE" => found.product(b"OpenLDAP"),
                b"supportedLDAPVersion" if value == b"3" => {
                    found.speaks = vec!["LDAPv3".into()];
                    found
                }
                _ => found,
            };
        }
    }
    Some(found)
}
