//! What a server's bytes say of it.

use netdiag_wire::Untrusted;

/// Longest product, version or info; the rest is cut off.
const MAX_SAID: usize = 128;

/// What is known of a server by one protocol.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Match {
    /// From the outer to the inner.
    pub(super) speaks: Vec<String>,
    pub(super) product: Option<Untrusted>,
    pub(super) version: Option<Untrusted>,
    pub(super) info: Option<Untrusted>,
}

/// What an answer amounts to so far. A reader is called again with more of the same answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Heard {
    /// Too little to tell.
    More,
    /// It is something else.
    No,
    /// Known already, and more of the answer may say more.
    Partly(Match),
    Yes(Match),
    /// Known already, and the answer to one more question may say more.
    Ask(Match, Question),
}

pub(super) type Reader = fn(&[u8]) -> Heard;

/// Something to send, and how to read what comes back.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) send: Vec<u8>,
    pub(super) read: Reader,
}

impl PartialEq for Question {
    /// By what is sent: functions cannot be compared.
    fn eq(&self, other: &Self) -> bool {
        self.send == other.send
    }
}

impl Question {
    pub(super) fn new(send: impl Into<Vec<u8>>, read: Reader) -> Self {
        Self { send: send.into(), read }
    }
}

impl Match {
    pub(super) fn of(speaks: &str) -> Self {
        Self { speaks: vec![speaks.to_owned()], ..Self::default() }
    }

    pub(super) fn product(mut self, bytes: &[u8]) -> Self {
        self.product = said(bytes);
        self
    }

    pub(super) fn version(mut self, bytes: &[u8]) -> Self {
        self.version = said(bytes);
        self
    }

    pub(super) fn info(mut self, bytes: &[u8]) -> Self {
        self.info = said(bytes);
        self
    }

    /// Whatever `other` says besides; what it speaks is further inside.
    pub(super) fn and(mut self, other: Self) -> Self {
        let inner = other.speaks.into_iter().filter(|word| !self.speaks.contains(word));
        let inner: Vec<String> = inner.collect();
        self.speaks.extend(inner);
        if other.product.is_some() {
            self.product = other.product;
            self.version = other.version;
        } else {
            self.version = self.version.or(other.version);
        }
        self.info = other.info.or(self.info);
        self
    }
}

impl Heard {
    /// `None` is for bytes that can become nothing else with more of them.
    pub(super) fn from(found: Option<Match>) -> Self {
        found.map_or(Self::No, Self::Yes)
    }

    /// What is known if nothing more comes.
    pub(super) fn so_far(self) -> Option<Match> {
        match self {
            Self::More | Self::No => None,
            Self::Partly(found) | Self::Yes(found) | Self::Ask(found, _) => Some(found),
        }
    }
}

/// A cell; `None` where there is nothing to show.
pub(super) fn said(bytes: &[u8]) -> Option<Untrusted> {
    let bytes = bytes.trim_ascii();
    let cut = &bytes[..bytes.len().min(MAX_SAID)];
    (!cut.is_empty()).then(|| cut.to_vec().into())
}

pub(super) fn contains(bytes: &[u8], wanted: &str) -> bool {
    bytes.windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted.as_bytes()))
}

/// What stands between the first `from` and the next `to`.
pub(super) fn between<'a>(bytes: &'a [u8], from: &str, to: &str) -> Option<&'a [u8]> {
    let at = |bytes: &[u8], wanted: &str| {
        bytes.windows(wanted.len()).position(|part| part == wanted.as_bytes())
    };
    let rest = &bytes[at(bytes, from)? + from.len()..];
    Some(&rest[..at(rest, to)?])
}

/// `PRODUCT/VERSION rest`, as HTTP has it in `Server`.
pub(super) fn product_slash_version(text: &[u8]) -> Match {
    let text = text.trim_ascii();
    let word = text.iter().position(|byte| byte.is_ascii_whitespace()).unwrap_or(text.len());
    match text[..word].iter().position(|byte| *byte == b'/') {
        Some(slash) => Match::default()
            .product(&text[..slash])
            .version(&text[slash + 1..word])
            .info(&text[word..]),
        None => match named_version(text) {
            Some((product, version)) => Match::default().product(product).version(version),
            None => Match::default().product(text),
        },
    }
}

/// A name and the version behind it: `(vsFTPd 3.0.3)`, `ESMTP Exim 4.96 Mon, ...`.
pub(super) fn named_version(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_edge = |byte: &u8| byte.is_ascii_whitespace() || b"()[],;".contains(byte);
    let words: Vec<&[u8]> = text.split(is_edge).filter(|word| !word.is_empty()).collect();
    let pair = words.windows(2).find(|pair| is_name(pair[0]) && is_version(pair[1]))?;
    Some((pair[0], pair[1]))
}

fn is_name(word: &[u8]) -> bool {
    let generic = [&b"SMTP"[..], b"ESMTP", b"FTP", b"POP3", b"IMAP", b"Version", b"Server"];
    word.len() > 2
        && word.iter().any(u8::is_ascii_uppercase)
        && word.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        && !generic.iter().any(|no| no.eq_ignore_ascii_case(word))
}

/// Digits, a dot, digits; an IPv4 address has too many of them.
fn is_version(word: &[u8]) -> bool {
    let word = word.strip_prefix(b"v").unwrap_or(word);
    let mut parts = word.split(|byte| *byte == b'.');
    let is_number = |part: &[u8]| part.first().is_some_and(u8::is_ascii_digit);
    parts.next().is_some_and(is_number)
        && parts.next().is_some_and(is_number)
        && word.iter().filter(|byte| **byte == b'.').count() < 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_one_with_its_name() {
        for (text, wanted) in [
            ("mx ESMTP Exim 4.96 Mon, 23 Nov 2026", Some(("Exim", "4.96"))),
            ("(vsFTPd 3.0.3)", Some(("vsFTPd", "3.0.3"))),
            ("ProFTPD 1.3.8 Server (Debian) [10.0.0.1]", Some(("ProFTPD", "1.3.8"))),
            ("Welcome 10.0.0.1", None),
            ("mx ESMTP 1.2", None),
            ("mx ESMTP Postfix (Debian/GNU)", None),
            ("", None),
        ] {
            let wanted = wanted.map(|(name, version)| (name.as_bytes(), version.as_bytes()));
            assert_eq!(named_version(text.as_bytes()), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_said_is_cut() {
        assert_eq!(said(b" \r\n"), None);
        assert_eq!(said(&[b'a'; 500]).unwrap().as_bytes().len(), MAX_SAID);
    }

    #[test]
    fn an_inner_match_adds_to_the_outer() {
        let outer = Match::of("TLS 1.3").info(b"certificate of a");
        let inner = Match::of("HTTP/1.1").product(b"nginx").version(b"1.22.1");
        let both = outer.and(inner);
        assert_eq!(both.speaks, ["TLS 1.3", "HTTP/1.1"]);
        assert_eq!(both.product, said(b"nginx"));
        assert_eq!(both.info, said(b"certificate of a"));
    }
}
