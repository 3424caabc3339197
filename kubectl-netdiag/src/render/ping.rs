//! Ping's lines as they come: iputils' own for a plain reply, a word of its fate for all else.

use std::{
    io::{self, Write},
    net::IpAddr,
};

use jiff::Timestamp;
use netdiag_wire::{
    Untrusted,
    ping::{PingEvent, PingRequest},
};

use super::{Names, Screen, number, paint::Role, words};

/// One event as its line; events that people need not see have none.
pub(crate) fn ping_event(
    out: &mut dyn Write,
    screen: &Screen,
    request: &PingRequest,
    names: &Names,
    event: &PingEvent,
    at: Timestamp,
) -> io::Result<()> {
    if !screen.shows_evidence() {
        return Ok(());
    }
    let Some(line) = (Lines { screen, request, names }).line(event) else { return Ok(()) };
    if screen.timestamps {
        write!(out, "[{}.{:06}] ", at.as_second(), at.subsec_nanosecond() / 1_000)?;
    }
    writeln!(out, "{line}")
}

struct Lines<'a> {
    screen: &'a Screen,
    request: &'a PingRequest,
    names: &'a Names,
}

impl Lines<'_> {
    fn line(&self, event: &PingEvent) -> Option<String> {
        Some(match event {
            PingEvent::Replied { .. } => self.reply(event)?,
            PingEvent::Corrupted { target, seq, address, bytes } => format!(
                "{} {bytes} bytes from {address}, {}, wrong ICMP checksum",
                self.bad("corrupted:"),
                self.echo(*target, *seq)
            ),
            PingEvent::Silence { target, seq, waited_us } => format!(
                "{} {}, waited {}",
                self.bad("silence:"),
                self.echo(*target, *seq),
                number::waited(*waited_us)
            ),
            PingEvent::Rejected { target, seq, by, icmp, after_us } => format!(
                "{} {} {} after {}, said by {}",
                self.bad("rejected:"),
                self.echo(*target, *seq),
                words::icmp(icmp),
                number::took(*after_us),
                self.who(*by)
            ),
            PingEvent::Redirected { target, seq, by, gateway } => format!(
                "{} {} forwarded, with a shorter way by {gateway}, said by {}",
                self.doubtful("redirect:"),
                self.echo(*target, *seq),
                self.who(*by)
            ),
            PingEvent::NotSent { target, seq, refusal } => format!(
                "{} {}, {}",
                self.bad("not sent:"),
                self.echo(*target, *seq),
                self.screen.safe(&words::refusal(refusal))
            ),
            PingEvent::Unknown => {
                "something newer: the agent saw what this plugin cannot name".into()
            }
            PingEvent::Started { .. } | PingEvent::Sent { .. } => return None,
        })
    }

    fn reply(&self, event: &PingEvent) -> Option<String> {
        let PingEvent::Replied { target, seq, address, bytes, ttl, rtt_us, .. } = event else {
            return None;
        };
        let ttl = ttl.map(|ttl| format!(" ttl={ttl}")).unwrap_or_default();
        let time = number::ms(*rtt_us);
        let remarks = self.remarks(event);
        let time = match remarks.is_empty() {
            true => self.screen.paint(Role::Faint, &time).to_string(),
            false => time,
        };
        let host = self.request.targets.get(usize::from(*target)).map(|target| &target.host);
        let elsewhere = match host.and_then(|host| host.parse::<IpAddr>().ok()) {
            Some(asked) if asked != *address => {
                format!(" {}", self.doubtful(&format!("(not from {asked}, which was asked)")))
            }
            _ => String::new(),
        };
        let line = format!("{bytes} bytes from {address}: icmp_seq={seq}{ttl} time={time}");
        Some(format!("{line}{remarks}{elsewhere}"))
    }

    fn remarks(&self, event: &PingEvent) -> String {
        let PingEvent::Replied { late, duplicate, reordered, wrong_byte, .. } = event else {
            return String::new();
        };
        let wait = number::setting(self.request.wait_us.into());
        let remarks = [
            late.then(|| format!("(late: after the {wait} of -W)")),
            duplicate.then(|| "(duplicate)".into()),
            reordered.then(|| "(reordered)".into()),
            wrong_byte.map(|at| format!("(wrong data: byte {at} is not the one sent)")),
        ];
        remarks.iter().flatten().map(|remark| format!(" {}", self.doubtful(remark))).collect()
    }

    /// Which echo: with its target where there are several.
    fn echo(&self, target: u16, seq: u32) -> String {
        match self.request.targets.get(usize::from(target)) {
            Some(target) if self.request.targets.len() > 1 => {
                let host = Untrusted::from(target.host.as_str()).to_string();
                format!("{} icmp_seq={seq}", self.screen.safe(&host))
            }
            _ => format!("icmp_seq={seq}"),
        }
    }

    fn who(&self, address: IpAddr) -> String {
        match self.names.who(address) {
            Some(who) => format!("{address} ({})", self.screen.safe(&who)),
            None if self.names.is_empty() => address.to_string(),
            None => format!("{address} (unknown address)"),
        }
    }

    fn bad(&self, word: &str) -> String {
        self.painted(Role::Bad, word)
    }

    fn doubtful(&self, word: &str) -> String {
        self.painted(Role::Doubtful, word)
    }

    fn painted(&self, role: Role, word: &str) -> String {
        self.screen.paint(role, word).to_string()
    }
}
