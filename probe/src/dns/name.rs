//! Domain names in wire form (RFC 1035, section 3.1) and as people write them.

use std::fmt;

/// RFC 1035, section 2.3.4.
pub(crate) const MAX_OCTETS: usize = 255;
const MAX_LABEL: usize = 63;

/// Labels, each behind its length, and the root's empty one; never longer than 255 octets.
///
/// Equal means byte by byte; names that differ in case are the same by [`Name::is_same`].
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Name(Vec<u8>);

impl Name {
    pub(crate) fn root() -> Self {
        Self(vec![0])
    }

    /// From presentation form (RFC 1035, section 5.1), and whether a trailing dot makes it absolute.
    pub(crate) fn parse(text: &str) -> Result<(Self, bool), String> {
        if text == "." {
            return Ok((Self::root(), true));
        }
        let mut wire = Vec::new();
        let mut label = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            match byte {
                b'.' => {
                    push(&mut wire, &label, text)?;
                    label.clear();
                }
                b'\\' => label.push(escaped(&mut rest).ok_or_else(|| bad_escape(text))?),
                0x80.. => return Err(format!("name {text:?}: not ASCII, write it as A-labels")),
                byte => label.push(byte),
            }
        }
        let is_absolute = label.is_empty();
        if !is_absolute || wire.is_empty() {
            push(&mut wire, &label, text)?;
        }
        wire.push(0);
        match wire.len() <= MAX_OCTETS {
            true => Ok((Self(wire), is_absolute)),
            false => Err(format!("name {text:?}: {} octets, must be at most 255", wire.len())),
        }
    }

    /// Trusts that `wire` ends in the root and is not too long, as the reader of messages knows.
    pub(super) fn from_wire(wire: Vec<u8>) -> Self {
        Self(wire)
    }

    pub(crate) fn wire(&self) -> &[u8] {
        &self.0
    }

    /// Without the root's.
    pub(crate) fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first().filter(|(length, _)| **length != 0)?;
            let (label, next) = after.split_at_checked((*length).into())?;
            rest = next;
            Some(label)
        })
    }

    pub(crate) fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// Without its first label; the root has none.
    pub(crate) fn parent(&self) -> Option<Self> {
        let length = usize::from(*self.0.first()?);
        let rest = self.0.get(1 + length..).filter(|_| length != 0)?;
        Some(Self(rest.to_vec()))
    }

    /// This name, as it were relative, under `suffix`.
    pub(crate) fn join(&self, suffix: &Self) -> Result<Self, String> {
        let labels = self.0.split_last().map_or(&[][..], |(_, labels)| labels);
        let wire = [labels, &suffix.0].concat();
        match wire.len() <= MAX_OCTETS {
            true => Ok(Self(wire)),
            false => Err(format!("{self}{suffix} has {} octets, at most 255 fit", wire.len())),
        }
    }

    /// Length octets are below 64 and so no letters.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }

    /// It is `zone` or below it.
    pub(crate) fn is_within(&self, zone: &Self) -> bool {
        let mut rest = &self.0[..];
        while rest.len() > zone.0.len() {
            let length = usize::from(rest.first().copied().unwrap_or_default());
            rest = rest.get(1 + length..).unwrap_or_default();
        }
        rest.eq_ignore_ascii_case(&zone.0)
    }

    /// As DNSSEC compares (RFC 4034, section 6.2).
    pub(crate) fn lower(&self) -> Self {
        Self(self.0.to_ascii_lowercase())
    }
}

fn push(wire: &mut Vec<u8>, label: &[u8], text: &str) -> Result<(), String> {
    match label.len() {
        0 => return Err(format!("name {text:?}: has an empty label")),
        1..=MAX_LABEL => {}
        more => return Err(format!("name {text:?}: a label of {more} octets, at most 63 fit")),
    }
    wire.push(label.len() as u8);
    wire.extend_from_slice(label);
    Ok(())
}

/// What stands behind a backslash: three digits, or a byte that means itself.
fn escaped(rest: &mut impl Iterator<Item = u8>) -> Option<u8> {
    let first = rest.next().filter(u8::is_ascii)?;
    if !first.is_ascii_digit() {
        return Some(first);
    }
    let digits = [first, rest.next()?, rest.next()?];
    str::from_utf8(&digits).ok()?.parse().ok()
}

fn bad_escape(text: &str) -> String {
    format!(r"name {text:?}: a backslash needs a character or three digits of at most 255")
}

/// As dig writes it, with the trailing dot.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = String::with_capacity(self.0.len());
        for label in self.labels() {
            for byte in label {
                match byte {
                    b'"' | b'$' | b'(' | b')' | b'.' | b';' | b'@' | b'\\' => {
                        shown.extend(['\\', char::from(*byte)]);
                    }
                    0x21..=0x7e => shown.push(char::from(*byte)),
                    _ => shown.push_str(&format!("\\{byte:03}")),
                }
            }
            shown.push('.');
        }
        f.pad(if shown.is_empty() { "." } else { &shown })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap().0
    }

    #[test]
    fn what_is_read_is_shown_as_dig_shows_it() {
        for (text, shown) in [
            (".", "."),
            ("a", "a."),
            ("A.b.", "A.b."),
            (r"a\.b.c", r"a\.b.c."),
            (r"\097\098", "ab."),
            (r"sp\032ace.\@\$", r"sp\032ace.\@\$."),
            (r"\000\255", r"\000\255."),
            ("*._tcp", "*._tcp."),
        ] {
            assert_eq!(name(text).to_string(), shown);
        }
        assert!(!Name::parse("a").unwrap().1);
        assert!(Name::parse("a.").unwrap().1);
    }

    #[test]
    fn the_bounds_are_63_and_255_octets() {
        let label = "a".repeat(63);
        assert!(Name::parse(&label).is_ok());
        let error = Name::parse(&format!("{label}a.b")).unwrap_err();
        assert!(error.ends_with("a label of 64 octets, at most 63 fit"), "{error}");
        let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
        assert_eq!(name(&longest).wire().len(), 255);
        assert!(Name::parse(&format!("{longest}b")).unwrap_err().contains("256 octets"));
        // What 255 octets come to when each is escaped.
        let escaped = name(&longest).wire().len();
        assert!(escaped * 4 <= netdiag_wire::dns::MAX_NAME_BYTES);
    }

    #[test]
    fn names_that_are_none() {
        for text in ["", "..", ".a", "a..b", r"a\", r"a\25", r"a\256", "bücher.example"] {
            assert!(Name::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_is_within_its_ancestors() {
        let host = name("www.Example.com.");
        for (zone, expected) in
            [(".", true), ("example.COM", true), ("www.example.com", true), ("ample.com", false)]
        {
            assert_eq!(host.is_within(&name(zone)), expected, "{zone}");
        }
        assert!(!name("com").is_within(&host));
        assert_eq!(host.parent().unwrap().to_string(), "Example.com.");
        assert_eq!(Name::root().parent(), None);
        assert_eq!(name("a").join(&name("b.c")).unwrap().to_string(), "a.b.c.");
        assert!(name(&"a.".repeat(100)).join(&name(&"b.".repeat(28))).is_err());
    }
}
