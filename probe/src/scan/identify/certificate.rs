//! The names in a certificate (RFC 5280): read as they stand, nothing is checked.

use super::bytes::Bytes;

const SEQUENCE: u8 = 0x30;
const DNS_NAME: u8 = 0x82;
const COMMON_NAME: [u8; 3] = [0x55, 4, 3];
const ORGANIZATION: [u8; 3] = [0x55, 4, 10];
const SUBJECT_ALT_NAME: [u8; 3] = [0x55, 29, 17];

/// Host names first, then the subject's common name.
pub(super) fn names(certificate: &[u8]) -> Vec<&[u8]> {
    let Some(parts) = Parts::read(certificate) else { return Vec::new() };
    let mut names = parts.host_names().unwrap_or_default();
    names.extend(parts.subject(COMMON_NAME));
    names
}

/// Signed by the cluster, a kubelet's is of `system:nodes`; signed by itself, its name has the
/// second of its birth: `node-1@1732320000`.
pub(super) fn is_kubelets(certificate: &[u8]) -> bool {
    let Some(parts) = Parts::read(certificate) else { return false };
    let has_birth = |name: &[u8]| {
        let at = name.iter().rposition(|byte| *byte == b'@');
        at.is_some_and(|at| {
            let digits = &name[at + 1..];
            digits.len() == 10 && digits.iter().all(u8::is_ascii_digit)
        })
    };
    parts.subject(ORGANIZATION) == Some(b"system:nodes")
        || parts.subject(COMMON_NAME).is_some_and(has_birth)
}

struct Parts<'a> {
    subject: Bytes<'a>,
    /// Behind the subject: the key, unique identifiers, extensions.
    rest: Bytes<'a>,
}

impl<'a> Parts<'a> {
    fn read(certificate: &'a [u8]) -> Option<Self> {
        let mut signed = Bytes::new(certificate).tagged(SEQUENCE)?.tagged(SEQUENCE)?;
        let mut ahead = signed;
        if ahead.ber()?.0 == 0xa0 {
            signed = ahead;
        }
        // Serial number, algorithm, issuer, validity.
        for _ in 0..4 {
            signed.ber()?;
        }
        let subject = signed.tagged(SEQUENCE)?;
        Some(Self { subject, rest: signed })
    }

    fn subject(&self, wanted: [u8; 3]) -> Option<&'a [u8]> {
        let mut sets = self.subject;
        while let Some(mut set) = sets.tagged(0x31) {
            let mut pair = set.tagged(SEQUENCE)?;
            if pair.tagged(0x06)?.rest() == wanted {
                return pair.ber().map(|(_, value)| value.rest());
            }
        }
        None
    }

    fn host_names(&self) -> Option<Vec<&'a [u8]>> {
        let mut rest = self.rest;
        let mut extensions = loop {
            match rest.ber()? {
                (0xa3, mut inside) => break inside.tagged(SEQUENCE)?,
                _ => continue,
            }
        };
        loop {
            let mut extension = extensions.tagged(SEQUENCE)?;
            if extension.tagged(0x06)?.rest() != SUBJECT_ALT_NAME {
                continue;
            }
            let (mut tag, mut value) = extension.ber()?;
            if tag == 0x01 {
                (tag, value) = extension.ber()?;
            }
            let mut list = (tag == 0x04).then_some(value)?.tagged(SEQUENCE)?;
            let names = std::iter::from_fn(move || list.ber());
            return Some(names.filter(|one| one.0 == DNS_NAME).map(|one| one.1.rest()).collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn certificate(hosts: &[&str], subject: &[(DnType, &str)]) -> Vec<u8> {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, value) in subject {
            params.distinguished_name.push(kind.clone(), *value);
        }
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn names_are_read_from_the_certificate() {
        let both = certificate(&["a.example", "b.example"], &[(DnType::CommonName, "c")]);
        assert_eq!(names(&both), [&b"a.example"[..], b"b.example", b"c"]);
        assert_eq!(names(&certificate(&[], &[(DnType::CommonName, "c")])), [b"c"]);
        assert!(names(&both[..40]).is_empty());
        assert!(names(b"\x30\x84\xff\xff\xff\xff").is_empty());
    }

    #[test]
    fn a_kubelet_has_a_subject_of_its_own() {
        let signed = [
            (DnType::OrganizationName, "system:nodes"),
            (DnType::CommonName, "system:node:node-1"),
        ];
        assert!(is_kubelets(&certificate(&["node-1"], &signed)));
        assert!(is_kubelets(&certificate(
            &["node-1"],
            &[(DnType::CommonName, "node-1@1732320000")]
        )));
        assert!(!is_kubelets(&certificate(&["a"], &[(DnType::CommonName, "mail@example")])));
    }
}
