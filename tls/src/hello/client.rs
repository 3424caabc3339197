//! ClientHello, from SSL 3.0 to TLS 1.3.

use rustls::crypto::aws_lc_rs;

pub const SSL3: u16 = 0x0300;
pub const TLS10: u16 = 0x0301;
pub const TLS11: u16 = 0x0302;
pub const TLS12: u16 = 0x0303;
pub const TLS13: u16 = 0x0304;

/// TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746): some servers refuse who does not say it.
const RENEGOTIATION: u16 = 0x00ff;
/// As OpenSSL offers them, and the old ones: what a server signs by is not what is asked here.
const SIGNATURES: [u16; 20] = [
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0804, 0x0805, 0x0806, 0x0401,
    0x0501, 0x0601, 0x0303, 0x0301, 0x0203, 0x0201, 0x0202, 0x0402,
];

/// What is offered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hello {
    /// The only one, or for versions up to 1.2 the highest.
    pub version: u16,
    pub suites: Vec<u16>,
    pub groups: Vec<u16>,
    pub server_name: Option<String>,
}

impl Hello {
    /// As one record.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        // TLS 1.3 bears 1.2 here (RFC 8446, section 4.1.2).
        put(&mut body, self.version.min(TLS12));
        let mut random = [0; 64];
        // Nothing is kept secret by it; without one the server sees zeros.
        let _ = aws_lc_rs::default_provider().secure_random.fill(&mut random);
        body.extend(&random[..32]);
        match self.version {
            TLS13 => with_length(&mut body, 1, &random[32..]),
            _ => body.push(0),
        }
        let mut suites = Vec::new();
        self.suites.iter().for_each(|suite| put(&mut suites, *suite));
        if self.version < TLS13 {
            put(&mut suites, RENEGOTIATION);
        }
        with_length(&mut body, 2, &suites);
        // Null compression, and DEFLATE to see who takes it.
        let compression: &[u8] = if self.version < TLS13 { &[1, 0] } else { &[0] };
        with_length(&mut body, 1, compression);
        if self.version > SSL3 {
            with_length(&mut body, 2, &self.extensions());
        }
        self.framed(&body)
    }

    fn framed(&self, body: &[u8]) -> Vec<u8> {
        let mut message = vec![1];
        with_length(&mut message, 3, body);
        let mut record = vec![22];
        // The lowest that everybody reads.
        put(&mut record, self.version.min(TLS10));
        with_length(&mut record, 2, &message);
        record
    }

    fn extensions(&self) -> Vec<u8> {
        let mut all = Vec::new();
        if let Some(name) = &self.server_name {
            let mut entry = vec![0];
            with_length(&mut entry, 2, name.as_bytes());
            extension(&mut all, 0, &listed(2, &entry));
        }
        let mut groups = Vec::new();
        self.groups.iter().for_each(|group| put(&mut groups, *group));
        extension(&mut all, 10, &listed(2, &groups));
        if self.version < TLS13 {
            extension(&mut all, 11, &[1, 0]);
        }
        let mut signatures = Vec::new();
        SIGNATURES.iter().for_each(|signature| put(&mut signatures, *signature));
        extension(&mut all, 13, &listed(2, &signatures));
        if self.version == TLS13 {
            extension(&mut all, 43, &listed(1, &TLS13.to_be_bytes()));
            // No share: the server then names the group that it wants (HelloRetryRequest).
            extension(&mut all, 51, &listed(2, &[]));
        }
        all
    }
}

fn extension(all: &mut Vec<u8>, kind: u16, body: &[u8]) {
    put(all, kind);
    with_length(all, 2, body);
}

fn listed(bytes: usize, body: &[u8]) -> Vec<u8> {
    let mut list = Vec::new();
    with_length(&mut list, bytes, body);
    list
}

/// A body behind its length of so many bytes.
fn with_length(out: &mut Vec<u8>, bytes: usize, body: &[u8]) {
    let length = (body.len() as u32).to_be_bytes();
    out.extend(&length[4 - bytes..]);
    out.extend(body);
}

fn put(out: &mut Vec<u8>, number: u16) {
    out.extend(number.to_be_bytes());
}
