//! A saved check of a port: its events, or the document that ends them.

use jiff::Timestamp;
use netdiag_wire::{
    EndReason,
    connect::{ConnectEvent, ConnectFold, ConnectReport, ConnectRequest, ConnectedTo},
    listen::ListenReport,
};
use serde::Deserialize;
use serde_json::Value;

use super::show_both;
use crate::{
    diagnose::{self, Context, Endpoints},
    finding::Peer,
    probe::{self, Conclusion},
    render::{self, Attempts, Names},
    saved::{Replay, typed},
    session::{Session, Stopped},
};

#[derive(Default)]
pub(crate) struct Saved {
    fold: ConnectFold,
    to: Option<Peer>,
    /// Of a document.
    report: Option<ConnectReport>,
    /// Of a document of `--listen`.
    came: Option<ListenReport>,
}

impl Replay for Saved {
    const NAME: &'static str = "connect";
    const KIND: &'static str = "ConnectReport";
    type Event = ConnectEvent;
    const IS_WHOLE: bool = true;

    fn take(
        &mut self,
        from: &mut Peer,
        event: ConnectEvent,
        at: Timestamp,
        _: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        self.fold.push(&event, at);
        if let ConnectEvent::Started { host, port, addresses, source, .. } = event {
            from.address = from.address.or(source);
            self.to.get_or_insert(typed(&host, addresses.first().copied(), Some(port)));
        }
        Ok(())
    }

    fn of_document(&mut self, document: &Value, to: Peer) -> serde_json::Result<()> {
        self.report = Some(serde_json::from_value(document["connect"].clone())?);
        self.came = document.get("listen").map(ListenReport::deserialize).transpose()?;
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
        let request = request_of(report.targets.first());
        let (out, screen) = (&mut *session.out, &session.screen);
        let port = request.targets[0].port.to_string();
        render::connect_header(out, screen, request.protocol, (from, &to), &port)?;
        if let Some(came) = self.came {
            let (from, now_at) = (from.clone(), Timestamp::now());
            let context = Context { from, to: to.clone(), now_at, ..Context::default() };
            let conclusion = show_both(&report, &came, (&request, &context), session)?;
            return Ok(Some((conclusion, Some(to))));
        }
        let mut attempts = Attempts::default();
        for attempt in &report.attempts {
            let event = ConnectEvent::Attempt(attempt.clone());
            attempts.show(out, screen, &Names::default(), &event)?;
        }
        attempts.end(out, screen)?;
        let (from, now_at) = (from.clone(), Timestamp::now());
        let context = Context { from, to: to.clone(), now_at, ..Context::default() };
        let findings = diagnose::connect(&report, &request, &context, Endpoints::Unknown);
        let parts = vec![probe::part("connect", &report)?];
        Ok(Some((Conclusion { findings, parts }, Some(to))))
    }
}

/// What must have been asked for this to come of it.
fn request_of(target: Option<&ConnectedTo>) -> ConnectRequest {
    let Some(target) = target else { return ConnectRequest::to("", 1) };
    let request = ConnectRequest::to(target.host.to_string(), target.port);
    ConnectRequest { protocol: target.protocol, ..request }
}
