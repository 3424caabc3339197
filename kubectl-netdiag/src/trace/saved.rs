//! A saved trace: its document where there is one, as that knows both ends by name, else its events.

use std::net::IpAddr;

use jiff::Timestamp;
use netdiag_wire::{
    EndReason, Untrusted,
    trace::{
        ReverseName, TraceEvent, TraceFold, TraceMethod, TraceOutcome, TraceProtocol, TraceReport,
        TraceRequest,
    },
};
use serde_json::Value;

use crate::{
    diagnose::{self, Context},
    finding::Peer,
    probe::Conclusion,
    render::{self, Hops, Names, TraceView},
    saved::{Replay, typed},
    session::{Session, Stopped},
};

pub(crate) struct Saved {
    fold: TraceFold,
    to: Option<Peer>,
    /// Of a document.
    report: Option<TraceReport>,
    /// What the document says that an address is in its cluster.
    known: Vec<ReverseName>,
}

impl Default for Saved {
    fn default() -> Self {
        let fold = TraceFold::new(&TraceRequest::to("", TraceProtocol::Udp));
        Self { fold, to: None, report: None, known: Vec::new() }
    }
}

impl Replay for Saved {
    const NAME: &'static str = "trace";
    const KIND: &'static str = "TraceReport";
    type Event = TraceEvent;
    const IS_WHOLE: bool = true;

    fn take(
        &mut self,
        from: &mut Peer,
        event: TraceEvent,
        _: Timestamp,
        _: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        self.fold.push(&event);
        if let TraceEvent::Started { host, address, source, .. } = event {
            from.address.get_or_insert(source);
            self.to = Some(typed(&host, Some(address), None));
        }
        Ok(())
    }

    fn of_document(&mut self, document: &Value, to: Peer) -> serde_json::Result<()> {
        self.report = Some(serde_json::from_value(document["trace"].clone())?);
        self.to = Some(to);
        let known = |entry: &Value| {
            let address: IpAddr = entry["address"].as_str()?.parse().ok()?;
            Some(ReverseName { address, name: Untrusted::from(entry["what"].as_str()?) })
        };
        self.known =
            document["addresses"].as_array().into_iter().flatten().filter_map(known).collect();
        Ok(())
    }

    fn conclude(
        self,
        from: &Peer,
        ended: Option<EndReason>,
        session: &mut Session<'_>,
    ) -> Result<Option<(Conclusion, Option<Peer>)>, Stopped> {
        let Some(to) = self.to else { return Ok(None) };
        let report = self.report.unwrap_or_else(|| with_protocol(self.fold.report(ended, None)));
        // Its words for addresses stand before what reverse DNS said.
        let names = self.known.into_iter().chain(report.names.iter().cloned()).collect();
        let shown = TraceReport { names, ..report.clone() };
        let request = request_of(&report);
        let view = TraceView {
            request: &request,
            report: &shown,
            from,
            to: &to,
            names: &Names::default(),
        };
        let (out, screen) = (&mut *session.out, &session.screen);
        let method = report.method.unwrap_or(TraceMethod::Unknown);
        render::trace_header(out, screen, &request, method, (from, &to))?;
        if request.flows == 1 && !request.mtu {
            let mut hops = Hops::default();
            report.hops.iter().cloned().for_each(|hop| hops.push(hop));
            hops.show(out, screen, &view, true)?;
        }
        let (from, now_at) = (from.clone(), Timestamp::now());
        let context = Context { from, to: to.clone(), now_at, ..Context::default() };
        let findings = diagnose::trace(&shown, &request, &context);
        let mut conclusion = super::concluded(&shown, &view, findings, session)?;
        // The report as it was, without what was added to show it.
        conclusion.parts = vec![crate::probe::part("trace", &report)?];
        Ok(Some((conclusion, Some(to))))
    }
}

/// What was sent is not in the events, but mostly in what they answer.
fn with_protocol(report: TraceReport) -> TraceReport {
    let mut answers = report.hops.iter().flat_map(|hop| &hop.answers);
    let has_tcp = answers.any(|a| matches!(a.outcome, TraceOutcome::Open | TraceOutcome::Refused));
    let protocol = match report.port {
        None => TraceProtocol::Icmp,
        Some(_) if has_tcp => TraceProtocol::Tcp,
        Some(_) => TraceProtocol::Udp,
    };
    TraceReport { protocol, ..report }
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
