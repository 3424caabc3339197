//! Tests: certificates and OCSP responses of openssl (`fuzz/certificates`, `fuzz/staples`), and what
//! is left of them when bytes change: fuzz target 9 of security.md.

use std::{fs, path::Path, sync::LazyLock};

use jiff::Timestamp;
use netdiag_wire::untrusted::is_hostile;
use proptest::prelude::*;

use crate::render::{Document, Format, Screen, Span, document};

use super::{Certificate, Expectation, Moment, Roots, Staple, judge, of_authorities, table, text};

/// What is shown of a byte is no more than this, and of nothing little.
const MOST: usize = 64;
const LITTLE: usize = 16 * 1024;

static CERTIFICATES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| corpus("certificates"));
static STAPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| corpus("staples"));

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name);
    let files = fs::read_dir(folder).unwrap();
    files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
}

/// Nothing that is shown steers a terminal, nor is it much more than what came.
fn holds(der: &[u8], shown: &str) {
    let odd = shown.chars().find(|letter| is_hostile(*letter));
    assert_eq!(odd, None, "{shown}");
    assert!(shown.len() <= LITTLE + MOST * der.len(), "{} of {}", shown.len(), der.len());
}

/// By the one writer of JSON: DEL in a name is Unicode to serde_json, which a long run came upon.
fn printed(certificate: &Certificate) -> String {
    let span = Span { started_at: Timestamp::UNIX_EPOCH, took_us: 0 };
    let report = Document::new("CertReport", span, &[]);
    let report = report.part("certificate", &certificate.entry()).unwrap();
    let screen = Screen { format: Format::Ndjson, ..Screen::default() };
    let mut out = Vec::new();
    document(&mut out, &screen, &report).unwrap();
    String::from_utf8(out).unwrap()
}

fn read_certificate(der: &[u8]) {
    let authorities = of_authorities(&[der.to_vec().into()]);
    authorities.iter().for_each(|name| holds(der, name));
    let read = match Certificate::parse(der) {
        Ok(read) => read,
        Err(why) => return holds(der, &why.to_string()),
    };
    text(&read).iter().for_each(|line| holds(der, line));
    holds(der, printed(&read).trim_end());
    let now = Moment(1_795_400_000);
    let roots = Roots::Own { name: "ca".into(), certificates: vec![read.clone()] };
    for roots in [&roots, &Roots::Mozilla] {
        let expected = Expectation { name: Some("shop.test"), now, roots, is_server: true };
        let findings = judge(std::slice::from_ref(&read), &expected);
        assert!(!findings.is_empty());
        findings.iter().for_each(|finding| holds(der, &finding.summary.to_string()));
    }
    let (shown, _) = table(std::slice::from_ref(&read), now, false);
    shown.rows.iter().flatten().for_each(|cell| holds(der, &cell.text));
}

fn read_staple(der: &[u8]) {
    let about = Certificate::parse(&seed("ec")).unwrap();
    match Staple::parse(der, &about, Some(&about)) {
        Ok(staple) => holds(der, &staple.words()),
        Err(why) => holds(der, &why.to_string()),
    }
}

fn seed(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/certificates");
    fs::read(folder.join(name)).unwrap()
}

#[test]
fn every_seed_replays_cut_anywhere() {
    assert!(CERTIFICATES.len() >= 15 && STAPLES.len() >= 5);
    for (all, read) in [(&CERTIFICATES, read_certificate as fn(&[u8])), (&STAPLES, read_staple)] {
        for der in all.iter() {
            let step = der.len() / 400 + 1;
            (0..der.len()).step_by(step).for_each(|length| read(&der[..length]));
            read(der);
        }
    }
}

#[test]
fn a_staple_is_about_its_certificate_and_signed() {
    let about = Certificate::parse(&seed("ec")).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/staples");
    let words = |name: &str, issuer: &Certificate| {
        let der = fs::read(folder.join(name)).unwrap();
        match Staple::parse(&der, &about, Some(issuer)) {
            Ok(staple) => format!("{:?} {}", staple.signed, staple.words()),
            Err(why) => why.to_string(),
        }
    };
    let other = Certificate::parse(&seed("p-521")).unwrap();
    assert!(words("good", &about).starts_with("Good good, of "));
    assert!(words("good", &other).starts_with("Bad good, of "));
    let revoked = "Good revoked at 2026-11-01 00:00:00 UTC (keyCompromise), of ";
    assert!(words("revoked", &about).starts_with(revoked));
    assert!(
        words("unknown", &about).starts_with("Good of a certificate that the CA does not know")
    );
    assert_eq!(words("try-later", &about), "the CA's responder answered tryLater");
    assert_eq!(words("nothing-in-it", &about), "it cannot be decoded");
}

fn changed(mut der: Vec<u8>, changes: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    if !der.is_empty() {
        changes.iter().for_each(|(at, value)| *at.get_mut(&mut der) = *value);
    }
    der
}

proptest! {
    #[test]
    fn changed_bytes_hold(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        read_certificate(&changed(which.get(&CERTIFICATES).clone(), &changes));
        read_staple(&changed(which.get(&STAPLES).clone(), &changes));
    }

    #[test]
    fn any_bytes_hold(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_certificate(&bytes);
        read_staple(&bytes);
    }
}
