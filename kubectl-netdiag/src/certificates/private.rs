//! Whether a private key belongs to a certificate. The key is read here, wiped, and nothing of it
//! goes on.

use std::sync::Arc;

use aws_lc_rs::{
    rsa,
    signature::{self as aws, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair},
};
use rustls::{
    crypto::aws_lc_rs::sign::any_supported_type, pki_types::PrivateKeyDer, sign::SigningKey,
};
use zeroize::Zeroizing;

use super::key::Kind;
use super::{Certificate, pem};

/// What there is to say of a key beside a certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Belongs {
    Yes,
    No,
    /// Nobody knows without its password.
    Encrypted,
    /// In a kind or a form that is not read here.
    Unknown,
}

/// Why a key cannot sign here.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Unsigning {
    #[error("no private key in PEM (-----BEGIN PRIVATE KEY-----)")]
    Nothing,
    #[error("the key is encrypted; openssl pkey -in FILE -out PLAIN writes it without a password")]
    Encrypted,
    #[error("a private key of a kind that is not read here (RSA, EC P-256 to P-521, Ed25519 are)")]
    Unread,
}

/// What signs with the first private key of a PEM file.
pub(crate) fn signer(pem: &[u8]) -> Result<Arc<dyn SigningKey>, Unsigning> {
    if is_encrypted(pem) {
        return Err(Unsigning::Encrypted);
    }
    let (label, der) = pem::private_key(pem).ok_or(Unsigning::Nothing)?;
    let der = der.as_slice();
    let key = match label.as_str() {
        "PRIVATE KEY" => PrivateKeyDer::Pkcs8(der.into()),
        "RSA PRIVATE KEY" => PrivateKeyDer::Pkcs1(der.into()),
        "EC PRIVATE KEY" => PrivateKeyDer::Sec1(der.into()),
        _ => return Err(Unsigning::Unread),
    };
    any_supported_type(&key).map_err(|_| Unsigning::Unread)
}

/// PKCS#8's own form, and the one of RFC 1421 that OpenSSL once wrote.
fn is_encrypted(pem: &[u8]) -> bool {
    const ENCRYPTED: [&[u8]; 2] = [b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED"];
    let has = |words: &[u8]| pem.windows(words.len()).any(|bytes| bytes == words);
    ENCRYPTED.into_iter().any(has)
}

/// The first private key of a PEM file, beside a certificate.
pub(crate) fn belongs(pem: &[u8], certificate: &Certificate) -> Belongs {
    if is_encrypted(pem) {
        return Belongs::Encrypted;
    }
    let Some((label, der)) = pem::private_key(pem) else { return Belongs::Unknown };
    match public(&label, &der, &certificate.key.kind) {
        Some(public) if public == certificate.key.bytes => Belongs::Yes,
        Some(_) => Belongs::No,
        // A key of another kind altogether is read by its own.
        None if is_readable(&label, &der) => Belongs::No,
        None => Belongs::Unknown,
    }
}

/// The public half, as a certificate has it.
fn public(label: &str, der: &Zeroizing<Vec<u8>>, kind: &Kind) -> Option<Vec<u8>> {
    match (label, kind) {
        ("PRIVATE KEY", Kind::Ed25519) => {
            let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok()?;
            Some(pair.public_key().as_ref().to_vec())
        }
        ("PRIVATE KEY", Kind::Rsa) => {
            Some(rsa::KeyPair::from_pkcs8(der).ok()?.public_key().as_ref().to_vec())
        }
        ("RSA PRIVATE KEY", Kind::Rsa) => {
            Some(rsa::KeyPair::from_der(der).ok()?.public_key().as_ref().to_vec())
        }
        ("PRIVATE KEY" | "EC PRIVATE KEY", Kind::Ec(curve)) => {
            let pair = EcdsaKeyPair::from_private_key_der(curve_of(curve)?, der).ok()?;
            Some(pair.public_key().as_ref().to_vec())
        }
        _ => None,
    }
}

fn curve_of(curve: &str) -> Option<&'static EcdsaSigningAlgorithm> {
    Some(match curve {
        "P-256" => &aws::ECDSA_P256_SHA256_ASN1_SIGNING,
        "P-384" => &aws::ECDSA_P384_SHA384_ASN1_SIGNING,
        "P-521" => &aws::ECDSA_P521_SHA512_ASN1_SIGNING,
        _ => return None,
    })
}

fn is_readable(label: &str, der: &Zeroizing<Vec<u8>>) -> bool {
    let curves = ["P-256", "P-384", "P-521"].map(|curve| Kind::Ec(curve.into()));
    let kinds = curves.into_iter().chain([Kind::Rsa, Kind::Ed25519]);
    kinds.into_iter().any(|kind| public(label, der, &kind).is_some())
}
