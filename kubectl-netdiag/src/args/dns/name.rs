//! Names as DNS has them: bounds, escapes, other scripts, and the names of addresses.

use std::{borrow::Cow, net::IpAddr};

use idna::AsciiDenyList;

/// A name as it was typed and as it is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Name {
    /// A-labels only.
    pub(crate) asked: String,
    /// The same in its own script, where that is another.
    pub(crate) unicode: Option<String>,
}

impl Name {
    pub(crate) fn ascii(asked: impl Into<String>) -> Self {
        Self { asked: asked.into(), unicode: None }
    }

    /// Reads presentation form (RFC 1035, section 5.1), U-labels too.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let asked = if text.is_ascii() {
            Cow::Borrowed(text)
        } else {
            let ascii = idna::domain_to_ascii_cow(text.as_bytes(), AsciiDenyList::EMPTY);
            ascii.map_err(|_| format!("{text:?} is no name that IDNA (UTS 46) allows"))?
        };
        check(&asked)?;
        Ok(Self { unicode: unicode(&asked), asked: asked.into_owned() })
    }

    /// `-x`: under `in-addr.arpa` or `ip6.arpa`.
    pub(super) fn reverse(address: IpAddr) -> Self {
        let asked = match address {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
            }
            IpAddr::V6(address) => {
                let nibbles = address.octets().into_iter().rev().flat_map(|b| [b & 15, b >> 4]);
                let labels: String = nibbles.map(|nibble| format!("{nibble:x}.")).collect();
                format!("{labels}ip6.arpa.")
            }
        };
        Self::ascii(asked)
    }
}

/// An A-label means something to people only in its own script.
fn unicode(asked: &str) -> Option<String> {
    let is_encoded = asked.to_ascii_lowercase().split('.').any(|label| label.starts_with("xn--"));
    let (text, valid) = is_encoded.then(|| idna::domain_to_unicode(asked))?;
    (valid.is_ok() && text != asked).then_some(text)
}

/// RFC 1035: labels of 1 to 63 octets, 255 in all with their lengths and the root's.
fn check(name: &str) -> Result<(), String> {
    if name == "." {
        return Ok(());
    }
    let labels = labels(name)?;
    if let Some(label) = labels.iter().find(|octets| **octets > 63) {
        return Err(format!("a label of {label} octets; at most 63 are allowed"));
    }
    if labels.contains(&0) {
        return Err(format!("{name:?} has an empty label"));
    }
    // As it is written without a dot at the end: one length for each label but the first.
    let octets = labels.iter().sum::<usize>() + labels.len() - 1;
    match octets {
        ..=253 => Ok(()),
        _ => Err(format!("a name of {octets} octets; at most 253 are allowed")),
    }
}

/// Lengths of the labels, in octets: `\.` and `\046` are one.
fn labels(name: &str) -> Result<Vec<usize>, String> {
    let wrong = || format!("{name:?}: after a backslash come three digits up to 255 or a sign");
    let mut lengths = vec![0];
    let mut bytes = name.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'.' => {
                lengths.push(0);
                continue;
            }
            b'\\' => match bytes.next().ok_or_else(wrong)? {
                first if first.is_ascii_digit() => {
                    let rest = [bytes.next().ok_or_else(wrong)?, bytes.next().ok_or_else(wrong)?];
                    let digits = [first, rest[0], rest[1]];
                    let number = str::from_utf8(&digits).ok().and_then(|d| d.parse::<u8>().ok());
                    number.ok_or_else(wrong)?;
                }
                _ => {}
            },
            b' ' | b'\t' => return Err(format!("{name:?} has a blank; \\032 stands for one")),
            _ if byte.is_ascii_control() => {
                return Err(format!("{name:?} has a control character"));
            }
            _ => {}
        }
        if let Some(last) = lengths.last_mut() {
            *last += 1;
        }
    }
    if name.ends_with('.') && lengths.last() == Some(&0) {
        lengths.pop();
    }
    Ok(lengths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_another_script_is_asked_in_a_labels_and_shown_in_both() {
        let name = Name::parse("münchen.example.").unwrap();
        assert_eq!(name.asked, "xn--mnchen-3ya.example.");
        assert_eq!(name.unicode.as_deref(), Some("münchen.example."));
        assert_eq!(Name::parse("xn--mnchen-3ya.example.").unwrap(), name);
        assert_eq!(Name::parse("_sip._tcp.Example.com").unwrap().asked, "_sip._tcp.Example.com");
        assert!(Name::parse("xn--a").unwrap().unicode.is_none(), "no valid A-label");
    }

    #[test]
    fn bounds_are_octets_not_signs() {
        let label = |octets| "a".repeat(octets);
        assert!(Name::parse(&label(63)).is_ok());
        assert_eq!(
            Name::parse(&label(64)).unwrap_err(),
            "a label of 64 octets; at most 63 are allowed"
        );
        let name = |last| [label(63), label(63), label(63), label(last)].join(".");
        assert_eq!(name(61).len(), 253);
        assert!(Name::parse(&name(61)).is_ok());
        assert!(Name::parse(&format!("{}.", name(61))).is_ok());
        assert_eq!(
            Name::parse(&name(62)).unwrap_err(),
            "a name of 254 octets; at most 253 are allowed"
        );
        assert!(Name::parse(&r"\046".repeat(63)).is_ok());
        assert!(Name::parse(&r"\046".repeat(64)).is_err());
        assert!(Name::parse(&format!("{}.example", "ü".repeat(64))).is_err());
    }

    #[test]
    fn what_is_no_name_says_why() {
        for (text, why) in [
            ("a..b", "\"a..b\" has an empty label"),
            (".a", "\".a\" has an empty label"),
            ("", "\"\" has an empty label"),
            ("a b", "\"a b\" has a blank; \\032 stands for one"),
            ("a\u{7}b", r#""a\u{7}b" has a control character"#),
            (r"a\25", r#""a\\25": after a backslash come three digits up to 255 or a sign"#),
            (r"a\256", r#""a\\256": after a backslash come three digits up to 255 or a sign"#),
        ] {
            assert_eq!(Name::parse(text).unwrap_err(), why, "{text}");
        }
        assert!(Name::parse("\u{ad}").is_err());
    }

    #[test]
    fn an_address_has_a_name_of_its_own() {
        let reverse = |text: &str| Name::reverse(text.parse().unwrap()).asked;
        assert_eq!(reverse("10.244.1.23"), "23.1.244.10.in-addr.arpa.");
        assert_eq!(
            reverse("2001:db8::1"),
            format!("1.{}8.b.d.0.1.0.0.2.ip6.arpa.", "0.".repeat(23))
        );
    }
}
