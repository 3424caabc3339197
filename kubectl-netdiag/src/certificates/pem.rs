//! Certificates in a file: PEM blocks (RFC 7468) with whatever stands between them, or DER.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode::Indifferent, GeneralPurpose, GeneralPurposeConfig},
};
use x509_parser::asn1_rs::{Any, Class, FromDer};
use zeroize::Zeroizing;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(Indifferent),
);
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// With more of them a file is no file of certificates, and is not read on.
const MAX_BROKEN: usize = 100;

/// What a file holds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Blocks {
    /// DER, in the order of the file.
    pub(crate) certificates: Vec<Vec<u8>>,
    /// Private keys are counted, and nothing else of them is read here.
    pub(crate) private_keys: usize,
    /// The labels of what else is in it.
    pub(crate) others: Vec<String>,
    /// What could not be read, and is left out; at most [`MAX_BROKEN`].
    pub(crate) broken: Vec<Unreadable>,
}

/// Why a file cannot be read as certificates.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("block {0} (\"{1}\") has no END line: the file is cut off")]
    CutOff(usize, String),
    #[error("block {0} (\"{1}\") is not base64")]
    Base64(usize, String),
    #[error("neither PEM (-----BEGIN CERTIFICATE-----) nor DER")]
    Neither,
    #[error("nothing in it")]
    Empty,
}

/// Finds every block; an error where there is no certificate for all that cannot be read.
pub(crate) fn blocks(bytes: &[u8]) -> Result<Blocks, Unreadable> {
    if bytes.is_empty() {
        return Err(Unreadable::Empty);
    }
    // An ASN.1 SEQUENCE; no text begins so and has a length of two bytes or more behind it.
    if matches!(bytes, [0x30, length, ..] if *length >= 0x80) {
        let certificates = bag(bytes).unwrap_or_else(|| vec![bytes.to_vec()]);
        return Ok(Blocks { certificates, ..Blocks::default() });
    }
    let text = String::from_utf8_lossy(bytes);
    let mut found = Blocks::default();
    let mut rest = text.as_ref();
    let mut number = 0;
    while let Some((label, after)) = begin(rest) {
        number += 1;
        let added = match body(label, after) {
            Some((body, behind)) => {
                rest = behind;
                found.add(number, label, body)
            }
            None => {
                rest = after;
                Err(Unreadable::CutOff(number, shown(label)))
            }
        };
        found.broken.extend(added.err());
        if found.broken.len() == MAX_BROKEN {
            break;
        }
    }
    match found.broken.first() {
        _ if number == 0 => Err(Unreadable::Neither),
        Some(why) if found.certificates.is_empty() => Err(why.clone()),
        _ => Ok(found),
    }
}

/// Up to the block's END line, and what is behind that.
fn body<'a>(label: &str, after: &'a str) -> Option<(&'a str, &'a str)> {
    let (body, behind) = after.split_once(&format!("{END}{label}{DASHES}"))?;
    (!body.contains(BEGIN)).then_some((body, behind))
}

/// The label of the next block and what follows its line.
fn begin(text: &str) -> Option<(&str, &str)> {
    let (_, after) = text.split_once(BEGIN)?;
    after.split_once(DASHES)
}

/// The label and DER of the first private key, wiped when dropped.
pub(super) fn private_key(pem: &[u8]) -> Option<(String, Zeroizing<Vec<u8>>)> {
    let mut rest = std::str::from_utf8(pem).ok()?;
    while let Some((label, after)) = begin(rest) {
        let (body, behind) = after.split_once(&format!("{END}{label}{DASHES}"))?;
        rest = behind;
        if label.ends_with("PRIVATE KEY") {
            // Exactly as long, so that nothing moves and leaves a copy behind.
            let mut digits = Zeroizing::new(String::with_capacity(body.len()));
            digits.extend(body.split_ascii_whitespace());
            let mut der = Zeroizing::new(vec![0; digits.len()]);
            let length = LENIENT.decode_slice(digits.as_bytes(), &mut der).ok()?;
            der.truncate(length);
            return Some((label.to_owned(), der));
        }
    }
    None
}

