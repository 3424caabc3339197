//! Telnet's negotiation (RFC 854), where a server starts it: every option is refused.

use bytes::Bytes;

const SE: u8 = 240;
const SB: u8 = 250;
const WILL: u8 = 251;
const WONT: u8 = 252;
const DO: u8 = 253;
const DONT: u8 = 254;
const IAC: u8 = 255;

/// How far into a command the bytes are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    #[default]
    Data,
    Command,
    /// After WILL, WONT, DO or DONT.
    Option(u8),
    Subnegotiation,
    SubnegotiationCommand,
}

/// A server's negotiation, however it is cut into pieces.
#[derive(Debug, Default)]
pub(super) struct Negotiation(State);

impl Negotiation {
    /// The bytes without commands, and what is to be answered.
    pub(super) fn take(&mut self, bytes: Bytes) -> (Bytes, Bytes) {
        if self.0 == State::Data && !bytes.contains(&IAC) {
            return (bytes, Bytes::new());
        }
        let (mut data, mut reply) = (Vec::with_capacity(bytes.len()), Vec::new());
        for byte in bytes {
            self.0 = match (self.0, byte) {
                (State::Data, IAC) => State::Command,
                (State::Data, _) => {
                    data.push(byte);
                    State::Data
                }
                (State::Command, WILL..=DONT) => State::Option(byte),
                (State::Command, SB) => State::Subnegotiation,
                (State::Command, IAC) => {
                    data.push(IAC);
                    State::Data
                }
                (State::Option(DO), option) => {
                    reply.extend([IAC, WONT, option]);
                    State::Data
                }
                (State::Option(WILL), option) => {
                    reply.extend([IAC, DONT, option]);
                    State::Data
                }
                (State::Command | State::Option(_), _) => State::Data,
                (State::Subnegotiation, IAC) => State::SubnegotiationCommand,
                (State::SubnegotiationCommand, SE) => State::Data,
                (State::Subnegotiation | State::SubnegotiationCommand, _) => State::Subnegotiation,
            };
        }
        (data.into(), reply.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_refused_and_nothing_of_it_is_shown() {
        let said = [
            &b"a"[..],
            &[IAC, DO, 24, IAC, WILL, 1, IAC, WONT, 3, IAC, DONT, 5],
            &[IAC, SB, 24, 1, IAC, IAC, 7, IAC, SE, IAC, 241],
            &[b'b', IAC, IAC, b'c'],
        ]
        .concat();
        for step in 1..said.len() {
            let mut negotiation = Negotiation::default();
            let (mut data, mut reply) = (Vec::new(), Vec::new());
            for piece in said.chunks(step) {
                let (more, answer) = negotiation.take(Bytes::copy_from_slice(piece));
                data.extend(more);
                reply.extend(answer);
            }
            assert_eq!(data, [b'a', b'b', IAC, b'c'], "{step}");
            assert_eq!(reply, [IAC, WONT, 24, IAC, DONT, 1], "{step}");
        }
    }

    #[test]
    fn who_negotiates_nothing_is_answered_nothing() {
        let bytes = Bytes::from_static(b"220 mail ESMTP\r\n\xc3\xa4\xfe");
        assert_eq!(Negotiation::default().take(bytes.clone()), (bytes, Bytes::new()));
    }
}
