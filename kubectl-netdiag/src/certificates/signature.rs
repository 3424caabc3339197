//! Signatures on certificates: by which algorithm, and whether a key made one.

use aws_lc_rs::signature::{self as aws, UnparsedPublicKey, VerificationAlgorithm};
use x509_parser::{asn1_rs::Any, signature_algorithm::RsaSsaPssParams, x509::AlgorithmIdentifier};

use super::key::{Key, Kind};

/// RSASSA-PSS, whose parameters matter.
const PSS: &str = "1.2.840.113549.1.1.10";

/// A certificate's signature and what it signs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Signature {
    /// As openssl names it (`ecdsa-with-SHA256`), else its OID.
    pub(crate) name: String,
    oid: String,
    /// SHA-2's bits of a PSS signature.
    pss: Option<u16>,
    pub(crate) bytes: Vec<u8>,
    /// To-be-signed part, in DER.
    signed: Vec<u8>,
}

/// What became of checking a signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Checked {
    Good,
    /// Another key made it, or what is signed was changed.
    Bad,
    /// An algorithm that is not known here.
    Unknown,
}

impl Signature {
    pub(super) fn of(algorithm: &AlgorithmIdentifier<'_>, bytes: &[u8], signed: &[u8]) -> Self {
        let oid = algorithm.algorithm.to_id_string();
        let name = name(&oid).map_or_else(|| oid.clone(), str::to_owned);
        Self { name, pss: pss(algorithm), oid, bytes: bytes.to_vec(), signed: signed.to_vec() }
    }

    /// A digest in which collisions are made (RFC 9155; CA/Browser Forum 7.1.3.2).
    pub(crate) fn is_weak(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        ["md2", "md4", "md5", "sha1"].iter().any(|digest| name.contains(digest))
    }

    /// Whether `key` made it.
    pub(crate) fn check(&self, key: &Key) -> Checked {
        let Some(algorithm) = self.algorithm(key) else { return Checked::Unknown };
        match UnparsedPublicKey::new(algorithm, &key.bytes).verify(&self.signed, &self.bytes) {
            Ok(()) => Checked::Good,
            Err(_) => Checked::Bad,
        }
    }

    fn algorithm(&self, key: &Key) -> Option<&'static dyn VerificationAlgorithm> {
        match (self.oid.as_str(), &key.kind) {
            ("1.3.101.112", Kind::Ed25519) => Some(&aws::ED25519),
            (PSS, Kind::Rsa | Kind::RsaPss) if key.bits >= 2048 => match self.pss? {
                256 => Some(&aws::RSA_PSS_2048_8192_SHA256),
                384 => Some(&aws::RSA_PSS_2048_8192_SHA384),
                512 => Some(&aws::RSA_PSS_2048_8192_SHA512),
                _ => None,
            },
            (oid, Kind::Rsa) => rsa(oid),
            (oid, Kind::Ec(curve)) => ecdsa(oid, curve),
            _ => None,
        }
    }
}

fn rsa(oid: &str) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match oid {
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => {
            &aws::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY
        }
        "1.2.840.113549.1.1.11" => &aws::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        "1.2.840.113549.1.1.12" => &aws::RSA_PKCS1_2048_8192_SHA384,
        "1.2.840.113549.1.1.13" => &aws::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        _ => return None,
    })
}

fn ecdsa(oid: &str, curve: &str) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (curve, oid) {
        ("P-256", "1.2.840.10045.4.3.2") => &aws::ECDSA_P256_SHA256_ASN1,
        ("P-256", "1.2.840.10045.4.3.3") => &aws::ECDSA_P256_SHA384_ASN1,
        ("P-384", "1.2.840.10045.4.3.2") => &aws::ECDSA_P384_SHA256_ASN1,
        ("P-384", "1.2.840.10045.4.3.3") => &aws::ECDSA_P384_SHA384_ASN1,
        ("P-521", "1.2.840.10045.4.3.4") => &aws::ECDSA_P521_SHA512_ASN1,
        ("P-521", "1.2.840.10045.4.3.3") => &aws::ECDSA_P521_SHA384_ASN1,
        ("P-521", "1.2.840.10045.4.3.2") => &aws::ECDSA_P521_SHA256_ASN1,
        _ => return None,
    })
}

