//! `explain`: what a code means, how it comes and what mends it, for every code of this release.

mod agents;
mod certificates;
mod design;
mod dns;
mod http;
mod input;
mod path;
mod policy;
mod rights;
mod rules;
mod scan;
mod service;
mod sockets;
mod tls;

use std::fmt::Write;

use netdiag_wire::Untrusted;

use crate::{
    finding::{Code, Failure},
    render::wrap,
};

/// Everything there is to say of one code.
pub(crate) struct Entry {
    pub(crate) code: Code,
    pub(crate) title: &'static str,
    pub(crate) raised: Raised,
    what_it_is: &'static str,
    what_you_see: &'static str,
    how_it_comes: &'static str,
    be_sure: &'static str,
    how_to_mend: &'static str,
    looks_like_it: &'static str,
    raised_by: &'static str,
}

/// The word before the code where it is printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Raised {
    Fail,
    Warn,
    /// A `WARN` or, where nothing is known, an `UNKNOWN`.
    Unknown,
    Note,
    /// The command could not run.
    Error,
}

/// The first two digits of a code say where to look.
const FAMILIES: [(u16, &str); 10] = [
    (0, "netdiag itself: agents, rights, versions, input"),
    (1, "Services and endpoints"),
    (2, "a node's rules for Services"),
    (3, "path and packets"),
    (4, "NetworkPolicies"),
    (5, "DNS: names and those who are asked for them"),
    (6, "sockets and listeners"),
    (7, "TLS: the handshake and the certificates"),
    (8, "HTTP: who answered, and what"),
    (9, "by design: no fault, but the question is a trap"),
];

const WIDTH: usize = 100;
const LABEL: usize = 15;

/// Every code of this release, ascending.
pub(crate) fn entries() -> impl Iterator<Item = &'static Entry> {
    let families: [&[Entry]; 14] = [
        agents::ENTRIES,
        rights::ENTRIES,
        input::ENTRIES,
        service::ENTRIES,
        rules::ENTRIES,
        path::ENTRIES,
        policy::ENTRIES,
        dns::ENTRIES,
        scan::ENTRIES,
        sockets::ENTRIES,
        certificates::ENTRIES,
        tls::ENTRIES,
        http::ENTRIES,
        design::ENTRIES,
    ];
    let mut all: Vec<&Entry> = families.into_iter().flatten().collect();
    all.sort_by_key(|entry| entry.code);
    all.into_iter()
}

/// The long text of a code, or the list of all.
pub(crate) fn explain(code: Option<&str>) -> Result<String, Failure> {
    let Some(asked) = code else { return Ok(list()) };
    let known = parse(asked).and_then(|code| entries().find(|entry| entry.code == code));
    known.map(text).ok_or_else(|| {
        let shown = parse(asked)
            .map_or_else(|| format!("\"{}\"", Untrusted::from(asked)), |c| c.to_string());
        let version = env!("CARGO_PKG_VERSION");
        let message =
            format!("{shown} is not a code of netdiag {version}; explain alone lists all");
        Failure { code: None, message, labels: Vec::new() }
    })
}

/// `ND0302`, in any case, or its four digits.
fn parse(asked: &str) -> Option<Code> {
    let digits = match asked.get(..2) {
        Some(letters) if letters.eq_ignore_ascii_case("nd") => &asked[2..],
        _ => asked,
    };
    let four = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit());
    if four { digits.parse().ok().map(Code) } else { None }
}

fn text(entry: &'static Entry) -> String {
    let title = format!("{}  {}", entry.code, entry.title);
    let mut shown = format!("{title:<85}{}\n\n", entry.raised.word());
    let sections = [
        ("What it is", entry.what_it_is),
        ("What you see", entry.what_you_see),
        ("How it comes", entry.how_it_comes),
        ("Be sure", entry.be_sure),
        ("How to mend", entry.how_to_mend),
        ("Looks like it", entry.looks_like_it),
        ("Raised by", entry.raised_by),
    ];
    for (mut label, section) in sections {
        for line in wrap(section, Some(WIDTH - LABEL)) {
            let _ = writeln!(shown, "{label:<LABEL$}{line}");
            label = "";
        }
    }
    shown
}

/// Each code, and what it is in a line.
pub(crate) fn titles() -> impl Iterator<Item = (String, &'static str)> {
    entries().map(|entry| (entry.code.to_string(), entry.title))
}

