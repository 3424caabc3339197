//! Subject alternative names, and whether one is good for a host.

use std::{fmt, net::IpAddr};

use netdiag_wire::Untrusted;
use serde::{Serialize, Serializer};
use x509_parser::extensions::GeneralName;

use super::name::{Name, string};
use crate::near::distance;

/// One name of a subject or an issuer (RFC 5280, 4.2.1.6).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Alternative {
    Dns(Untrusted),
    Ip(IpAddr),
    /// Network and mask, as name constraints have them.
    Network(IpAddr, IpAddr),
    Uri(Untrusted),
    Email(Untrusted),
    Directory(Name),
    /// `othername`, `Registered ID` and what has no better text.
    Other(&'static str, Untrusted),
}

impl Alternative {
    pub(super) fn of(name: &GeneralName<'_>) -> Self {
        match name {
            GeneralName::DNSName(name) => Self::Dns((*name).into()),
            GeneralName::URI(uri) => Self::Uri((*uri).into()),
            GeneralName::RFC822Name(name) => Self::Email((*name).into()),
            GeneralName::DirectoryName(name) => Self::Directory(Name::of(name)),
            GeneralName::IPAddress(bytes) => address(bytes),
            GeneralName::RegisteredID(oid) => {
                Self::Other("Registered ID", oid.to_id_string().into())
            }
            GeneralName::OtherName(oid, value) => {
                let oid = oid.to_id_string();
                // Microsoft's user principal name.
                let kind = if oid == "1.3.6.1.4.1.311.20.2.3" { "UPN" } else { &oid };
                Self::Other("othername", format!(" {kind}::{}", inner(value)).into())
            }
            GeneralName::X400Address(any) => Self::Other("X400Name", hex(any.data).into()),
            GeneralName::EDIPartyName(any) => Self::Other("EdiPartyName", hex(any.data).into()),
            GeneralName::Invalid(tag, bytes) => {
                Self::Other("invalid", format!("[{}] {}", tag.0, hex(bytes)).into())
            }
        }
    }

    /// Whether a client that wants `host` takes it (RFC 9525): a wildcard stands for one whole label.
    pub(crate) fn covers(&self, host: &str) -> bool {
        match (self, host.parse::<IpAddr>()) {
            (Self::Ip(address), Ok(wanted)) => *address == wanted,
            (Self::Dns(name), Err(_)) => covers(&name.to_string(), host),
            _ => false,
        }
    }
}

fn covers(name: &str, host: &str) -> bool {
    let (name, host) = (name.to_ascii_lowercase(), host.trim_end_matches('.').to_ascii_lowercase());
    match name.strip_prefix("*.") {
        None => name == host,
        Some(rest) => {
            host.split_once('.').is_some_and(|(label, domain)| !label.is_empty() && domain == rest)
        }
    }
}

/// The name that is the least far from `host`, where it may be a typing error or a missing domain.
pub(super) fn nearest<'a>(names: &'a [Alternative], host: &str) -> Option<&'a Alternative> {
    let far = |name: &&Alternative| match name {
        Alternative::Dns(name) => distance(&name.to_string(), host),
        _ => usize::MAX,
    };
    names
        .iter()
        .filter(|name| matches!(name, Alternative::Dns(_)))
        .take(MOST_COMPARED)
        .min_by_key(far)
}

/// A certificate with 10,000 names is not worth as many distances.
const MOST_COMPARED: usize = 500;

fn address(bytes: &[u8]) -> Alternative {
    let ip = |bytes: &[u8]| match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
    };
    let (network, mask) = bytes.split_at(bytes.len() / 2);
    if let Some(address) = ip(bytes).filter(|_| matches!(bytes.len(), 4 | 16)) {
        return Alternative::Ip(address);
    }
    match (ip(network), ip(mask)) {
        (Some(network), Some(mask)) => Alternative::Network(network, mask),
        _ => Alternative::Other("IP Address", format!("<invalid> {}", hex(bytes)).into()),
    }
}

/// The string in `[0] EXPLICIT`, else its bytes.
fn inner(value: &[u8]) -> Untrusted {
    use x509_parser::asn1_rs::{Any, FromDer};
    let explicit = Any::from_der(value).ok();
    let inside = explicit.and_then(|(_, any)| Any::from_der(any.data).ok());
    match inside {
        Some((_, any)) => string(&any),
        None => hex(value).into(),
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// As `openssl x509 -text`: `DNS:checkout.shop.svc`.
impl fmt::Display for Alternative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => write!(f, "DNS:{name}"),
            Self::Ip(address) => write!(f, "IP Address:{address}"),
            Self::Network(network, mask) => write!(f, "IP:{network}/{mask}"),
            Self::Uri(uri) => write!(f, "URI:{uri}"),
            Self::Email(name) => write!(f, "email:{name}"),
            Self::Directory(name) => write!(f, "DirName:{}", name.text),
            Self::Other(kind, value) => write!(f, "{kind}:{value}"),
        }
    }
}

impl Serialize for Alternative {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_label() {
        for (name, host, is_covered) in [
            ("checkout.shop.svc", "Checkout.shop.SVC.", true),
            ("*.shop.svc", "checkout.shop.svc", true),
            ("*.shop.svc", "shop.svc", false),
            ("*.shop.svc", "a.checkout.shop.svc", false),
            ("*.svc", ".svc", false),
            ("w*.svc", "web.svc", false),
            ("10.0.0.1", "10.0.0.1", false),
        ] {
            assert_eq!(Alternative::Dns(name.into()).covers(host), is_covered, "{name} {host}");
        }
        assert!(address(&[10, 0, 0, 1]).covers("10.0.0.1"));
    }
}
