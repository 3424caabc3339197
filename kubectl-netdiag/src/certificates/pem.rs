//! Certificates in a file: PEM blocks (RFC 7468) with whatever stands between them, or DER.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode::Indifferent, GeneralPurpose, GeneralPurposeConfig},
};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// What a file holds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Blocks {
    /// DER, in the order of the file.
    pub(crate) certificates: Vec<Vec<u8>>,
    /// Private keys are counted, and nothing else of them is read here.
    pub(crate) private_keys: usize,
    /// The labels of what else is in it.
    pub(crate) others: Vec<String>,
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

/// Finds every block.
pub(crate) fn blocks(bytes: &[u8]) -> Result<Blocks, Unreadable> {
    if bytes.is_empty() {
        return Err(Unreadable::Empty);
    }
    // An ASN.1 SEQUENCE; no text begins so and has a length of two bytes or more behind it.
    if matches!(bytes, [0x30, length, ..] if *length >= 0x80) {
        return Ok(Blocks { certificates: vec![bytes.to_vec()], ..Blocks::default() });
    }
    let text = String::from_utf8_lossy(bytes);
    let mut found = Blocks::default();
    let mut rest = text.as_ref();
    let mut number = 0;
    while let Some((label, after)) = begin(rest) {
        number += 1;
        let end = format!("{END}{label}{DASHES}");
        let cut_off = || Unreadable::CutOff(number, shown(label));
        let (body, behind) = after.split_once(&end).ok_or_else(cut_off)?;
        if body.contains(BEGIN) {
            return Err(cut_off());
        }
        found.add(number, label, body)?;
        rest = behind;
    }
    if number == 0 { Err(Unreadable::Neither) } else { Ok(found) }
}

/// The label of the next block and what follows its line.
fn begin(text: &str) -> Option<(&str, &str)> {
    let (_, after) = text.split_once(BEGIN)?;
    after.split_once(DASHES)
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
            key if key.ends_with("PRIVATE KEY") => self.private_keys += 1,
            other => self.others.push(shown(other)),
        }
        Ok(())
    }
}

fn decode(number: usize, label: &str, body: &str) -> Result<Vec<u8>, Unreadable> {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(Indifferent);
    let digits: String = body.split_ascii_whitespace().collect();
    let decoded = GeneralPurpose::new(&STANDARD, lenient).decode(digits);
    decoded.map_err(|_| Unreadable::Base64(number, shown(label)))
}

/// Bytes of the first element, header included.
fn element(der: &[u8]) -> Option<usize> {
    use x509_parser::asn1_rs::{Any, FromDer};
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
        let cut = "-----BEGIN CERTIFICATE-----\nTUlJ\n-----BEGIN CERTIFICATE-----\nTUlJ\n\
            -----END CERTIFICATE-----";
        assert_eq!(why(cut), "block 1 (\"CERTIFICATE\") has no END line: the file is cut off");
        let odd = "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----";
        assert_eq!(why(odd), "block 1 (\"CERTIFICATE\") is not base64");
        let hostile = why("-----BEGIN \x1b[2J-----");
        assert_eq!(hostile, "block 1 (\"\\u{1b}[2J\") has no END line: the file is cut off");
    }
}
