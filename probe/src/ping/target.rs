//! One target: where it is and what is known of it.

use std::net::IpAddr;

use netdiag_wire::ping::PingEvent;

use super::track::{Arrival, Reply, Track};
use crate::{
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
