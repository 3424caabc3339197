//! Data of records: read with names in full, and shown as dig shows them.

use netdiag_wire::dns::{Class, RecordType};

mod layout;
mod show;
mod special;
mod svcb;
mod text;

use super::cursor::{Cursor, Fault};
use layout::layout;
pub(super) use special::padded;
pub(super) use text::{from_hex, unbroken_hex};

/// The data with every name written in full, checked against the type's layout.
pub(super) fn expand(kind: RecordType, class: Class, part: Cursor<'_>) -> Result<Vec<u8>, Fault> {
    let Some(fields) = layout(kind, class) else { return Ok(part.clone().rest().to_vec()) };
    let mut cursor = part;
    let mut data = Vec::with_capacity(part.left());
    for field in fields {
        field.expand(&mut cursor, &mut data)?;
    }
    match cursor.left() {
        0 => Ok(data),
        _ => Err("has data beyond what its type has"),
    }
}

/// In presentation form; as RFC 3597 has it where the type has none, or the data do not fit it.
pub(super) fn show(kind: RecordType, class: Class, data: &[u8]) -> String {
    let shown = layout(kind, class).and_then(|fields| {
        let mut cursor = Cursor::new(data);
        let mut words = Vec::new();
        for field in fields {
            field.show(&mut cursor, &mut words).ok()?;
        }
        (cursor.left() == 0).then(|| words.join(" "))
    });
    shown.unwrap_or_else(|| unknown(data))
}

/// RFC 3597, section 5.
fn unknown(data: &[u8]) -> String {
    let hex = text::hex(data);
    format!(r"\# {}{}{hex}", data.len(), if hex.is_empty() { "" } else { " " })
}

#[cfg(test)]
mod tests;
