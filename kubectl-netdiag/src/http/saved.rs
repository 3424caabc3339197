//! A saved exchange: its events, or the document that ends them.

use jiff::Timestamp;
use netdiag_wire::{
    EndReason,
    http::{HttpEvent, HttpFold, HttpReport, HttpRequest},
};
use serde_json::Value;

use super::{Ask, Exchanged, Place, Trail};
use crate::{
    args::{HttpArgs, http::Scheme},
    diagnose::{Context, Endpoints, HttpCase},
    finding::Peer,
    probe::{self, Conclusion},
    render::{self, HttpView},
    saved::{Replay, typed},
    session::{Session, Stopped},
};

#[derive(Default)]
pub(crate) struct Saved {
    fold: HttpFold,
    at: Option<Timestamp>,
    to: Option<Peer>,
    /// Of a document.
    report: Option<HttpReport>,
    /// Method and URL of a document.
    asked: Option<(String, Place)>,
}

impl Replay for Saved {
    const NAME: &'static str = "http";
    const KIND: &'static str = "HttpReport";
    type Event = HttpEvent;
    const IS_WHOLE: bool = true;

    fn take(
        &mut self,
        from: &mut Peer,
        event: HttpEvent,
        at: Timestamp,
        _: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        if let HttpEvent::Reaching { host, port, addresses, source, .. } = &event {
            from.address = from.address.or(*source);
            self.to.get_or_insert(typed(host, addresses.first().copied(), Some(*port)));
            // Of several requests the last one is told.
            self.fold = HttpFold::default();
        }
        self.fold.push(&event);
        self.at = Some(at);
        Ok(())
    }

    fn of_document(&mut self, document: &Value, to: Peer) -> serde_json::Result<()> {
        let part = &document["http"];
        let last = part["requests"].as_array().and_then(|all| all.last()).unwrap_or(part);
        self.report = Some(serde_json::from_value(last.clone())?);
        let url = last["url"].as_str().and_then(|url| url.parse().ok());
        let place = url.and_then(|url| Place::of_url(&url));
        self.asked = last["method"].as_str().map(str::to_owned).zip(place);
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
        let scheme = if request.tls.is_some() { Scheme::Https } else { Scheme::Http };
        // Events have no URL: whom it was said to stands in their first line.
        let (method, place) = self.asked.unwrap_or_else(|| {
            let (host, port, path) = (request.host.clone(), request.port, "/".into());
            ("GET".into(), Place { scheme, host, port, path })
        });
        let args = HttpArgs::bare(&place.url());
        let mut ask = Ask::new(&args.ask, place, None)?;
        ask.method = method;
        let started_at = self.at.unwrap_or_else(Timestamp::now);
        let exchanged = Exchanged {
            ask,
            request,
            report,
            certificates: Vec::new(),
            address_from: "",
            is_refused: false,
            packed_badly: None,
            started_at,
        };
        let (out, screen) = (&mut *session.out, &session.screen);
        render::http_header(out, screen, (from, &to), (&exchanged.ask.place.url(), None))?;
        let view = HttpView { exchanged: &exchanged };
        render::http_answer(out, screen, &view)?;
        let part = probe::part("http", &exchanged.report)?;
        let trail = Trail { hops: vec![exchanged], stuck: None, health: None };
        let (from, peer) = (from.clone(), to.clone());
        let context = Context { from, to: peer, now_at: started_at, ..Context::default() };
        let endpoints = Endpoints::Unknown;
        let case = HttpCase { trail: &trail, args: &args, context: &context, endpoints };
        let conclusion = Conclusion { findings: case.findings(), parts: vec![part] };
        Ok(Some((conclusion, Some(to))))
    }
}

/// What must have been asked for this to come of it.
fn request_of(report: &HttpReport) -> HttpRequest {
    let mut request = HttpRequest::to(report.host.to_string(), report.port);
    request.tls = report.tls.as_ref().map(|_| netdiag_wire::tls::TlsOffer::default());
    request
}