fn pss(algorithm: &AlgorithmIdentifier<'_>) -> Option<u16> {
    if algorithm.algorithm.to_id_string() != PSS {
        return None;
    }
    let parameters = RsaSsaPssParams::try_from(algorithm.parameters.as_ref()?).ok()?;
    match parameters.hash_algorithm_oid().to_id_string().as_str() {
        "2.16.840.1.101.3.4.2.1" => Some(256),
        "2.16.840.1.101.3.4.2.2" => Some(384),
        "2.16.840.1.101.3.4.2.3" => Some(512),
        _ => None,
    }
}

fn name(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "1.2.840.113549.1.1.2" => "md2WithRSAEncryption",
        "1.2.840.113549.1.1.3" => "md4WithRSAEncryption",
        "1.2.840.113549.1.1.4" => "md5WithRSAEncryption",
        "1.2.840.113549.1.1.5" => "sha1WithRSAEncryption",
        "1.2.840.113549.1.1.10" => "rsassaPss",
        "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption",
        "1.2.840.113549.1.1.12" => "sha384WithRSAEncryption",
        "1.2.840.113549.1.1.13" => "sha512WithRSAEncryption",
        "1.2.840.113549.1.1.14" => "sha224WithRSAEncryption",
        "1.3.14.3.2.29" => "sha1WithRSA",
        "1.2.840.10040.4.3" => "dsaWithSHA1",
        "2.16.840.1.101.3.4.3.1" => "dsa_with_SHA224",
        "2.16.840.1.101.3.4.3.2" => "dsa_with_SHA256",
        "2.16.840.1.101.3.4.3.3" => "dsa_with_SHA384",
        "2.16.840.1.101.3.4.3.4" => "dsa_with_SHA512",
        "1.2.840.10045.4.1" => "ecdsa-with-SHA1",
        "1.2.840.10045.4.3.1" => "ecdsa-with-SHA224",
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256",
        "1.2.840.10045.4.3.3" => "ecdsa-with-SHA384",
        "1.2.840.10045.4.3.4" => "ecdsa-with-SHA512",
        "2.16.840.1.101.3.4.3.9" => "ecdsa_with_SHA3-224",
        "2.16.840.1.101.3.4.3.10" => "ecdsa_with_SHA3-256",
        "2.16.840.1.101.3.4.3.11" => "ecdsa_with_SHA3-384",
        "2.16.840.1.101.3.4.3.12" => "ecdsa_with_SHA3-512",
        "2.16.840.1.101.3.4.3.13" => "RSA-SHA3-224",
        "2.16.840.1.101.3.4.3.14" => "RSA-SHA3-256",
        "2.16.840.1.101.3.4.3.15" => "RSA-SHA3-384",
        "2.16.840.1.101.3.4.3.16" => "RSA-SHA3-512",
        "1.3.101.112" => "ED25519",
        "1.3.101.113" => "ED448",
        _ => return None,
    })
}

/// What openssl prints below a signature algorithm: something only of RSASSA-PSS.
pub(super) fn parameters(algorithm: &AlgorithmIdentifier<'_>) -> Vec<String> {
    let is_pss = algorithm.algorithm.to_id_string() == PSS;
    algorithm.parameters.as_ref().filter(|_| is_pss).map(pss_parameters).unwrap_or_default()
}

/// RFC 4055, 3.1, with its defaults.
pub(super) fn pss_parameters(any: &Any<'_>) -> Vec<String> {
    let Ok(read) = RsaSsaPssParams::try_from(any) else {
        return vec![super::alternative::hex(any.data)];
    };
    let digest = |oid: &str| digest(oid).map_or_else(|| oid.to_owned(), str::to_owned);
    let hash = digest(&read.hash_algorithm_oid().to_id_string());
    let mask = read
        .mask_gen_algorithm()
        .map_or_else(|_| "?".into(), |mask| digest(&mask.hash.to_id_string()));
    vec![
        format!("Hash Algorithm: {hash}"),
        format!("Mask Algorithm: mgf1 with {mask}"),
        format!("Salt Length: {:#04X}", read.salt_length()).replace("0X", "0x"),
        format!("Trailer Field: {:#04x}", read.trailer_field()),
    ]
}

fn digest(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "1.3.14.3.2.26" => "sha1",
        "2.16.840.1.101.3.4.2.1" => "sha256",
        "2.16.840.1.101.3.4.2.2" => "sha384",
        "2.16.840.1.101.3.4.2.3" => "sha512",
        "2.16.840.1.101.3.4.2.4" => "sha224",
        _ => return None,
    })
}
