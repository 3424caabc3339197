//! `cert -v` beside `openssl x509 -text`: no line of openssl's is lost.

use std::{collections::HashSet, path::Path};

use tempfile::TempDir;

use super::zoo::{cases, keys, openssl};
use crate::run::Plugin;

/// Where the words differ on purpose: openssl's, ours, and why.
const DIFFERENCES: [(&str, &str, &str); 10] = [
    ("T\u{fc}r", "T\\u{fc}r", "only ASCII in a pipe"),
    (" = ", "=", "OpenSSL 3.2 and later write it without blanks too"),
    ("SHA2-256", "sha256", "one name for a digest"),
    ("MGF1 with", "mgf1 with", "as it stands below a signature"),
    ("Minimum Salt Length: 32", "Salt Length: 0x20", "as it stands below a signature"),
    ("(default)", "", "a default is not marked"),
    ("Trailer Field: 0x1", "Trailer Field: 0x01", "as it stands below a signature"),
    ("IP Address:FE80:0:0:0:0:0:0:1", "IP Address:fe80::1", "RFC 5952"),
    ("IP Address:0:0:0:0:0:FFFF:A00:1", "IP Address:::ffff:10.0.0.1", "RFC 5952"),
    ("DirName:/C=UK/O=My Org/CN=me", "DirName:C=UK, O=My Org, CN=me", "one form of a name"),
];

/// Whole lines of openssl's, ours, and why.
const LINES: [(&str, &str, &str); 11] = [
    ("URI:ldap://x.example Reasons:", "URI:ldap://x.example", "openssl forgets a line feed"),
    ("..some text", "some text", "a text without its header"),
    ("....", "04:02:ab:cd", "an unknown value in all its bytes"),
    ("0...", "30:05:82:01", "a broken value in all its bytes"),
    ("0.", "30:00", "an unknown value in all its bytes"),
    ("Path Length Constraint: 00", "Path Length Constraint: 0", "a number"),
    ("DirName:/CN=web", "DirName:CN=web", "one form of a name"),
    ("CN=\\1B[2Jgone", "CN=\\u{1b}[2Jgone", "one form of what is hostile"),
    ("CN=one\\0Atwo", "CN=one\\ntwo", "one form of what is hostile"),
    ("O=\\07, CN=a", "O=\\u{7}, CN=a", "one form of what is hostile"),
    ("CN=a\u{202e}b", "CN=a\\u{202e}b", "openssl turns the rest of the line around"),
];

fn same(line: &str) -> String {
    let mut line = line.to_owned();
    for (theirs, ours, _) in DIFFERENCES {
        line = line.replace(theirs, ours);
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// openssl's line in our words; none where it says nothing.
fn expected(line: &str) -> Option<String> {
    let line = same(line);
    let (title, rest) = ["Issuer: ", "Subject: "]
        .into_iter()
        .find_map(|title| Some((title, line.strip_prefix(title)?)))
        .unwrap_or(("", &line));
    let known = LINES.iter().find(|(theirs, _, _)| *theirs == rest);
    let line = known.map_or_else(|| line.clone(), |(_, ours, _)| format!("{title}{ours}"));
    let is_nothing = line.is_empty() || line == "Signature Value:";
    (!is_nothing).then_some(line)
}

fn text(folder: &Path) -> Vec<u8> {
    openssl(folder, ["x509", "-in", "cert.pem", "-text", "-noout", "-nameopt", NAMES])
}

/// As with -text alone, but UTF-8 stays UTF-8.
const NAMES: &str = "oneline,-esc_msb,utf8";

/// openssl's lines that we lost, and all of them.
fn lost(folder: &Path) -> (Vec<String>, String) {
    let file = folder.join("cert.pem");
    let run = Plugin::new(&format!("cert -v {}", file.display()));
    let run = run.run();
    assert!(run.code != Some(2), "{run:#?}");
    let ours: HashSet<String> = run.stdout.lines().map(same).collect();
    let theirs = String::from_utf8_lossy(&text(folder)).into_owned();
    let lost = theirs.lines().filter_map(expected).filter(|line| !ours.contains(line)).collect();
    (lost, theirs)
}

/// Differences that openssl no longer makes: then they would only hide others.
fn stale(theirs: &str) -> Vec<&'static str> {
    let lines: HashSet<String> = theirs
        .lines()
        .map(same)
        .flat_map(|line| {
            let rest = ["Issuer: ", "Subject: "].iter().find_map(|title| line.strip_prefix(title));
            [rest.map(Into::into), Some(line.clone())]
        })
        .flatten()
        .collect();
    let words = DIFFERENCES.iter().filter(|(words, ..)| !theirs.contains(words));
    let whole = LINES.iter().filter(|(line, ..)| !lines.contains(*line));
    words.chain(whole).map(|(theirs, ..)| *theirs).collect()
}

#[test]
fn no_field_that_openssl_shows_is_lost() {
    let folder = TempDir::new().unwrap();
    keys(folder.path());
    let cases = cases();
    assert!(cases.len() >= 80, "{}", cases.len());
    let (mut missing, mut all) = (Vec::new(), String::new());
    for case in &cases {
        case.make(folder.path());
        let (lost, theirs) = lost(folder.path());
        missing.extend(lost.into_iter().map(|line| format!("{}: {line}", case.name)));
        all.push_str(&theirs);
    }
    assert!(missing.is_empty(), "{} of {}:\n{}", missing.len(), cases.len(), missing.join("\n"));
    assert_eq!(stale(&all), [""; 0], "these no longer differ");
}
