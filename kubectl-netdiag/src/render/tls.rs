//! A TLS server as it showed itself: what was agreed on, and its certificates.

use std::io::{self, Write};

use netdiag_wire::{
    Untrusted,
    tls::{TlsAgreed, TlsAsked, TlsHandshake, TlsReport, TlsRequest, TlsServed},
};

mod takes;

pub(crate) use takes::tls_takes;

use super::{Screen, number};
use crate::certificates;

/// What there is to show.
pub(crate) struct TlsView<'a> {
    pub(crate) report: &'a TlsReport,
    pub(crate) request: &'a TlsRequest,
}

/// The lines above the certificates.
pub(crate) fn tls_head(out: &mut dyn Write, screen: &Screen, view: &TlsView<'_>) -> io::Result<()> {
    let handshake = view.report.asked.as_ref().and_then(|asked| asked.handshake.as_ref());
    let Some(handshake) = handshake.filter(|_| screen.shows_evidence()) else { return Ok(()) };
    if let Some(agreed) = &handshake.agreed {
        writeln!(out, "{}; {}", screen.safe(&settled(agreed)), screen.safe(&view.name()))?;
    }
    writeln!(out, "{}", screen.safe(&view.steps(handshake)))?;
    if screen.detail > 0 {
        for line in view.details(handshake) {
            writeln!(out, "{}", screen.safe(&line))?;
        }
    }
    Ok(())
}

impl TlsView<'_> {
    fn name(&self) -> String {
        match &self.request.offer.server_name {
            Some(name) => format!("SNI {name}"),
            None => "no SNI".into(),
        }
    }

    /// `tcp 0.520 ms, handshake 6.10 ms; no client certificate asked for, no OCSP staple`.
    fn steps(&self, handshake: &TlsHandshake) -> String {
        let tcp =
            self.report.attempts.last().map(|last| format!("tcp {}", number::took(last.took_us)));
        let upgrade = handshake.upgrade.as_ref();
        let upgrade = upgrade.map(|upgrade| format!("starttls {}", number::took(upgrade.took_us)));
        let handshake_took = format!("handshake {}", number::took(handshake.took_us));
        let times: Vec<String> = tcp.into_iter().chain(upgrade).chain([handshake_took]).collect();
        let times = times.join(", ");
        if handshake.agreed.is_none() {
            return times;
        }
        let asked = match &handshake.asked {
            Some(asked) if asked.sent => "a client certificate asked for and sent",
            Some(_) => "a client certificate asked for",
            None => "no client certificate asked for",
        };
        let staple = match self.report.asked.as_ref().and_then(|asked| asked.staple.as_ref()) {
            Some(_) => "an OCSP staple",
            None => "no OCSP staple",
        };
        format!("{times}; {asked}, {staple}")
    }

    fn details(&self, handshake: &TlsHandshake) -> Vec<String> {
        let (read, written) =
            (number::count(handshake.read_bytes), number::count(handshake.written_bytes));
        let bytes = format!("{read} bytes read, {written} written");
        let authorities = handshake.asked.as_ref().map(authorities);
        let Some(agreed) = &handshake.agreed else {
            return [bytes].into_iter().chain(authorities).collect();
        };
        let signature =
            agreed.signature.as_ref().map(|signature| format!("; signed by {signature}"));
        let retried = if agreed.retried { "; HelloRetryRequest: one round trip more" } else { "" };
        let first = format!("{bytes}{}{retried}", signature.unwrap_or_default());
        [first, self.sessions(agreed)].into_iter().chain(authorities).collect()
    }

    /// `2 session tickets, resumed by one; no early data`.
    fn sessions(&self, agreed: &TlsAgreed) -> String {
        let tickets = number::counted(agreed.tickets, "session ticket", "session tickets");
        let of = |served: &TlsServed| served.handshake.as_ref()?.agreed.as_ref().map(|a| a.resumed);
        let resumed = match self.report.resumed.as_ref().and_then(of) {
            Some(true) => "resumed",
            Some(false) => "not resumed",
            None => "resumption not seen",
        };
        let early = match agreed.early_data_bytes {
            0 => "no early data".to_owned(),
            bytes => format!("early data up to {} bytes", number::count(bytes.into())),
        };
        format!("{tickets}, {resumed}; {early}")
    }
}

/// `client certificates of CN=shop-root, CN=shop-old-root`.
fn authorities(asked: &TlsAsked) -> String {
    let names = certificates::of_authorities(&asked.authorities);
    let more = match asked.not_listed {
        0 => String::new(),
        more => format!(" and {} more", number::count(more.into())),
    };
    match names.is_empty() {
        true => "client certificates of no CA by name".into(),
        false => format!("client certificates of {}{more}", names.join(", ")),
    }
}

/// `TLS 1.3, TLS_AES_256_GCM_SHA384, X25519MLKEM768, ALPN h2`.
fn settled(agreed: &TlsAgreed) -> String {
    let group = agreed.group.as_ref().map(|group| format!(", {group}")).unwrap_or_default();
    let alpn = agreed.alpn.as_ref().map(|alpn| format!(", ALPN {alpn}")).unwrap_or_default();
    format!("{}, {}{group}{alpn}", version(&agreed.version), agreed.cipher_suite)
}

/// It begins a line, so an agent's own words must not pass for a verdict.
fn version(named: &Untrusted) -> String {
    let is_one =
        ["TLS ", "SSL ", "0x"].iter().any(|one| named.as_bytes().starts_with(one.as_bytes()));
    if is_one { named.to_string() } else { format!("version {named}") }
}
