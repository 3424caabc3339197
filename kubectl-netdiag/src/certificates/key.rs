//! Public keys: `RSA 2048`, `EC P-256`, `Ed25519`.

use std::fmt;

use serde::{Serialize, Serializer};
use x509_parser::{public_key::PublicKey, x509::SubjectPublicKeyInfo};

/// A public key, by kind and strength.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    /// Of the modulus or the field; 0 where nobody knows.
    pub(crate) bits: usize,
    /// The subject public key itself, without its algorithm.
    pub(super) bytes: Vec<u8>,
    /// The whole SubjectPublicKeyInfo.
    pub(crate) der: Vec<u8>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Rsa,
    RsaPss,
    Dsa,
    /// With its curve, by name or OID.
    Ec(String),
    Ed25519,
    Ed448,
    /// Its OID.
    Other(String),
}

impl Key {
    pub(super) fn of(info: &SubjectPublicKeyInfo<'_>) -> Self {
        let kind = kind(info);
        Self {
            bits: bits(&kind, info),
            kind,
            bytes: info.subject_public_key.data.to_vec(),
            der: info.raw.to_vec(),
        }
    }

    /// Whether signatures of it can be checked by the TLS library.
    pub(crate) fn is_checkable(&self) -> bool {
        match &self.kind {
            Kind::Rsa => (2048..=8192).contains(&self.bits),
            Kind::Ec(curve) => ["P-256", "P-384", "P-521"].contains(&curve.as_str()),
            Kind::Ed25519 => true,
            Kind::RsaPss | Kind::Dsa | Kind::Ed448 | Kind::Other(_) => false,
        }
    }

    /// What strict clients of today refuse (CA/Browser Forum 6.1.5; NIST SP 800-57: 112 bits).
    pub(crate) fn is_short(&self) -> bool {
        match self.kind {
            Kind::Rsa | Kind::RsaPss | Kind::Dsa => self.bits < 2048,
            Kind::Ec(_) => self.bits > 0 && self.bits < 224,
            Kind::Ed25519 | Kind::Ed448 | Kind::Other(_) => false,
        }
    }
}

fn kind(info: &SubjectPublicKeyInfo<'_>) -> Kind {
    let oid = info.algorithm.algorithm.to_id_string();
    match oid.as_str() {
        "1.2.840.113549.1.1.1" => Kind::Rsa,
        "1.2.840.113549.1.1.10" => Kind::RsaPss,
        "1.2.840.10040.4.1" => Kind::Dsa,
        "1.2.840.10045.2.1" => {
            let curve = info.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
            Kind::Ec(curve.map_or_else(|| "explicit".into(), |oid| curve_name(&oid.to_id_string())))
        }
        "1.3.101.112" => Kind::Ed25519,
        "1.3.101.113" => Kind::Ed448,
        _ => Kind::Other(oid),
    }
}

fn curve_name(oid: &str) -> String {
    match oid {
        "1.2.840.10045.3.1.1" => "P-192",
        "1.3.132.0.33" => "P-224",
        "1.2.840.10045.3.1.7" => "P-256",
        "1.3.132.0.34" => "P-384",
        "1.3.132.0.35" => "P-521",
        "1.3.132.0.10" => "secp256k1",
        "1.3.36.3.3.2.8.1.1.7" => "brainpoolP256r1",
        "1.3.36.3.3.2.8.1.1.11" => "brainpoolP384r1",
        "1.3.36.3.3.2.8.1.1.13" => "brainpoolP512r1",
        other => other,
    }
    .to_owned()
}

fn bits(kind: &Kind, info: &SubjectPublicKeyInfo<'_>) -> usize {
    match (kind, info.parsed()) {
        (Kind::Ed25519, _) => 256,
        (Kind::Ed448, _) => 456,
        (Kind::Ec(curve), _) if curve == "P-521" => 521,
        (_, Ok(PublicKey::RSA(key))) => length(key.modulus),
        // x509-parser knows no id-RSASSA-PSS, whose key is written as RSA's.
        (Kind::RsaPss, _) => {
            use x509_parser::{asn1_rs::FromDer, public_key::RSAPublicKey};
            let key = RSAPublicKey::from_der(&info.subject_public_key.data);
            key.map_or(0, |(_, key)| length(key.modulus))
        }
        (Kind::Dsa, _) => dsa_bits(info),
        (_, Ok(key)) => key.key_size(),
        (_, Err(_)) => 0,
    }
}

/// Those of the prime p, the first of the parameters.
fn dsa_bits(info: &SubjectPublicKeyInfo<'_>) -> usize {
    use x509_parser::asn1_rs::{FromDer, Integer};
    let parameters = info.algorithm.parameters.as_ref();
    let prime = parameters.and_then(|any| Integer::from_der(any.data).ok());
    prime.map_or(0, |(_, prime)| length(prime.as_ref()))
}

/// Bits of a number in big-endian bytes.
fn length(number: &[u8]) -> usize {
    let number = &number[number.iter().take_while(|byte| **byte == 0).count()..];
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Rsa => write!(f, "RSA {}", self.bits),
            Kind::RsaPss => write!(f, "RSA-PSS {}", self.bits),
            Kind::Dsa => write!(f, "DSA {}", self.bits),
            Kind::Ec(curve) => write!(f, "EC {curve}"),
            Kind::Ed25519 => f.write_str("Ed25519"),
            Kind::Ed448 => f.write_str("Ed448"),
            Kind::Other(oid) => f.write_str(oid),
        }
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
