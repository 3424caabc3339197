//! A saved lookup, of which the command line is not known: its report tells what was asked.

use jiff::Timestamp;
use netdiag_wire::{
    EndReason,
    dns::{DnsEvent, DnsFold, DnsMode, DnsReport, DnsRequest, RecordType},
};
use serde_json::Value;

use super::{Dns, conclude};
use crate::{
    args::Shown,
    diagnose::{Context, DnsContext},
    finding::{Peer, PeerKind},
    probe::Conclusion,
    render::{DnsView, Names},
    saved::Replay,
    session::{Session, Stopped},
};

#[derive(Default)]
pub(crate) struct Saved {
    events: Vec<DnsEvent>,
    started_at: Option<Timestamp>,
    report: Option<DnsReport>,
    to: Option<Peer>,
}

impl Replay for Saved {
    const NAME: &'static str = "dns";
    const KIND: &'static str = "DnsReport";
    type Event = DnsEvent;
    const IS_WHOLE: bool = true;

    fn take(
        &mut self,
        _: &mut Peer,
        event: DnsEvent,
        at: Timestamp,
        _: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        self.started_at.get_or_insert(at);
        self.events.push(event);
        Ok(())
    }

    fn of_document(&mut self, document: &Value, to: Peer) -> serde_json::Result<()> {
        self.report = Some(serde_json::from_value(document[Self::NAME].clone())?);
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
            None if self.events.is_empty() => return Ok(None),
            None => self.folded(ended),
        };
        let name = super::answer::shown(&report.name);
        let to = Peer { kind: PeerKind::Host, name: name.clone(), ..Peer::default() };
        let to = self.to.unwrap_or(to);
        let request =
            DnsRequest { types: report.types.clone(), mode: report.mode, ..DnsRequest::walk(name) };
        let ends = Context {
            from: from.clone(),
            to: to.clone(),
            now_at: Timestamp::now(),
            ..Context::default()
        };
        let context = DnsContext { ends, ..DnsContext::default() };
        let is_dig = matches!(report.mode, DnsMode::Ask | DnsMode::Iterate);
        let view = DnsView {
            from: from.clone(),
            request,
            shown: Shown::default(),
            is_dig,
            unicode: None,
            names: Names::default(),
            started_at: self.started_at.unwrap_or_default(),
        };
        let fold = DnsFold::new(&view.request);
        let dns = Dns { view, fold, hidden_servers: None, has_head: false, has_begun: true };
        Ok(Some((conclude(dns, &report, &context, session)?, Some(to))))
    }
}

impl Saved {
    fn folded(&self, ended: Option<EndReason>) -> DnsReport {
        let queries = || {
            self.events.iter().filter_map(|event| match event {
                DnsEvent::Query(query) if query.on_behalf_of.is_none() => Some(query),
                _ => None,
            })
        };
        let mut types: Vec<RecordType> = Vec::new();
        for query in queries() {
            if !types.contains(&query.kind) {
                types.push(query.kind);
            }
        }
        let is_walk = self
            .events
            .iter()
            .any(|event| matches!(event, DnsEvent::Resolver(_) | DnsEvent::InHosts(_)));
        let name = queries().next_back().map(|query| super::answer::shown(&query.name));
        let mode = if is_walk { DnsMode::Walk } else { DnsMode::Ask };
        let request = DnsRequest { types, mode, ..DnsRequest::walk(name.unwrap_or_default()) };
        let mut fold = DnsFold::new(&request);
        self.events.iter().for_each(|event| fold.push(event));
        fold.report(ended, None)
    }
}
