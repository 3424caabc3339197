//! ServerHello, and of versions up to 1.2 what follows it in the clear.

use super::{SSL3, TLS12, TLS13};

const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const SERVER_HELLO_DONE: u8 = 14;

/// The random of a HelloRetryRequest (RFC 8446, section 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What a server chose.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    pub version: u16,
    pub suite: u16,
    /// DEFLATE (CRIME), not null.
    pub compresses: bool,
    pub is_retry: bool,
    /// Of the key exchange; of TLS 1.3 only where that is asked for once more.
    pub group: Option<u16>,
    /// Of the prime of a finite field that is no named group.
    pub dh_bits: Option<u32>,
    /// In DER, as served; TLS 1.3 encrypts it.
    pub chain: Vec<Vec<u8>>,
}

pub(super) enum Read {
    Whole(Answer),
    /// More is to come; the answer so far, if the ServerHello was there.
    Part(Option<Answer>),
}

impl Answer {
    /// From handshake messages, the last of which may be cut off.
    pub(super) fn read(messages: &[u8]) -> Result<Read, &'static str> {
        let (mut rest, mut answer): (_, Option<Self>) = (messages, None);
        loop {
            let Some((kind, body, behind)) = message(rest) else { return Ok(Read::Part(answer)) };
            rest = behind;
            match (&mut answer, kind) {
                (None, SERVER_HELLO) => {
                    let hello = server_hello(body).ok_or("a ServerHello that is none")?;
                    if hello.version == TLS13 {
                        return Ok(Read::Whole(hello));
                    }
                    answer = Some(hello);
                }
                (None, _) => return Err("a first message that is no ServerHello"),
                (Some(answer), CERTIFICATE) => {
                    answer.chain = chain(body).ok_or("a Certificate message that is none")?;
                }
                (Some(answer), SERVER_KEY_EXCHANGE) => answer.key_exchange(body),
                (Some(answer), SERVER_HELLO_DONE) => {
                    return Ok(Read::Whole(std::mem::take(answer)));
                }
                (Some(_), _) => {}
            }
        }
    }

    /// A named curve (RFC 8422, section 5.4), or a prime of the server's own (RFC 5246, 7.4.3).
    fn key_exchange(&mut self, body: &[u8]) {
        if let [3, high, low, ..] = body {
            self.group = Some(u16::from_be_bytes([*high, *low]));
        } else if let Some((prime, _)) = with_length(2, body) {
            let zeros = prime.iter().take_while(|byte| **byte == 0).count();
            let prime = &prime[zeros..];
            let of_first = prime.first().map_or(0, |first| first.leading_zeros());
            self.dh_bits = Some(prime.len() as u32 * 8 - of_first);
        }
    }
}

fn message(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (kind, rest) = bytes.split_first()?;
    let (body, behind) = with_length(3, rest)?;
    Some((*kind, body, behind))
}

fn server_hello(body: &[u8]) -> Option<Answer> {
    let (version, rest) = number(body)?;
    let (random, rest) = rest.split_first_chunk::<32>()?;
    let (_, rest) = with_length(1, rest)?;
    let (suite, rest) = number(rest)?;
    let (compression, rest) = rest.split_first()?;
    let (is_retry, compresses) = (*random == RETRY, *compression != 0);
    let mut answer = Answer { version, suite, compresses, is_retry, ..Answer::default() };
    if let Some((extensions, _)) = with_length(2, rest) {
        read_extensions(&mut answer, extensions)?;
    }
    let is_known = (SSL3..=TLS12).contains(&version);
    is_known.then_some(answer)
}

fn read_extensions(answer: &mut Answer, mut rest: &[u8]) -> Option<()> {
    while !rest.is_empty() {
        let (kind, behind) = number(rest)?;
        let (body, behind) = with_length(2, behind)?;
        rest = behind;
        match kind {
            43 => answer.version = number(body)?.0,
            51 => answer.group = Some(number(body)?.0),
            _ => {}
        }
    }
    Some(())
}

fn chain(body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut rest, _) = with_length(3, body)?;
    let mut chain = Vec::new();
    while !rest.is_empty() {
        let (certificate, behind) = with_length(3, rest)?;
        chain.push(certificate.to_vec());
        rest = behind;
    }
    Some(chain)
}

fn number(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u16::from_be_bytes(*number), rest))
}

/// A body behind its length of so many bytes, and what is behind that.
fn with_length(bytes: usize, of: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = of.split_at_checked(bytes)?;
    let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    rest.split_at_checked(length)
}
