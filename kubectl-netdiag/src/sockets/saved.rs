//! A saved table: its document where there is one, as that knows who the peers are, else its events.

use std::{collections::BTreeMap, net::IpAddr};

use jiff::Timestamp;
use netdiag_wire::{
    EndReason, Untrusted,
    sockets::{SocketsEvent, SocketsFold, SocketsReport, SocketsRequest, Which},
};
use serde_json::Value;

use super::Known;
use crate::{
    diagnose,
    finding::Peer,
    probe::Conclusion,
    render::{self, SocketsShown, SocketsView},
    saved::Replay,
    session::{Session, Stopped},
};

#[derive(Default)]
pub(crate) struct Saved {
    fold: SocketsFold,
    has_begun: bool,
    /// Of a document.
    report: Option<SocketsReport>,
    request: Option<SocketsRequest>,
    known: Known,
}

impl Replay for Saved {
    const NAME: &'static str = "sockets";
    const KIND: &'static str = "SocketsReport";
    type Event = SocketsEvent;
    const IS_WHOLE: bool = true;

    fn take(
        &mut self,
        _: &mut Peer,
        event: SocketsEvent,
        _: Timestamp,
        _: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        self.has_begun = true;
        self.fold.push(&event);
        Ok(())
    }

    fn of_document(&mut self, document: &Value, to: Peer) -> serde_json::Result<()> {
        self.report = Some(serde_json::from_value(document["sockets"].clone())?);
        self.request = serde_json::from_value(document["request"].clone()).ok();
        let addresses = document["addresses"].as_array().into_iter().flatten();
        self.known.saved = addresses.filter_map(address).collect();
        let containers = document["containers"].as_object().into_iter().flatten();
        let safe = |text: &str| Untrusted::from(text).to_string();
        self.known.containers = containers
            .filter_map(|(id, name)| Some((safe(id), safe(name.as_str()?))))
            .collect::<BTreeMap<_, _>>();
        self.known.own.extend(to.address);
        Ok(())
    }

    fn conclude(
        self,
        from: &Peer,
        ended: Option<EndReason>,
        session: &mut Session<'_>,
    ) -> Result<Option<(Conclusion, Option<Peer>)>, Stopped> {
        if !self.has_begun && self.report.is_none() {
            return Ok(None);
        }
        let report = self.report.unwrap_or_else(|| self.fold.report(ended, None));
        let has_names = self.request.is_some();
        let request = self.request.unwrap_or_else(|| request_of(&report));
        let shown = SocketsShown {
            is_default_set: request.which == Which::Connected && request.states.is_empty(),
            has_names,
            has_stats: request.stats,
            ..SocketsShown::default()
        };
        let view = SocketsView {
            request: &request,
            report: &report,
            place: from,
            known: &self.known,
            shown,
        };
        render::sockets(session.out, &session.screen, &view, None)?;
        let findings = diagnose::sockets(&view, None);
        let parts = super::parts(&view)?;
        Ok(Some((Conclusion { findings, parts }, Some(from.clone()))))
    }
}

/// What an address was when the table was read.
fn address(entry: &Value) -> Option<((IpAddr, Option<u16>), String)> {
    let address = entry["address"].as_str()?.parse().ok()?;
    let port = entry["port"].as_u64().and_then(|port| port.try_into().ok());
    Some(((address, port), Untrusted::from(entry["what"].as_str()?).to_string()))
}

/// What must have been asked for this to come of it, where only the events are there.
fn request_of(report: &SocketsReport) -> SocketsRequest {
    let entries = || report.entries.iter();
    let has_full = entries().any(|entry| entry.accept_queue.is_some_and(|queue| queue.is_full()));
    let which = match (
        entries().any(|entry| entry.is_listening()),
        entries().any(|entry| !entry.is_listening()),
    ) {
        (true, false) => Which::Listening,
        (false, true) => Which::Connected,
        (true, true) | (false, false) => Which::All,
    };
    SocketsRequest {
        which,
        processes: !report.processes.is_empty() || report.skipped.is_some(),
        // They come besides where a queue is full; else they are what was asked for.
        stats: !report.counters.is_empty() && !has_full,
        ..SocketsRequest::default()
    }
}
