//! The public key in all its numbers.

use x509_parser::{
    asn1_rs::{Any, FromDer, Tag},
    public_key::RSAPublicKey,
    x509::SubjectPublicKeyInfo,
};

use super::{children, hex, integer};
use crate::certificates::{
    key::{Key, Kind},
    signature::pss_parameters,
};

const WIDTH: usize = 15;

pub(super) fn text(info: &SubjectPublicKeyInfo<'_>, key: &Key) -> Vec<String> {
    let algorithm = match &key.kind {
        Kind::Rsa => "rsaEncryption",
        Kind::RsaPss => "rsassaPss",
        Kind::Dsa => "dsaEncryption",
        Kind::Ec(_) => "id-ecPublicKey",
        Kind::Ed25519 => "ED25519",
        Kind::Ed448 => "ED448",
        Kind::Other(oid) => oid,
    };
    let mut lines = vec![format!("Public Key Algorithm: {algorithm}")];
    let title = match key.kind {
        Kind::Ed25519 | Kind::Ed448 => format!("{algorithm} Public-Key:"),
        _ => format!("Public-Key: ({} bit)", key.bits),
    };
    lines.push(format!("    {title}"));
    let parameters = info.algorithm.parameters.as_ref();
    let numbers = match &key.kind {
        Kind::Rsa | Kind::RsaPss => rsa(key, parameters),
        Kind::Dsa => dsa(key, parameters),
        Kind::Ec(curve) => ec(key, curve, parameters),
        Kind::Ed25519 | Kind::Ed448 | Kind::Other(_) => Some(number("pub", &key.bytes)),
    };
    let numbers = numbers.unwrap_or_else(|| number("pub", &key.bytes));
    lines.extend(numbers.into_iter().map(|line| format!("    {line}")));
    lines
}

fn number(name: &str, bytes: &[u8]) -> Vec<String> {
    let digits = hex(bytes, WIDTH).into_iter().map(|line| format!("    {line}"));
    std::iter::once(format!("{name}:")).chain(digits).collect()
}

fn rsa(key: &Key, parameters: Option<&Any<'_>>) -> Option<Vec<String>> {
    let (_, read) = RSAPublicKey::from_der(&key.bytes).ok()?;
    let mut lines = number("Modulus", read.modulus);
    let exponent = integer(read.exponent);
    let digits = crate::certificates::alternative::hex(read.exponent).replace(':', "");
    lines.push(format!("Exponent: {exponent} (0x{})", digits.trim_start_matches('0')));
    if key.kind == Kind::RsaPss {
        match parameters.filter(|any| any.tag() == Tag::Sequence) {
            None => lines.push("No PSS parameter restrictions".into()),
            Some(any) => {
                lines.push("PSS parameter restrictions:".into());
                lines.extend(pss_parameters(any).into_iter().map(|line| format!("  {line}")));
            }
        }
    }
    Some(lines)
}

fn dsa(key: &Key, parameters: Option<&Any<'_>>) -> Option<Vec<String>> {
    let (_, public) = Any::from_der(&key.bytes).ok()?;
    let mut lines = number("pub", public.data);
    let numbers = parameters.map(|any| children(any.data)).unwrap_or_default();
    for (name, one) in ["P", "Q", "G"].iter().zip(&numbers) {
        lines.extend(number(name, one.data));
    }
    Some(lines)
}

fn ec(key: &Key, curve: &str, parameters: Option<&Any<'_>>) -> Option<Vec<String>> {
    let mut lines = number("pub", &key.bytes);
    let parameters = parameters?;
    if parameters.tag() == Tag::Sequence {
        lines.extend(explicit(&children(parameters.data))?);
        return Some(lines);
    }
    let (name, nist) = match curve {
        "P-192" => ("prime192v1", true),
        "P-224" => ("secp224r1", true),
        "P-256" => ("prime256v1", true),
        "P-384" => ("secp384r1", true),
        "P-521" => ("secp521r1", true),
        other => (other, false),
    };
    lines.push(format!("ASN1 OID: {name}"));
    if nist {
        lines.push(format!("NIST CURVE: {curve}"));
    }
    Some(lines)
}

/// A curve by its numbers (X9.62; RFC 5480 forbids it).
fn explicit(parts: &[Any<'_>]) -> Option<Vec<String>> {
    let field = children(parts.get(1)?.data);
    let curve = children(parts.get(2)?.data);
    let mut lines = Vec::new();
    let is_prime = field.first().is_some_and(|id| super::oid(id) == "1.2.840.10045.1.1");
    lines.push(format!(
        "Field Type: {}",
        if is_prime { "prime-field" } else { "characteristic-two-field" }
    ));
    lines.extend(number(if is_prime { "Prime" } else { "Polynomial" }, field.get(1)?.data));
    lines.extend(number("A", &unsigned(curve.first()?.data)));
    lines.extend(number("B", &unsigned(curve.get(1)?.data)));
    lines.extend(number("Generator (uncompressed)", parts.get(3)?.data));
    lines.extend(number("Order", parts.get(4)?.data));
    let cofactor = parts.get(5).map(|one| integer(one.data));
    lines.extend(cofactor.map(|one| format!("Cofactor:  {one} (0x{one})")));
    let seed = curve.get(2).and_then(|bits| bits.data.split_first());
    lines.extend(seed.map(|(_, bits)| number("Seed", bits)).unwrap_or_default());
    Some(lines)
}

/// With the zero that an INTEGER would have.
fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let is_high = bytes.first().is_some_and(|first| first & 0x80 != 0);
    is_high.then_some(0).into_iter().chain(bytes.iter().copied()).collect()
}

/// DSA's two numbers (RFC 3279, 2.2.2).
pub(super) fn dsa_signature(der: &[u8]) -> Option<Vec<String>> {
    let (_, any) = Any::from_der(der).ok()?;
    match children(any.data).as_slice() {
        [r, s] => Some([number("r", r.data), number("s", s.data)].concat()),
        _ => None,
    }
}
