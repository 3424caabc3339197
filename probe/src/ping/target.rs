//! One target: where it is and what is known of it.

use std::net::IpAddr;

use netdiag_wire::ping::PingEvent;

use super::track::{Reply, Track};
use crate::{
    clock::Arrival,
    packet::{
        answer::{Answer, Quote},
        echo::{Echo, HEADER},
    },
    sys::receive::Received,
};

pub(super) struct Target {
    pub(super) address: IpAddr,
    /// Index of its socket.
    pub(super) socket: usize,
    pub(super) ident: u16,
    pub(super) track: Track,
}

impl Target {
    /// Takes in an answer with this target's identifier, which others may have as well.
    pub(super) fn note(
        &mut self,
        received: &Received<'_>,
        echo: &Echo,
        at: Arrival,
        emit: &mut impl FnMut(PingEvent),
    ) {
        let from = received.from;
        match &received.answer {
            Answer::Reply { data, .. } if echo.is_foreign(data) => {}
            Answer::Reply { seq, data, is_corrupt, .. } => {
                let bytes = u16::try_from(data.len() + HEADER).unwrap_or(u16::MAX);
                let wrong_byte = echo.wrong_byte(data);
                let reply = Reply { from, bytes, ttl: received.ttl, wrong_byte };
                match is_corrupt {
                    true => self.track.corrupted(*seq, reply, at, emit),
                    false => self.track.replied(*seq, reply, at, emit),
                }
            }
            Answer::Rejection { quote, icmp } if self.is_own(quote, echo) => {
                self.track.rejected(quote.seq, from, icmp.clone(), at, emit);
            }
            Answer::Redirect { quote, gateway } if self.is_own(quote, echo) => {
                self.track.redirected(quote.seq, from, *gateway, at, emit);
            }
            Answer::Rejection { .. } | Answer::Redirect { .. } => {}
        }
    }

    fn is_own(&self, quote: &Quote<'_>, echo: &Echo) -> bool {
        quote.to == self.address && !echo.is_foreign(quote.data)
    }
}

#[cfg(test)]
mod tests {
    use netdiag_wire::{IcmpError, IcmpMeaning, ping::PingRequest};

    use super::*;
    use crate::clock::Moment;

    const TOKEN: [u8; 8] = *b"\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7";

    /// What is said of an answer to the one request that was sent, to 10.9.2.2 with number 1.
    fn noted(answer: Answer<'_>) -> Vec<PingEvent> {
        let track = Track::new(0, &PingRequest::to("10.9.2.2"));
        let mut target = Target { address: [10, 9, 2, 2].into(), socket: 0, ident: 7, track };
        target.track.sent(Moment::default(), &mut |_| {});
        let received = Received { from: [10, 9, 1, 1].into(), ttl: Some(64), at: None, answer };
        let at = Arrival { stamp: None, read: Moment::default() };
        let mut events = Vec::new();
        target.note(&received, &Echo::new(16, TOKEN), at, &mut |event| events.push(event));
        events
    }

    fn rejection(to: [u8; 4], seq: u16, data: &[u8]) -> Answer<'_> {
        let icmp = IcmpError { meaning: IcmpMeaning::TtlExceeded, kind: 11, code: 0, mtu: None };
        Answer::Rejection { quote: Quote { to: to.into(), ident: 7, seq, data }, icmp }
    }

    #[test]
    fn a_quote_must_be_of_what_was_sent() {
        for (what, answer, expected) in [
            ("no data quoted", rejection([10, 9, 2, 2], 1, b""), 1),
            ("our data quoted", rejection([10, 9, 2, 2], 1, &TOKEN), 1),
            ("another's data", rejection([10, 9, 2, 2], 1, b"iputils!"), 0),
            ("another destination", rejection([10, 9, 2, 3], 1, b""), 0),
            ("not sent yet", rejection([10, 9, 2, 2], 2, b""), 0),
            ("before the first", rejection([10, 9, 2, 2], 0, b""), 0),
        ] {
            assert_eq!(noted(answer).len(), expected, "{what}");
        }
    }

    #[test]
    fn a_reply_with_another_pings_data_is_not_ours() {
        let reply = |data| Answer::Reply { ident: 7, seq: 1, data, is_corrupt: false };
        assert_eq!(noted(reply(b"another ping's..")), []);
        let [PingEvent::Replied { wrong_byte: Some(8), address, .. }] = noted(reply(&TOKEN))[..]
        else {
            panic!("cut short, but ours")
        };
        assert_eq!(address.to_string(), "10.9.1.1", "who answered, be it somebody else");
    }

    #[test]
    fn a_redirect_is_held_to_the_same() {
        let redirect = |to: [u8; 4]| {
            let quote = Quote { to: to.into(), ident: 7, seq: 1, data: b"" };
            Answer::Redirect { quote, gateway: [10, 9, 1, 254].into() }
        };
        assert!(matches!(noted(redirect([10, 9, 2, 2]))[..], [PingEvent::Redirected { .. }]));
        assert_eq!(noted(redirect([10, 9, 2, 3])), []);
    }
}
