//! Distinguished names: `C=US, O=Let's Encrypt, CN=R11`.

use netdiag_wire::Untrusted;
use serde::{Serialize, Serializer};
use x509_parser::{
    asn1_rs::{Any, FromDer, Tag},
    x509::{AttributeTypeAndValue, X509Name},
};

/// A name as it is compared (its DER) and as people read it (escaped).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Name {
    pub(crate) der: Vec<u8>,
    pub(crate) text: String,
    /// The last CN.
    pub(crate) common: Option<Untrusted>,
}

impl Name {
    pub(super) fn of(name: &X509Name<'_>) -> Self {
        let common = name.iter_common_name().last().map(|cn| string(cn.attr_value()));
        Self { der: name.as_raw().to_vec(), text: text(name), common }
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// Names alone, in DER, as a CertificateRequest lists those of CAs (RFC 8446, section 4.2.4).
pub(crate) fn of_authorities(names: &[Untrusted]) -> Vec<String> {
    let of = |der: &Untrusted| match X509Name::from_der(der.as_bytes()) {
        Ok(([], name)) => text(&name),
        Ok(_) | Err(_) => "a name that cannot be decoded".into(),
    };
    names.iter().map(of).collect()
}

fn one(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    let value = string(attribute.attr_value()).to_string();
    format!("{}={}", short(&oid).unwrap_or(&oid), quoted(&value))
}

/// The attributes of one RDN, which are in no order.
pub(super) fn attributes(mut der: &[u8]) -> String {
    let mut shown = Vec::new();
    while let Ok((rest, attribute)) = AttributeTypeAndValue::from_der(der) {
        shown.push(one(&attribute));
        der = rest;
    }
    shown.join(" + ")
}

/// As `openssl x509` prints it with one line a name: ` + ` joins the parts of one RDN.
fn text(name: &X509Name<'_>) -> String {
    let rdns = name.iter().map(|rdn| rdn.iter().map(one).collect::<Vec<_>>().join(" + "));
    rdns.collect::<Vec<_>>().join(", ")
}

/// A value that could be read as more than one is put in quotes (RFC 1779).
fn quoted(value: &str) -> String {
    let is_odd = value.contains([',', '+', '"', '<', '>', ';'])
        || value.starts_with([' ', '#'])
        || value.ends_with(' ');
    if is_odd { format!("\"{}\"", value.replace('"', "\\\"")) } else { value.to_owned() }
}

/// A string of any of ASN.1's types.
pub(super) fn string(value: &Any<'_>) -> Untrusted {
    let bytes = value.data;
    match value.tag() {
        Tag::BmpString => {
            let units =
                bytes.chunks(2).map(|pair| pair.iter().fold(0, |n, b| n << 8 | u16::from(*b)));
            char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect::<String>().into()
        }
        Tag::UniversalString => {
            let points =
                bytes.chunks(4).map(|four| four.iter().fold(0, |n, b| n << 8 | u32::from(*b)));
            points.map(|c| char::from_u32(c).unwrap_or('\u{fffd}')).collect::<String>().into()
        }
        // T.61 in name: everybody writes Latin-1.
        Tag::T61String => bytes.iter().copied().map(char::from).collect::<String>().into(),
        _ => bytes.to_vec().into(),
    }
}

/// RFC 4519 and those that openssl knows.
fn short(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "street",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "title",
        "2.5.4.13" => "description",
        "2.5.4.15" => "businessCategory",
        "2.5.4.16" => "postalAddress",
        "2.5.4.17" => "postalCode",
        "2.5.4.18" => "postOfficeBox",
        "2.5.4.20" => "telephoneNumber",
        "2.5.4.41" => "name",
        "2.5.4.42" => "GN",
        "2.5.4.43" => "initials",
        "2.5.4.44" => "generationQualifier",
        "2.5.4.45" => "x500UniqueIdentifier",
        "2.5.4.46" => "dnQualifier",
        "2.5.4.65" => "pseudonym",
        "2.5.4.97" => "organizationIdentifier",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        "1.2.840.113549.1.9.2" => "unstructuredName",
        "1.2.840.113549.1.9.8" => "unstructuredAddress",
        "1.3.6.1.4.1.311.60.2.1.1" => "jurisdictionL",
        "1.3.6.1.4.1.311.60.2.1.2" => "jurisdictionST",
        "1.3.6.1.4.1.311.60.2.1.3" => "jurisdictionC",
        _ => return None,
    })
}
