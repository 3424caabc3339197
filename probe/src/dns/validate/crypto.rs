//! Signatures and digests of DNSSEC, by the library that rustls uses as well.

use aws_lc_rs::{
    digest,
    signature::{
        self, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RsaPublicKeyComponents, UnparsedPublicKey,
    },
};

/// IANA's "DNS Security Algorithm Numbers", in its words.
pub(super) fn algorithm_name(algorithm: u8) -> String {
    let word = match algorithm {
        1 => "RSAMD5",
        3 => "DSA",
        5 => "RSASHA1",
        6 => "DSA-NSEC3-SHA1",
        7 => "RSASHA1-NSEC3-SHA1",
        8 => "RSASHA256",
        10 => "RSASHA512",
        12 => "ECC-GOST",
        13 => "ECDSAP256SHA256",
        14 => "ECDSAP384SHA384",
        15 => "ED25519",
        16 => "ED448",
        other => return format!("algorithm {other}"),
    };
    word.into()
}

/// Those that RFC 8624 wants of every validator; SHA-1 is none of them any more.
pub(super) fn is_known(algorithm: u8) -> bool {
    matches!(algorithm, 8 | 10 | 13 | 14 | 15)
}

pub(super) fn is_known_digest(kind: u8) -> bool {
    matches!(kind, 1 | 2 | 4)
}

/// Of a key or a signature whose algorithm is not known: false.
pub(super) fn verifies(algorithm: u8, key: &[u8], signed: &[u8], signature: &[u8]) -> bool {
    let rsa = |parameters| match rsa_key(key) {
        Some(key) => key.verify(parameters, signed, signature).is_ok(),
        None => false,
    };
    // SEC 1's mark of an uncompressed point is left out in DNSKEY (RFC 6605, section 4).
    let point = || [&[4], key].concat();
    let by = |parameters, key: &[u8]| {
        UnparsedPublicKey::new(parameters, key).verify(signed, signature).is_ok()
    };
    match algorithm {
        8 => rsa(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
        10 => rsa(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
        13 => by(&signature::ECDSA_P256_SHA256_FIXED, &point()),
        14 => by(&signature::ECDSA_P384_SHA384_FIXED, &point()),
        15 => UnparsedPublicKey::new(&signature::ED25519, key).verify(signed, signature).is_ok(),
        _ => false,
    }
}

/// RFC 3110, section 2: the exponent's length in one byte, or in two behind a zero.
fn rsa_key(key: &[u8]) -> Option<RsaPublicKeyComponents<&[u8]>> {
    let (length, rest) = match key {
        [0, high, low, rest @ ..] => (usize::from(*high) << 8 | usize::from(*low), rest),
        [length, rest @ ..] => (usize::from(*length), rest),
        [] => return None,
    };
    let (e, n) = rest.split_at_checked(length)?;
    let zeros = n.iter().take_while(|byte| **byte == 0).count();
    Some(RsaPublicKeyComponents { e, n: &n[zeros..] })
}

/// Of a DS record, by IANA's number of the digest.
pub(super) fn ds_digest(kind: u8, bytes: &[u8]) -> Option<Vec<u8>> {
    let algorithm = match kind {
        1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        2 => &digest::SHA256,
        4 => &digest::SHA384,
        _ => return None,
    };
    Some(digest::digest(algorithm, bytes).as_ref().to_vec())
}

/// RFC 5155, section 5: the hash of a name's canonical form.
pub(super) fn nsec3_hash(name: &[u8], salt: &[u8], iterations: u16) -> Vec<u8> {
    let hash = |bytes: &[u8]| digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    let mut hashed = hash(&[name, salt].concat());
    for _ in 0..iterations {
        hashed = hash(&[hashed.as_ref(), salt].concat());
    }
    hashed.as_ref().to_vec()
}
