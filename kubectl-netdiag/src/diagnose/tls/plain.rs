//! What came is no TLS: whose words they are.

use netdiag_wire::Untrusted;

use super::{NO_TLS, TlsCase};
use crate::{
    diagnose::labels,
    finding::{Finding, Label, Severity},
};

/// How a protocol in the clear begins, what it is, and how TLS is asked for in it.
const GREETINGS: [(&[u8], &str, Option<&str>); 9] = [
    (b"HTTP/", "HTTP", None),
    (b"<html", "HTTP", None),
    (b"SSH-", "SSH", None),
    (b"220 ", "SMTP or FTP", Some("smtp")),
    (b"220-", "SMTP or FTP", Some("smtp")),
    (b"* OK", "IMAP", Some("imap")),
    (b"+OK", "POP3", Some("pop3")),
    (b"RFB ", "VNC", None),
    (b"<?xml", "XML, perhaps XMPP", Some("xmpp")),
];

impl TlsCase<'_> {
    pub(super) fn plain_text(&self, bytes: &Untrusted) -> Finding {
        let known = greeting(bytes.as_bytes());
        let speaks = known.map(|(name, _)| format!(" but {name}")).unwrap_or_default();
        let summary = format!("{} speaks no TLS{speaks} on this port", self.target());
        let starttls = known.and_then(|(_, protocol)| protocol);
        let finding = Finding::new(Severity::Fail, NO_TLS, summary).with(labels::said(bytes)).with(
            Label::Means("TLS clients say \"wrong version number\" or \"not a TLS record\"".into()),
        );
        match starttls {
            Some(protocol) => finding.with(self.again(&["--starttls", protocol])),
            None => finding,
        }
    }
}

fn greeting(bytes: &[u8]) -> Option<(&'static str, Option<&'static str>)> {
    // MySQL: length, number 0, protocol version 10.
    if let [_, _, 0, 0, 10, ..] = bytes {
        return Some(("MySQL", Some("mysql")));
    }
    let starts = |start: &[u8]| {
        bytes.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
    };
    let found = GREETINGS.iter().find(|(start, _, _)| starts(start));
    found.map(|(_, name, starttls)| (*name, *starttls))
}