fn list() -> String {
    let mut shown = String::new();
    for (family, what) in FAMILIES {
        let gap = if shown.is_empty() { "" } else { "\n" };
        let _ = writeln!(shown, "{gap}ND{family:02}..  {what}");
        for entry in entries().filter(|entry| entry.code.0 / 100 == family) {
            let _ =
                writeln!(shown, "  {}  {:<7}  {}", entry.code, entry.raised.word(), entry.title);
        }
    }
    shown.push_str("\nkubectl netdiag explain CODE tells the whole of one.\n");
    shown
}

impl Raised {
    fn word(self) -> &'static str {
        match self {
            Self::Fail => "FAIL",
            Self::Warn => "WARN",
            Self::Unknown => "UNKNOWN",
            Self::Note => "NOTE",
            Self::Error => "error",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    #[test]
    fn a_text_has_its_sections() {
        insta::assert_snapshot!(explain(Some("nd0302")).unwrap(), @r"
        ND0302  Silence: no reply, and nobody says why                                       FAIL

        What it is     Echoes or SYNs left the source and nothing came back: no reply and no ICMP error.
                       Somebody dropped them, or the replies, without a word.
        What you see   silence for every echo. When nothing at all came back, ping waits 3.5 s longer for a
                       router's host unreachable, which takes 3 s.
        How it comes   A NetworkPolicy or a firewall (of a cloud, a security group) that drops; a route that
                       is missing on the way back; an overlay port that is blocked between nodes; a pod that
                       hangs; a target that ignores echoes.
        Be sure        Ping the target from its own node: a reply there and silence here means that the path
                       or a policy drops. Silence there as well means the pod or its policy.
        How to mend    A policy: admit the source. Between two nodes: compare a pair that works, and open
                       the overlay's port (VXLAN 8472 or 4789, Geneve 6081, WireGuard 51820) both ways.
        Looks like it  Echoes only are dropped, and TCP passes: then the application is well. ND0304
                       somebody did say why. ND0901 the target is a Service's address.
        Raised by      ping, diagnose, connect, tls
        ");
    }

    #[test]
    fn what_is_no_code_is_told() {
        let message = |asked| explain(Some(asked)).unwrap_err().message;
        assert_eq!(
            message("ND9999"),
            "ND9999 is not a code of netdiag 0.1.0; explain alone lists all"
        );
        assert_eq!(
            message("\x1b]0;x\x07"),
            r#""\u{1b}]0;x\u{7}" is not a code of netdiag 0.1.0; explain alone lists all"#
        );
        assert!(message("é").starts_with("\"é\" is not"));
        assert!(message("+302").starts_with("\"+302\" is not"));
    }

    #[test]
    fn the_list_has_every_code_once_and_ascending() {
        let codes: Vec<_> = entries().map(|entry| entry.code).collect();
        assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
        let list = explain(None).unwrap();
        for code in codes {
            assert_eq!(list.matches(&code.to_string()).count(), 1, "{code}");
        }
    }

    #[test]
    fn every_code_that_is_raised_has_a_text() {
        let raised = codes_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        assert!(raised.len() > 15, "the search found only {raised:?}");
        let known: BTreeSet<_> = entries().map(|entry| entry.code.0).collect();
        assert_eq!(raised.difference(&known).collect::<Vec<_>>(), Vec::<&u16>::new());
    }

    #[test]
    fn no_text_names_a_code_or_a_command_of_another_release() {
        let known: BTreeSet<_> = entries().map(|entry| entry.code.to_string()).collect();
        for entry in entries() {
            let shown = text(entry);
            let codes = shown.match_indices("ND0").map(|(at, _)| &shown[at..at + 6]);
            for code in codes {
                assert!(known.contains(code), "{} names {code}", entry.code);
            }
            for later in ["diagnose", "connect "] {
                let command = format!("netdiag {later}");
                assert!(!shown.contains(&command), "{} names {command}", entry.code);
            }
            assert!(shown.lines().all(|line| line.chars().count() <= WIDTH), "{shown}");
            assert!(shown.is_ascii(), "{}", entry.code);
        }
    }

    /// Every `Code(n)` of the sources but those of `explain` itself.
    fn codes_in(folder: &Path) -> BTreeSet<u16> {
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.file_stem().is_some_and(|name| name == "explain") {
                continue;
            }
            if path.is_dir() {
                found.extend(codes_in(&path));
                continue;
            }
            let source = fs::read_to_string(path).unwrap();
            let codes = source.split("Code(").skip(1).filter_map(|rest| rest.split(')').next());
            found.extend(codes.filter_map(|digits| digits.parse::<u16>().ok()));
        }
        found
    }
}
