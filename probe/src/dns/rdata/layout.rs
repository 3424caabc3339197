//! What the data of each type are made of.

use netdiag_wire::dns::{Class, RecordType};

/// One part of a record's data.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field {
    U8,
    U16,
    U32,
    Ipv4,
    Ipv6,
    /// May be compressed (RFC 1035, and those that RFC 3597 has receivers read so).
    Name,
    PlainName,
    /// A `<character-string>`.
    Text,
    /// As many as there are, but one.
    Texts,
    /// The rest is one text.
    LongText,
    /// A `<character-string>` without quotes.
    Word,
    Base64,
    Hex,
    /// In hexadecimal behind its length; `-` is an empty one.
    Salt,
    /// In base32 behind its length.
    Hash,
    Type,
    /// A bitmap (RFC 4034, section 4.1.2).
    Types,
    Time,
    CertificateType,
    Algorithm,
    /// Octets between dashes.
    Eui(usize),
    /// 64 bits between colons.
    Locator,
    Nsap,
    Location,
    Services,
    Prefixes,
    SvcParams,
    Hip,
    IpsecGateway,
    Relay,
    /// Base64; `-` is none.
    Payload,
}

/// `None`: of no type that we know.
pub(super) fn layout(kind: RecordType, class: Class) -> Option<&'static [Field]> {
    type T = RecordType;
    use Field::*;
    Some(match kind {
        T::NS | T::CNAME | T::PTR | T::MB | T::MD | T::MF | T::MG | T::MR => &[Name],
        T::DNAME => &[PlainName],
        T::SOA => &[Name, Name, U32, U32, U32, U32, U32],
        T::MX | T::RT | T::AFSDB => &[U16, Name],
        T::LP => &[U16, PlainName],
        T::MINFO | T::RP => &[Name, Name],
        T::TALINK => &[PlainName, PlainName],
        T::TXT | T::SPF | T::AVC | T::NINFO | T::RESINFO | T::WALLET => &[Texts],
        T::HINFO => &[Text, Text],
        T::X25 => &[Text],
        T::ISDN => &[Texts],
        T::GPOS => &[Text, Text, Text],
        T::NAPTR => &[U16, U16, Text, Text, Text, Name],
        T::URI => &[U16, U16, LongText],
        T::CAA => &[U8, Word, LongText],
        T::DS | T::CDS | T::DLV | T::TA => &[U16, U8, U8, Hex],
        T::DNSKEY | T::CDNSKEY | T::KEY | T::RKEY => &[U16, U8, U8, Base64],
        T::RRSIG => &[Type, U8, U8, U32, Time, Time, U16, PlainName, Base64],
        T::SIG => &[Type, U8, U8, U32, Time, Time, U16, Name, Base64],
        T::NSEC => &[PlainName, Types],
        T::NSEC3 => &[U8, U8, U16, Salt, Hash, Types],
        T::NSEC3PARAM => &[U8, U8, U16, Salt],
        T::CSYNC => &[U32, U16, Types],
        T::ZONEMD => &[U32, U8, U8, Hex],
        T::TLSA | T::SMIMEA => &[U8, U8, U8, Hex],
        T::SSHFP => &[U8, U8, Hex],
        T::CERT => &[CertificateType, U16, Algorithm, Base64],
        T::OPENPGPKEY => &[Base64],
        T::SINK => &[U8, U8, U8, Base64],
        T::LOC => &[Location],
        T::EUI48 => &[Eui(6)],
        T::EUI64 => &[Eui(8)],
        T::NID | T::L64 => &[U16, Locator],
        T::L32 => &[U16, Ipv4],
        T::HIP => &[Hip],
        T::IPSECKEY => &[U8, IpsecGateway],
        T::DOA => &[U32, U32, U8, Text, Payload],
        T::AMTRELAY => &[U8, Relay],
        _ if class == Class::IN => of_internet(kind)?,
        _ => return None,
    })
}

/// Types that other classes may define in another way.
fn of_internet(kind: RecordType) -> Option<&'static [Field]> {
    type T = RecordType;
    use Field::*;
    Some(match kind {
        T::A => &[Ipv4],
        T::AAAA => &[Ipv6],
        T::WKS => &[Ipv4, Services],
        T::SRV => &[U16, U16, U16, Name],
        T::KX => &[U16, Name],
        T::PX => &[U16, Name, Name],
        T::NSAP => &[Nsap],
        T::EID | T::NIMLOC => &[Hex],
        T::NSAP_PTR => &[Name],
        T::APL => &[Prefixes],
        T::DHCID => &[Base64],
        T::SVCB | T::HTTPS => &[U16, PlainName, SvcParams],
        _ => return None,
    })
}
