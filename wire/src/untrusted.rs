//! Bytes that came from a network, a pod or an agent: the only type that may carry them to a screen.

use std::fmt::{self, Write};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes of unknown intent.
///
/// `Display` escapes whatever could steer a terminal or reorder a line ([`is_hostile`]); JSON has a
/// string where the bytes are UTF-8, else `{"base64": "…"}`.
#[derive(Clone, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Untrusted(Vec<u8>);

impl Untrusted {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Code points that never reach a terminal: C0 with line feed and tab, DEL, C1, bidirectional and
/// zero-width controls, line and paragraph separators, BOM and the tag block.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E007F}')
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = String::with_capacity(self.0.len());
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\\' => shown.push_str("\\\\"),
                    c if is_hostile(c) => write!(shown, "{}", c.escape_default())?,
                    c => shown.push(c),
                }
            }
            for byte in chunk.invalid() {
                write!(shown, "\\x{byte:02x}")?;
            }
        }
        f.pad(&shown)
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<Vec<u8>> for Untrusted {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Json<'a> {
    Text(std::borrow::Cow<'a, str>),
    Bytes { base64: std::borrow::Cow<'a, str> },
}

impl Serialize for Untrusted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => Json::Bytes { base64: BASE64.encode(&self.0).into() }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Untrusted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Json::deserialize(deserializer)? {
            Json::Text(text) => Self(text.into_owned().into_bytes()),
            Json::Bytes { base64 } => {
                Self(BASE64.decode(base64.as_bytes()).map_err(serde::de::Error::custom)?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        for (hostile, shown) in [
            ("\x1b]52;c;cm0gLXJm\x07", r"\u{1b}]52;c;cm0gLXJm\u{7}"),
            ("a\r\nOK", r"a\r\nOK"),
            ("\u{202e}gpj.exe", r"\u{202e}gpj.exe"),
            ("\u{9b}2J", r"\u{9b}2J"),
            (r"back\slash", r"back\\slash"),
            ("Grüße, 世界", "Grüße, 世界"),
        ] {
            assert_eq!(Untrusted::from(hostile).to_string(), shown);
        }
        assert_eq!(Untrusted::from(vec![b'a', 0xff, b'b']).to_string(), r"a\xffb");
    }

    #[test]
    fn json_keeps_every_byte() {
        assert_eq!(serde_json::to_string(&Untrusted::from("ok")).unwrap(), r#""ok""#);
        let bytes = Untrusted::from(vec![0xff, 0x00]);
        assert_eq!(serde_json::to_string(&bytes).unwrap(), r#"{"base64":"/wA="}"#);
    }

    proptest! {
        #[test]
        fn nothing_hostile_is_ever_shown(bytes: Vec<u8>) {
            let shown = Untrusted::from(bytes).to_string();
            prop_assert!(!shown.chars().any(is_hostile));
        }

        #[test]
        fn json_reads_back(bytes: Vec<u8>) {
            let value = Untrusted::from(bytes);
            let json = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(serde_json::from_str::<Untrusted>(&json).unwrap(), value);
        }
    }
}
