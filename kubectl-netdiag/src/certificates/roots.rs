//! Whom to trust: Mozilla's list, or the certificates that the caller names.

use x509_parser::{prelude::FromDer, x509::SubjectPublicKeyInfo};

use super::{
    Certificate,
    key::Key,
    signature::{Checked, Signature},
};

/// The CAs that a chain may end at.
#[derive(Clone, Debug)]
pub(crate) enum Roots {
    /// What Mozilla ships, as of this release of the plugin.
    Mozilla,
    /// `--ca-file`, and what it is called where it is told.
    Own { name: String, certificates: Vec<Certificate> },
}

/// Who of the roots signed a certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Signer {
    /// As people read its name.
    Trusted(String),
    /// A root of that name, whose key did not make the signature.
    OtherKey,
    Nobody,
}

impl Roots {
    /// `the public CAs (Mozilla's list)`, `secret/shop-ca`.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Mozilla => "the public CAs (Mozilla's list)",
            Self::Own { name, .. } => name,
        }
    }

    pub(crate) fn holds(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Mozilla => public(&certificate.subject.der)
                .any(|key| key.is_some_and(|key| key.der == certificate.key.der)),
            Self::Own { certificates, .. } => {
                certificates.iter().any(|root| root.der == certificate.der)
            }
        }
    }

    /// Who signed `certificate`, by the name of its issuer and by its key.
    pub(crate) fn signer(&self, certificate: &Certificate) -> Signer {
        let issuer = &certificate.issuer;
        let signature = &certificate.signature;
        match self {
            Self::Mozilla => found(public(&issuer.der).flatten(), signature, &issuer.text),
            Self::Own { certificates, .. } => {
                let named = certificates.iter().filter(|root| root.subject.der == issuer.der);
                found(named.map(|root| root.key.clone()), signature, &issuer.text)
            }
        }
    }
}

fn found(keys: impl Iterator<Item = Key>, signature: &Signature, name: &str) -> Signer {
    let mut signer = Signer::Nobody;
    for key in keys {
        match signature.check(&key) {
            Checked::Good | Checked::Unknown => return Signer::Trusted(name.to_owned()),
            Checked::Bad => signer = Signer::OtherKey,
        }
    }
    signer
}

/// The keys of the public CAs of that name (DER); none where one cannot be read.
fn public(name: &[u8]) -> impl Iterator<Item = Option<Key>> {
    let inside = content(name).to_vec();
    let named = webpki_roots::TLS_SERVER_ROOTS.iter();
    let named = named.filter(move |anchor| anchor.subject.as_ref() == inside);
    named.map(|anchor| {
        let der = sequence(anchor.subject_public_key_info.as_ref());
        let info = SubjectPublicKeyInfo::from_der(&der).ok();
        info.map(|(_, info)| Key::of(&info))
    })
}

/// What is in a SEQUENCE: webpki's anchors leave its tag and length out.
fn content(der: &[u8]) -> &[u8] {
    let header = match der.get(1) {
        Some(length) if *length >= 0x80 => 2 + usize::from(length & 0x7f),
        _ => 2,
    };
    der.get(header..).unwrap_or_default()
}

fn sequence(content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut der = vec![0x30];
    match content.len() {
        short @ 0..0x80 => der.push(u8::try_from(short).unwrap_or_default()),
        _ => {
            der.push(0x80 | u8::try_from(length.len()).unwrap_or_default());
            der.extend_from_slice(length);
        }
    }
    der.extend_from_slice(content);
    der
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_public_ca_has_a_key_that_is_read() {
        let mut kinds = std::collections::BTreeSet::new();
        for anchor in webpki_roots::TLS_SERVER_ROOTS {
            let name = sequence(anchor.subject.as_ref());
            for key in public(&name) {
                let key = key.unwrap();
                assert!(!key.is_short(), "{key}");
                kinds.insert(key.to_string());
            }
        }
        assert!(kinds.contains("RSA 4096") && kinds.contains("EC P-384"), "{kinds:?}");
    }
}
