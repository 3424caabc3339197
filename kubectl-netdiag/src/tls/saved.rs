//! A saved handshake: its events, or the document that ends them.

use jiff::Timestamp;
use netdiag_wire::{
    EndReason, Untrusted,
    connect::{ConnectEvent, ConnectFold, ConnectProtocol},
    tls::{TlsEvent, TlsFold, TlsReport, TlsRequest},
};
use serde_json::Value;

use super::{Over, is_connected, unconnected};
use crate::{
    certificates::Roots,
    diagnose::{Context, Endpoints},
    finding::Peer,
    probe::{self, Conclusion},
    render,
    saved::{Replay, typed},
    session::{Session, Stopped},
};

#[derive(Default)]
pub(crate) struct Saved {
    fold: TlsFold,
    at: Option<Timestamp>,
    to: Option<Peer>,
    /// Of a document.
    report: Option<TlsReport>,
}

impl Replay for Saved {
    const NAME: &'static str = "tls";
    const KIND: &'static str = "TlsReport";
    type Event = TlsEvent;
    const IS_WHOLE: bool = true;

    fn take(
        &mut self,
        from: &mut Peer,
        event: TlsEvent,
        at: Timestamp,
        _: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        self.fold.push(&event);
        self.at = Some(at);
        if let TlsEvent::Dialing { host, port, addresses, source } = event {
            from.address = from.address.or(source);
            self.to.get_or_insert(typed(&host, addresses.first().copied(), Some(port)));
        }
        Ok(())
    }

    fn of_document(&mut self, document: &Value, to: Peer) -> serde_json::Result<()> {
        self.report = Some(serde_json::from_value(document["tls"].clone())?);
        self.at = document["startedAt"].as_str().and_then(|at| at.parse().ok());
        self.to = Some(to);
        Ok(())
    }

    fn conclude(
        self,
        from: &Peer,
        ended: Option<EndReason>,
        session: &mut Session<'_>,
    ) -> Result<Option<(Conclusion, Option<Peer>)>, Stopped> {
        let Some(to) = self.to else { return Ok(None) };
        let report = self.report.unwrap_or_else(|| self.fold.report(ended));
        let request = request_of(&report);
        let (out, screen) = (&mut *session.out, &session.screen);
        let port = report.port.to_string();
        render::connect_header(out, screen, ConnectProtocol::Tcp, (from, &to), &port)?;
        // Judged as of then, not as of now.
        let now_at = self.at.unwrap_or_else(Timestamp::now);
        let (from, to_peer) = (from.clone(), to.clone());
        let context = Context { from, to: to_peer, now_at, ..Context::default() };
        let conclusion = if !report.attempts.last().is_some_and(is_connected) {
            let mut connections = ConnectFold::default();
            for attempt in &report.attempts {
                connections.push(&ConnectEvent::Attempt(attempt.clone()), now_at);
            }
            let findings = unconnected(
                &connections.report(ended),
                (&request, &context, Endpoints::Unknown),
                session,
            )?;
            Conclusion { findings, parts: vec![probe::part("tls", &report)?] }
        } else {
            let names = super::own_names(&to);
            Over {
                report: &report,
                request: &request,
                names: &names,
                roots: &Roots::Mozilla,
                context: &context,
            }
            .conclude(session.out, &session.screen)?
        };
        Ok(Some((conclusion, Some(to))))
    }
}

/// What must have been asked for this to come of it.
fn request_of(report: &TlsReport) -> TlsRequest {
    let handshake = report.asked.as_ref().and_then(|asked| asked.handshake.as_ref());
    let name = handshake.and_then(|handshake| handshake.server_name.as_ref());
    let mut request = TlsRequest::to(report.host.to_string(), report.port);
    request.offer.server_name = name.map(Untrusted::to_string);
    request
}
