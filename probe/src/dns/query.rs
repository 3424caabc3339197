//! A query as dig would write it.

use std::{io, net::IpAddr};

use netdiag_wire::dns::{Class, Flags, QueryOptions, RecordType};
use rustix::rand::{GetRandomFlags, getrandom};

use super::{
    message::{Asked, Header, Message, Opt, RawRecord},
    name::Name,
    options::{CLIENT_COOKIE, CLIENT_SUBNET, COOKIE, NSID},
    rdata,
};
use crate::ProbeError;

/// One query, ready to be sent under any id.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) asked: Asked,
    pub(super) cookie: Option<Vec<u8>>,
    bytes: Vec<u8>,
}

impl Query {
    pub(super) fn new(asked: &Asked, options: &QueryOptions) -> Result<Self, ProbeError> {
        let cookie = cookie(options)?;
        let flags = Flags {
            rd: !options.no_recurse,
            ad: !options.no_ad,
            cd: options.checking_disabled,
            ..Flags::default()
        };
        let message = Message {
            header: Header { flags, ..Header::default() },
            question: vec![asked.clone()],
            authority: known_version(asked),
            opt: opt(options, cookie.as_deref())?,
            ..Message::default()
        };
        Ok(Self { asked: asked.clone(), cookie, bytes: message.encode() })
    }

    pub(super) fn under(&self, id: u16) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        if let Some(place) = bytes.first_chunk_mut() {
            *place = id.to_be_bytes();
        }
        bytes
    }
}

/// An id that cannot be guessed.
pub(super) fn random_id() -> Result<u16, ProbeError> {
    random().map(u16::from_be_bytes)
}

fn random<const N: usize>() -> Result<[u8; N], ProbeError> {
    let mut bytes = [0; N];
    getrandom(&mut bytes[..], GetRandomFlags::empty())
        .map_err(|cause| ProbeError::Socket("read random bytes", io::Error::from(cause)))?;
    Ok(bytes)
}

fn cookie(options: &QueryOptions) -> Result<Option<Vec<u8>>, ProbeError> {
    if options.no_edns || options.no_cookie {
        return Ok(None);
    }
    match &options.cookie {
        None => random::<CLIENT_COOKIE>().map(|cookie| Some(cookie.to_vec())),
        Some(hex) => {
            let bytes = rdata::from_hex(hex).filter(|bytes| bytes.len() >= CLIENT_COOKIE);
            let bad = || ProbeError::Request("options.cookie: must be 8 to 40 bytes".into());
            bytes.ok_or_else(bad).map(Some)
        }
    }
}

fn opt(options: &QueryOptions, cookie: Option<&[u8]>) -> Result<Option<Opt>, ProbeError> {
    if options.no_edns {
        return Ok(None);
    }
    let mut opt =
        Opt { udp_bytes: options.bufsize, dnssec_ok: options.dnssec_ok, ..Opt::default() };
    if options.nsid {
        opt.options.push((NSID, Vec::new()));
    }
    if let Some(subnet) = &options.subnet {
        let subnet = client_subnet(subnet).ok_or_else(|| {
            ProbeError::Request(format!("options.subnet: {subnet:?}, must be ADDRESS/LENGTH"))
        })?;
        opt.options.push((CLIENT_SUBNET, subnet));
    }
    opt.options.extend(cookie.map(|cookie| (COOKIE, cookie.to_vec())));
    Ok(Some(opt))
}

/// RFC 7871, section 6: no more of the address than the length says.
fn client_subnet(text: &str) -> Option<Vec<u8>> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let (family, bytes) = match address {
        IpAddr::V4(address) => (1u8, address.octets().to_vec()),
        IpAddr::V6(address) => (2, address.octets().to_vec()),
    };
    let most = bytes.len() * 8;
    let length: usize = length.map_or(Some(most), |length| length.parse().ok())?;
    let kept = (length <= most).then(|| length.div_ceil(8))?;
    let mut subnet = vec![0, family, length as u8, 0];
    subnet.extend_from_slice(bytes.get(..kept)?);
    if let Some(last) = subnet.last_mut().filter(|_| !length.is_multiple_of(8)) {
        *last &= 0xff << (8 - length % 8);
    }
    Some(subnet)
}

/// IXFR says which version the client has (RFC 1995, section 3): here none.
fn known_version(asked: &Asked) -> Vec<RawRecord> {
    if asked.kind != RecordType::IXFR {
        return Vec::new();
    }
    let data = [Name::root().wire(), Name::root().wire(), &[0; 20]].concat();
    let name = asked.name.clone();
    vec![RawRecord { name, kind: RecordType::SOA, class: Class(asked.class.0), ttl: 0, data }]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(kind: RecordType, options: &QueryOptions) -> Message {
        let asked = Asked { name: Name::parse("a.b").unwrap().0, kind, class: Class::IN };
        let query = Query::new(&asked, options).unwrap();
        Message::parse(&query.under(0x1234)).unwrap().message
    }

    #[test]
    fn the_defaults_are_digs() {
        let message = parsed(RecordType::A, &QueryOptions::default());
        assert_eq!(message.header.id, 0x1234);
        let wanted = Flags { rd: true, ad: true, ..Flags::default() };
        assert_eq!(message.header.flags, wanted);
        let opt = message.opt.unwrap();
        assert_eq!((opt.udp_bytes, opt.version, opt.dnssec_ok), (1_232, 0, false));
        assert_eq!(opt.options.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [COOKIE]);
        assert_eq!(opt.options[0].1.len(), 8);
    }

    #[test]
    fn every_option_is_in_the_query() {
        let options = QueryOptions {
            no_recurse: true,
            checking_disabled: true,
            no_ad: true,
            dnssec_ok: true,
            bufsize: 512,
            nsid: true,
            cookie: Some("0102030405060708".into()),
            subnet: Some("10.1.255.255/22".into()),
            ..QueryOptions::default()
        };
        let message = parsed(RecordType(4_711), &options);
        assert_eq!(message.header.flags, Flags { cd: true, ..Flags::default() });
        assert_eq!(message.question[0].kind, RecordType(4_711));
        let opt = message.opt.unwrap();
        let wanted = [
            (NSID, vec![]),
            (CLIENT_SUBNET, vec![0, 1, 22, 0, 10, 1, 252]),
            (COOKIE, vec![1, 2, 3, 4, 5, 6, 7, 8]),
        ];
        assert_eq!((opt.udp_bytes, opt.dnssec_ok, opt.options), (512, true, wanted.into()));
        let none = parsed(RecordType::A, &QueryOptions { no_edns: true, ..options });
        assert_eq!(none.opt, None);
    }

    #[test]
    fn a_subnet_is_an_address_and_a_length() {
        assert_eq!(client_subnet("0.0.0.0/0").unwrap(), [0, 1, 0, 0]);
        assert_eq!(client_subnet("2001:db8::/32").unwrap(), [0, 2, 32, 0, 0x20, 1, 0xd, 0xb8]);
        for bad in ["", "10.0.0.0/33", "10.0.0.0/x", "10.0.0/8", "::/129", "/8"] {
            assert_eq!(client_subnet(bad), None, "{bad}");
        }
    }
}
