//! A saved ping: one target or several, in the order in which they started.

use jiff::Timestamp;
use netdiag_wire::{
    EndReason,
    ping::{MAX_TARGETS, PingEvent, PingFold, PingReport, PingRequest},
};
use serde_json::Value;

use crate::{
    diagnose::{self, Context},
    finding::{Finding, Peer},
    probe::{self, Conclusion},
    render::{self, Names},
    saved::{Replay, typed},
    session::{Session, Stopped},
};

pub(crate) struct Saved {
    request: PingRequest,
    fold: PingFold,
    to: Vec<Peer>,
    /// Of a document without its events.
    report: Option<PingReport>,
    has_header: bool,
}

impl Default for Saved {
    fn default() -> Self {
        let mut any = PingRequest::to("");
        any.targets = vec![any.targets[0].clone(); MAX_TARGETS];
        let mut request = PingRequest::to("");
        request.targets.clear();
        let fold = PingFold::new(&any);
        Self { request, fold, to: Vec::new(), report: None, has_header: false }
    }
}

impl Replay for Saved {
    const NAME: &'static str = "ping";
    const KIND: &'static str = "PingReport";
    type Event = PingEvent;
    const IS_WHOLE: bool = false;

    fn take(
        &mut self,
        from: &mut Peer,
        event: PingEvent,
        at: Timestamp,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        self.fold.push(&event);
        if let PingEvent::Started { host, address, source, .. } = event {
            from.address.get_or_insert(source);
            self.request.targets.extend(PingRequest::to(host.to_string()).targets);
            self.to.push(typed(&host, Some(address), None));
            return Ok(());
        }
        self.header(from, session)?;
        let (out, screen) = (&mut *session.out, &session.screen);
        render::ping_event(out, screen, &self.request, &Names::default(), &event, at)?;
        Ok(())
    }

    fn of_document(&mut self, document: &Value, to: Peer) -> serde_json::Result<()> {
        let report: PingReport = serde_json::from_value(document["ping"].clone())?;
        self.request = PingRequest::to(report.host.to_string());
        self.to = vec![to];
        self.report = Some(report);
        Ok(())
    }

    fn conclude(
        mut self,
        from: &Peer,
        ended: Option<EndReason>,
        session: &mut Session<'_>,
    ) -> Result<Option<(Conclusion, Option<Peer>)>, Stopped> {
        let reports = match self.report.take() {
            Some(report) => vec![report],
            None => self.fold.reports(ended, None).into_iter().take(self.to.len()).collect(),
        };
        let Some(first) = reports.first() else { return Ok(None) };
        self.header(from, session)?;
        let findings = self.findings(from, &reports);
        let conclusion = Conclusion { findings, parts: vec![probe::part("ping", first)?] };
        Ok(Some((conclusion, self.to.into_iter().next())))
    }
}

impl Saved {
    fn header(&mut self, from: &Peer, session: &mut Session<'_>) -> Result<(), Stopped> {
        if !std::mem::replace(&mut self.has_header, true) {
            render::header(session.out, &session.screen, from, &self.to)?;
        }
        Ok(())
    }

    /// One report a target, each judged by itself.
    fn findings(&self, from: &Peer, reports: &[PingReport]) -> Vec<Finding> {
        let judge = |(report, to): (&PingReport, &Peer)| {
            let context = Context {
                from: from.clone(),
                to: to.clone(),
                now_at: Timestamp::now(),
                ..Context::default()
            };
            diagnose::ping(report, &self.request, &context)
        };
        reports.iter().zip(&self.to).flat_map(judge).collect()
    }
}
