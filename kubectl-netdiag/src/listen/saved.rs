//! A saved listener: its events, or the document that ends them.

use std::net::SocketAddr;

use jiff::Timestamp;
use netdiag_wire::{
    EndReason,
    listen::{ListenEvent, ListenFold, ListenReport, ListenRequest},
};
use serde_json::Value;

use crate::{
    diagnose,
    finding::Peer,
    probe::{self, Conclusion},
    render::{self, Names},
    saved::Replay,
    session::{Session, Stopped},
};

#[derive(Default)]
pub(crate) struct Saved {
    fold: ListenFold,
    /// Of the first event and the last.
    at: Option<(Timestamp, Timestamp)>,
    /// Of a document, with how long it listened, in microseconds.
    report: Option<(ListenReport, u64)>,
}

impl Replay for Saved {
    const NAME: &'static str = "listen";
    const KIND: &'static str = "ListenReport";
    type Event = ListenEvent;
    const IS_WHOLE: bool = true;

    fn take(
        &mut self,
        _: &mut Peer,
        event: ListenEvent,
        at: Timestamp,
        _: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        self.fold.push(&event, at);
        self.at = Some((self.at.map_or(at, |(first, _)| first), at));
        Ok(())
    }

    fn of_document(&mut self, document: &Value, _: Peer) -> serde_json::Result<()> {
        let report = serde_json::from_value(document["listen"].clone())?;
        self.report = Some((report, document["tookUs"].as_u64().unwrap_or_default()));
        Ok(())
    }

    fn conclude(
        self,
        from: &Peer,
        ended: Option<EndReason>,
        session: &mut Session<'_>,
    ) -> Result<Option<(Conclusion, Option<Peer>)>, Stopped> {
        let (report, took_us) = match (self.report, self.at) {
            (Some(of_document), _) => of_document,
            (None, None) => return Ok(None),
            (None, Some((first, last))) => {
                let took_us = last.duration_since(first).as_micros();
                (self.fold.report(ended, None), took_us.try_into().unwrap_or_default())
            }
        };
        let names = Names::default();
        let (out, screen) = (&mut *session.out, &session.screen);
        render::listening(out, screen, &request_of(&report), from)?;
        for accepted in &report.accepted {
            let peer = SocketAddr::new(accepted.from.address, accepted.from.port);
            render::accepted(out, screen, (peer, accepted.at), &accepted.arrival, &names)?;
        }
        let findings = diagnose::listen(&report, &names, took_us);
        let parts = vec![probe::part("listen", &report)?];
        Ok(Some((Conclusion { findings, parts }, None)))
    }
}

/// What must have been asked for this to come of it.
fn request_of(report: &ListenReport) -> ListenRequest {
    let Some(local) = report.local else { return ListenRequest::on(0) };
    let address = Some(local.address).filter(|address| !address.is_unspecified());
    ListenRequest { address, udp: report.udp, ..ListenRequest::on(local.port) }
}