impl Blocks {
    fn add(&mut self, number: usize, label: &str, body: &str) -> Result<(), Unreadable> {
        match label {
            "CERTIFICATE" | "X509 CERTIFICATE" => {
                self.certificates.push(decode(number, label, body)?);
            }
            // A certificate, and behind it what OpenSSL trusts it for.
            "TRUSTED CERTIFICATE" => {
                let der = decode(number, label, body)?;
                let length = element(&der).unwrap_or(der.len());
                self.certificates.push(der[..length].to_vec());
            }
            "PKCS7" | "CMS" | "PKCS #7 SIGNED DATA" => {
                self.certificates.extend(bag(&decode(number, label, body)?).unwrap_or_default());
            }
            key if key.ends_with("PRIVATE KEY") => self.private_keys += 1,
            other => self.others.push(shown(other)),
        }
        Ok(())
    }
}

fn decode(number: usize, label: &str, body: &str) -> Result<Vec<u8>, Unreadable> {
    let digits: String = body.split_ascii_whitespace().collect();
    LENIENT.decode(digits).map_err(|_| Unreadable::Base64(number, shown(label)))
}

/// The certificates of a PKCS#7 bag (RFC 5652, 5.1: SignedData), as `openssl crl2pkcs7` makes it.
fn bag(der: &[u8]) -> Option<Vec<Vec<u8>>> {
    const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    let (_, content) = Any::from_der(der).ok()?;
    let (rest, kind) = Any::from_der(content.data).ok()?;
    if kind.data != SIGNED_DATA {
        return None;
    }
    let (_, explicit) = Any::from_der(rest).ok()?;
    let (_, signed) = Any::from_der(explicit.data).ok()?;
    let mut rest = signed.data;
    while let Ok((behind, part)) = Any::from_der(rest) {
        if part.class() == Class::ContextSpecific && part.tag().0 == 0 {
            return Some(elements(part.data));
        }
        rest = behind;
    }
    Some(Vec::new())
}

fn elements(mut der: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while let Some(length) = element(der).filter(|length| *length > 0) {
        let (one, rest) = der.split_at(length);
        found.push(one.to_vec());
        der = rest;
    }
    found
}

/// DER as a PEM block, 64 digits a line.
pub(crate) fn armour(der: &[u8]) -> String {
    const WIDTH: usize = 48;
    let lines = der.chunks(WIDTH).map(|chunk| LENIENT.encode(chunk) + "\n").collect::<String>();
    format!("{BEGIN}CERTIFICATE{DASHES}\n{lines}{END}CERTIFICATE{DASHES}\n")
}

/// Bytes of the first element, header included.
fn element(der: &[u8]) -> Option<usize> {
    let (rest, _) = Any::from_der(der).ok()?;
    der.len().checked_sub(rest.len())
}

fn shown(label: &str) -> String {
    const LONGEST: usize = 40;
    let cut: String = label.chars().take(LONGEST).collect();
    netdiag_wire::Untrusted::from(cut).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_the_blocks_is_no_matter() {
        let text = "Bag Attributes\r\n-----BEGIN CERTIFICATE-----\r\nTUlJ\r\n Qg\r\n\
            -----END CERTIFICATE-----\r\nkey:\n-----BEGIN EC PRIVATE KEY-----\nx\n\
            -----END EC PRIVATE KEY-----\n-----BEGIN X509 CRL-----\n-----END X509 CRL-----";
        let found = blocks(text.as_bytes()).unwrap();
        assert_eq!(found.certificates, [b"MIIB"]);
        assert_eq!((found.private_keys, found.others), (1, vec!["X509 CRL".to_owned()]));
    }

    #[test]
    fn a_broken_file_says_where() {
        let why = |text: &str| blocks(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(why(""), "nothing in it");
        assert_eq!(why("hello"), "neither PEM (-----BEGIN CERTIFICATE-----) nor DER");
        let cut = "-----BEGIN CERTIFICATE-----\nTUlJ\n";
        assert_eq!(why(cut), "block 1 (\"CERTIFICATE\") has no END line: the file is cut off");
        let odd = "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----";
        assert_eq!(why(odd), "block 1 (\"CERTIFICATE\") is not base64");
        let both =
            [cut, "-----BEGIN CERTIFICATE-----\nTUlJ\n-----END CERTIFICATE-----", odd].concat();
        let found = blocks(both.as_bytes()).unwrap();
        assert_eq!(found.certificates, [b"MII"], "one that is broken does not lose the others");
        let broken =
            |number, why: fn(usize, String) -> Unreadable| why(number, "CERTIFICATE".into());
        let why_not = [broken(1, Unreadable::CutOff), broken(3, Unreadable::Base64)];
        assert_eq!(found.broken, why_not);
        let hostile = why("-----BEGIN \x1b[2J-----");
        assert_eq!(hostile, "block 1 (\"\\u{1b}[2J\") has no END line: the file is cut off");
    }
}
