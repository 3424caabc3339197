//! One certificate as owned values.

use netdiag_wire::Untrusted;
use serde::Serialize;
use x509_parser::{
    certificate::X509Certificate,
    extensions::{GeneralSubtree, ParsedExtension as Parsed},
    prelude::FromDer,
};

use super::{Moment, alternative::Alternative, key::Key, name::Name, signature::Signature};

/// What a certificate says, and its bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Certificate {
    pub(crate) der: Vec<u8>,
    /// 1 to 3.
    pub(crate) version: u32,
    /// The integer's content, big-endian, two's complement.
    pub(crate) serial: Vec<u8>,
    pub(crate) subject: Name,
    pub(crate) issuer: Name,
    pub(crate) not_before: Moment,
    pub(crate) not_after: Moment,
    /// Subject alternative names.
    pub(crate) names: Vec<Alternative>,
    pub(crate) key: Key,
    pub(crate) signature: Signature,
    pub(crate) limits: Limits,
}

/// What the extensions allow the key to do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Limits {
    /// basicConstraints: CA:TRUE.
    pub(crate) is_ca: bool,
    /// How many further CAs may follow below.
    pub(crate) path_length: Option<u32>,
    /// keyUsage has keyCertSign, or there is no keyUsage.
    pub(crate) may_sign: bool,
    /// extendedKeyUsage has serverAuth or any, or there is no extendedKeyUsage.
    pub(crate) may_serve: bool,
    pub(crate) permitted: Vec<Alternative>,
    pub(crate) excluded: Vec<Alternative>,
    /// Embedded SCTs, or a policy of the CA/Browser Forum: only public CAs write these.
    pub(crate) is_public: bool,
    /// A critical extension that nobody here understands.
    pub(crate) unknown_critical: Option<String>,
}

/// DER that is no certificate.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Undecodable(String);

impl Certificate {
    /// Decodes one certificate; bytes behind it are refused.
    pub(crate) fn parse(der: &[u8]) -> Result<Self, Undecodable> {
        let (rest, read) = X509Certificate::from_der(der).map_err(|error| {
            let words = match error {
                x509_parser::nom::Err::Incomplete(_) => "it ends too early".into(),
                x509_parser::nom::Err::Error(why) | x509_parser::nom::Err::Failure(why) => {
                    why.to_string()
                }
            };
            Undecodable(words)
        })?;
        if !rest.is_empty() {
            return Err(Undecodable(format!("{} bytes too many", rest.len())));
        }
        let algorithm = &read.signature_algorithm;
        let signed = read.tbs_certificate.as_ref();
        Ok(Self {
            der: der.to_vec(),
            version: read.version().0.saturating_add(1),
            serial: read.raw_serial().to_vec(),
            subject: Name::of(read.subject()),
            issuer: Name::of(read.issuer()),
            not_before: Moment(read.validity().not_before.timestamp()),
            not_after: Moment(read.validity().not_after.timestamp()),
            names: names(&read),
            key: Key::of(read.public_key()),
            signature: Signature::of(algorithm, &read.signature_value.data, signed),
            limits: limits(&read),
        })
    }

    pub(crate) fn is_self_issued(&self) -> bool {
        self.subject.der == self.issuer.der
    }

    /// The identity that a mesh gave it (SPIFFE X.509-SVID, section 2).
    pub(crate) fn spiffe(&self) -> Option<String> {
        self.names.iter().find_map(|name| match name {
            Alternative::Uri(uri) if uri.as_bytes().starts_with(b"spiffe://") => {
                Some(uri.to_string())
            }
            _ => None,
        })
    }

    /// `7b:11:04:9c`; a leading zero byte is a sign, no digit.
    pub(crate) fn serial_text(&self) -> String {
        let digits = match self.serial.as_slice() {
            [0, rest @ ..] if !rest.is_empty() => rest,
            all => all,
        };
        super::alternative::hex(digits)
    }

    /// SHA-256 over the DER, in hexadecimal digits.
    pub(crate) fn fingerprint(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.der);
        super::alternative::hex(digest.as_ref()).replace(':', "")
    }

    /// Part of `-o json`.
    pub(crate) fn entry(&self) -> Entry<'_> {
        Entry {
            version: self.version,
            serial: self.serial_text(),
            subject: &self.subject,
            issuer: &self.issuer,
            not_before: self.not_before,
            not_after: self.not_after,
            names: &self.names,
            key: &self.key,
            key_bits: self.key.bits,
            signature: &self.signature.name,
            is_ca: self.limits.is_ca,
            sha256: self.fingerprint(),
            common_name: self.subject.common.as_ref(),
        }
    }
}

/// A certificate as programs read it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry<'a> {
    version: u32,
    serial: String,
    subject: &'a Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    common_name: Option<&'a Untrusted>,
    issuer: &'a Name,
    not_before: Moment,
    not_after: Moment,
    names: &'a [Alternative],
    key: &'a Key,
    key_bits: usize,
    signature: &'a str,
    is_ca: bool,
    sha256: String,
}

fn names(read: &X509Certificate<'_>) -> Vec<Alternative> {
    let all = read.extensions().iter().filter_map(|extension| match extension.parsed_extension() {
        Parsed::SubjectAlternativeName(names) => Some(&names.general_names),
        _ => None,
    });
    all.flatten().map(Alternative::of).collect()
}

fn limits(read: &X509Certificate<'_>) -> Limits {
    let mut limits = Limits { may_sign: true, may_serve: true, ..Limits::default() };
    for extension in read.extensions() {
        match extension.parsed_extension() {
            Parsed::BasicConstraints(basic) => {
                limits.is_ca = basic.ca;
                limits.path_length = basic.path_len_constraint;
            }
            Parsed::KeyUsage(usage) => limits.may_sign = usage.key_cert_sign(),
            Parsed::ExtendedKeyUsage(usage) => limits.may_serve = usage.server_auth || usage.any,
            Parsed::NameConstraints(names) => {
                limits.permitted = subtrees(names.permitted_subtrees.as_deref());
                limits.excluded = subtrees(names.excluded_subtrees.as_deref());
            }
            Parsed::SCT(_) => limits.is_public = true,
            Parsed::CertificatePolicies(policies) => {
                let ids = policies.iter().map(|policy| policy.policy_id.to_id_string());
                limits.is_public |= ids.into_iter().any(|id| id.starts_with("2.23.140.1."));
            }
            Parsed::UnsupportedExtension { .. } | Parsed::ParseError { .. }
                if extension.critical =>
            {
                limits.unknown_critical = Some(extension.oid.to_id_string());
            }
            _ => {}
        }
    }
    limits
}

fn subtrees(trees: Option<&[GeneralSubtree<'_>]>) -> Vec<Alternative> {
    trees.into_iter().flatten().map(|tree| Alternative::of(&tree.base)).collect()
}
