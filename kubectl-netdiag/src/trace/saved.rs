//! A saved trace.

use jiff::Timestamp;
use netdiag_wire::{
    EndReason,
    trace::{TraceEvent, TraceFold, TraceProtocol, TraceReport, TraceRequest},
};
use serde_json::Value;

use crate::{
    diagnose::{self, Context},
    finding::{Peer, PeerKind},
    probe::Conclusion,
    render::{self, Hops, Names, TraceView},
    saved::Replay,
    session::{Session, Stopped},
};

pub(crate) struct Saved {
    fold: TraceFold,
    to: Option<Peer>,
    has_events: bool,
    /// Of a document without its events.
    report: Option<TraceReport>,
}

impl Default for Saved {
    fn default() -> Self {
        // What was asked is not in the stream, but in what came of it.
        let fold = TraceFold::new(&TraceRequest::to("", TraceProtocol::Udp));
        Self { fold, to: None, has_events: false, report: None }
    }
}

impl Replay for Saved {
    const NAME: &'static str = "trace";
    const KIND: &'static str = "TraceReport";
    type Event = TraceEvent;

    fn take(
        &mut self,
        from: &mut Peer,
        event: TraceEvent,
        _: Timestamp,
        _: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        self.has_events = true;
        self.fold.push(&event);
        if let TraceEvent::Started { host, address, source, .. } = event {
            from.address.get_or_insert(source);
            let host = host.to_string();
            let kind = if host.parse() == Ok(address) { PeerKind::Address } else { PeerKind::Host };
            self.to = Some(Peer { kind, name: host, address: Some(address), ..Peer::default() });
        }
        Ok(())
    }

    fn of_document(&mut self, report: Value, to: Peer) -> serde_json::Result<()> {
        self.report = Some(serde_json::from_value(report)?);
        self.to = Some(to);
        Ok(())
    }

    fn conclude(
        mut self,
        from: &Peer,
        ended: Option<EndReason>,
        session: &mut Session<'_>,
    ) -> Result<Option<(Conclusion, Option<Peer>)>, Stopped> {
        let report = match self.report.take() {
            Some(report) => report,
            None if self.has_events => self.fold.report(ended, None),
            None => return Ok(None),
        };
        let to = self.to.unwrap_or_default();
        let request = request_of(&report);
        let context = Context {
            from: from.clone(),
            to: to.clone(),
            now_at: Timestamp::now(),
            ..Context::default()
        };
        let names = Names::default();
        let view = TraceView { request: &request, report: &report, from, to: &to, names: &names };
        let (out, screen) = (&mut *session.out, &session.screen);
        if let (Some(address), Some(source), Some(method)) =
            (report.address, report.source_address, report.method)
        {
            let started = TraceEvent::Started {
                host: report.host.clone(),
                address,
                source,
                method,
                port: report.port,
                interface: report.interface.clone(),
            };
            render::trace_header(out, screen, &request, &started, (from, &to))?;
        }
        if request.flows == 1 && !request.mtu {
            let mut hops = Hops::default();
            report.hops.iter().cloned().for_each(|hop| hops.push(hop));
            hops.show(out, screen, &view, true)?;
        }
        let findings = diagnose::trace(&report, &request, &context);
        let conclusion = super::concluded(&report, &view, findings, session)?;
        Ok(Some((conclusion, Some(to))))
    }
}

/// What must have been asked for this to come of it.
fn request_of(report: &TraceReport) -> TraceRequest {
    let ttls = || report.hops.iter().map(|hop| hop.ttl);
    let probes = report.hops.iter().map(|hop| hop.answers.len() + usize::from(hop.silent)).max();
    TraceRequest {
        port: report.port,
        first_ttl: ttls().min().unwrap_or(1),
        max_ttl: ttls().max().unwrap_or(1),
        queries: probes.and_then(|probes| probes.try_into().ok()).unwrap_or(1).max(1),
        flows: report.flows.len().try_into().unwrap_or(u8::MAX).max(1),
        mtu: !report.mtu.is_empty(),
        ..TraceRequest::to(report.host.to_string(), report.protocol)
    }
}
