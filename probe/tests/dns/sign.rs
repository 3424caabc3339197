//! Keys and signatures by BIND's tools, and what can be wrong with them.

use std::{fs, path::Path};

/// One zone before it is signed.
pub(crate) struct Zone {
    pub(crate) name: &'static str,
    pub(crate) text: String,
    pub(crate) signing: Signing,
}

/// How a zone is signed; the DS record at its parent follows from it.
#[derive(Clone, Copy)]
pub(crate) enum Signing {
    Unsigned,
    /// One key for everything, denial by NSEC.
    By(&'static str),
    /// A key for the keys and another one for the zone.
    ByTwo(&'static str),
    Nsec3(&'static str),
    OptOut(&'static str),
    Spoilt(Spoil),
}

#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Spoil {
    Expired,
    NotYet,
    /// The address of `www` has no signature.
    NoSignature,
    /// That signature is by a key that the zone does not have.
    OtherKey,
    /// That signature has been changed.
    Changed,
    /// The parent's DS is of another key.
    WrongDs,
    /// The parent has a DS, the zone no key.
    NoKeys,
}

pub(crate) const ECDSA: &str = "ECDSAP256SHA256";

/// Writes the zone's file, signed, and gives the DS records for its parent.
pub(crate) fn publish(directory: &Path, zone: &Zone) -> String {
    let signed = |algorithm, keys: &[&str], options: &[&str]| {
        let keys = keys.iter().map(|kind| make_key(directory, zone.name, algorithm, kind));
        let keys: Vec<_> = keys.collect();
        sign(directory, zone, &keys, options);
        ds(directory, &keys[0])
    };
    match zone.signing {
        Signing::Unsigned => {
            fs::write(directory.join(file(zone.name)), &zone.text).unwrap();
            String::new()
        }
        Signing::By(algorithm) => signed(algorithm, &["KSK"], &["-z"]),
        Signing::ByTwo(algorithm) => signed(algorithm, &["KSK", "ZSK"], &["-x"]),
        Signing::Nsec3(algorithm) => signed(algorithm, &["KSK"], &["-z", "-3", "ABCD", "-H", "5"]),
        Signing::OptOut(algorithm) => {
            signed(algorithm, &["KSK"], &["-z", "-3", "-", "-H", "0", "-A"])
        }
        Signing::Spoilt(spoil) => spoilt(directory, zone, spoil, signed),
    }
}

fn spoilt(
    directory: &Path,
    zone: &Zone,
    spoil: Spoil,
    signed: impl Fn(&'static str, &[&str], &[&str]) -> String,
) -> String {
    let sign = |options: &[&str]| signed(ECDSA, &["KSK"], &[&["-z"], options].concat());
    let path = directory.join(file(zone.name));
    match spoil {
        Spoil::Expired => sign(&["-s", "20200101000000", "-e", "20200201000000"]),
        Spoil::NotYet => sign(&["-s", "20900101000000", "-e", "20900201000000"]),
        Spoil::NoSignature => {
            let ds = sign(&[]);
            rewrite(&path, |line| (!is_signature_of_www(line)).then(|| line.to_owned()));
            ds
        }
        Spoil::OtherKey => {
            sign(&[]);
            let text = fs::read_to_string(&path).unwrap();
            let other = text.lines().find(|line| is_signature_of_www(line)).unwrap();
            let ds = sign(&[]);
            rewrite(&path, |line| {
                Some(if is_signature_of_www(line) { other.into() } else { line.into() })
            });
            ds
        }
        Spoil::Changed => {
            let ds = sign(&[]);
            rewrite(&path, |line| Some(changed(line)));
            ds
        }
        Spoil::WrongDs => {
            sign(&[]);
            ds(directory, &make_key(directory, zone.name, ECDSA, "KSK"))
        }
        Spoil::NoKeys => {
            let ds = sign(&[]);
            fs::write(&path, &zone.text).unwrap();
            ds
        }
    }
}

pub(crate) fn file(zone: &str) -> String {
    format!("{zone}db")
}

/// Its file name, without an ending.
fn make_key(directory: &Path, zone: &str, algorithm: &str, kind: &str) -> String {
    let size: &[&str] = if algorithm.starts_with("RSA") { &["-b", "2048"] } else { &[] };
    let kind: &[&str] = if kind == "KSK" { &["-f", "KSK"] } else { &[] };
    let arguments = [&["-q", "-a", algorithm], size, kind, &[zone]].concat();
    tool(directory, "dnssec-keygen", &arguments).trim().to_owned()
}

fn sign(directory: &Path, zone: &Zone, keys: &[String], options: &[&str]) {
    let includes: String = keys.iter().map(|key| format!("$INCLUDE {key}.key\n")).collect();
    let plain = format!("{}plain", zone.name);
    fs::write(directory.join(&plain), format!("{}{includes}", zone.text)).unwrap();
    let file = file(zone.name);
    let fixed = ["-P", "-O", "full", "-o", zone.name, "-f", &file];
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    tool(directory, "dnssec-signzone", &[options, &fixed, &[plain.as_str()], &keys].concat());
}

fn ds(directory: &Path, key: &str) -> String {
    tool(directory, "dnssec-dsfromkey", &["-2", key])
}

fn is_signature_of_www(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    line.starts_with("www.") && words.get(3..5) == Some(&["RRSIG", "A"])
}

/// Six bits of the signature are others.
fn changed(line: &str) -> String {
    let Some((head, signature)) = line.rsplit_once(' ').filter(|_| is_signature_of_www(line))
    else {
        return line.into();
    };
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{head} {first}{}", &signature[1..])
}

fn rewrite(path: &Path, change: impl Fn(&str) -> Option<String>) {
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<String> = text.lines().filter_map(change).collect();
    fs::write(path, lines.join("\n") + "\n").unwrap();
}

#[expect(clippy::disallowed_methods, reason = "BIND's tools make the zones")]
pub(crate) fn tool(directory: &Path, program: &str, arguments: &[&str]) -> String {
    let mut command = std::process::Command::new(program);
    let output = command.current_dir(directory).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
