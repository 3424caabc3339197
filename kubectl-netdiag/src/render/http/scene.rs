//! An exchange for tests: its events, what is known around it, and the screen.

use netdiag_wire::{
    EndReason,
    connect::{ConnectAttempt, ConnectOutcome},
    http::{HttpAnswer, HttpEnd, HttpEvent, HttpField, HttpFold, HttpOver, HttpRequest},
    tls::{TlsAgreed, TlsHandshake, TlsOffer},
};

use super::{HttpView, http_answer, http_event, http_header};
use crate::{
    args::HttpArgs,
    diagnose::{Context, Endpoints, HttpCase},
    finding::{Finding, Peer, PeerKind},
    http::{Ask, Exchanged, Place, Trail},
    render::{Screen, scene::pod_peer, verdict},
};

pub(super) struct HttpScene {
    pub(super) url: String,
    pub(super) args: HttpArgs,
    pub(super) context: Context,
    pub(super) events: Vec<HttpEvent>,
    pub(super) certificates: Vec<Finding>,
    pub(super) is_refused: bool,
    pub(super) screen: Screen,
    pub(super) ended: Option<EndReason>,
}

/// `shop/svc/checkout:http`.
pub(super) fn checkout() -> Peer {
    Peer {
        kind: PeerKind::Service,
        namespace: Some("shop".into()),
        name: "checkout".into(),
        address: Some([10, 96, 14, 7].into()),
        port: Some(80),
        ..Peer::default()
    }
}

impl HttpScene {
    pub(super) fn of(url: &str, to: Peer) -> Self {
        let from = pod_peer("web-7d4c9b5f6-x2x9z", [10, 244, 1, 23]);
        let address = to.address.unwrap();
        let events = vec![HttpEvent::Reaching {
            host: address.to_string().into(),
            port: to.port.unwrap(),
            addresses: vec![address],
            source: from.address,
            name_us: None,
        }];
        Self {
            url: url.to_owned(),
            args: HttpArgs::bare(url),
            context: Context { from, to, ..Context::default() },
            events,
            certificates: Vec::new(),
            is_refused: false,
            screen: Screen::default(),
            ended: Some(EndReason::Completed),
        }
    }

    pub(super) fn named(mut self, name_us: u64, host: &str) -> Self {
        if let Some(HttpEvent::Reaching { host: asked, name_us: took, .. }) =
            self.events.first_mut()
        {
            (*asked, *took) = (host.into(), Some(name_us));
        }
        self
    }

    pub(super) fn connected(self, took_us: u64) -> Self {
        let connected = ConnectOutcome::Connected { banner: None, closed: false };
        self.then_connection(took_us, connected)
    }

    pub(super) fn then_connection(mut self, took_us: u64, outcome: ConnectOutcome) -> Self {
        let address = self.context.to.address.unwrap();
        self.events.push(HttpEvent::Connection(ConnectAttempt {
            target: 0,
            round: 1,
            remote: (address, self.context.to.port.unwrap()).into(),
            local: None,
            took_us,
            mss: None,
            beside: false,
            outcome,
        }));
        self
    }

    pub(super) fn then(mut self, event: HttpEvent) -> Self {
        self.events.push(event);
        self
    }

    pub(super) fn shaken(self, took_us: u64) -> Self {
        let agreed = TlsAgreed {
            version: "TLS 1.3".into(),
            cipher_suite: "TLS_AES_256_GCM_SHA384".into(),
            alpn: Some("h2".into()),
            ..TlsAgreed::default()
        };
        let handshake = TlsHandshake { took_us, agreed: Some(agreed), ..TlsHandshake::default() };
        self.then(HttpEvent::Handshake(Box::new(handshake)))
    }

    pub(super) fn answered(self, status: u16, fields: &[(&str, &str)], first_byte_us: u64) -> Self {
        let fields = fields.iter().map(|(name, value)| HttpField::new(*name, *value)).collect();
        let version = "HTTP/1.1".into();
        let head_us = first_byte_us;
        let answer =
            HttpAnswer { version, status, fields, first_byte_us, head_us, ..HttpAnswer::default() };
        self.then(HttpEvent::Sending).then(HttpEvent::Answer(Box::new(answer)))
    }

    pub(super) fn over(self, body_bytes: u64, body_us: u64, end: HttpEnd) -> Self {
        let over = HttpOver { body_bytes, body_us, end, ..HttpOver::default() };
        self.then(HttpEvent::Over(Box::new(over)))
    }

    pub(super) fn trail(&self) -> Trail {
        let mut fold = HttpFold::default();
        self.events.iter().for_each(|event| fold.push(event));
        let report = fold.report(self.ended);
        let place = Place::of_url(&self.url.parse().unwrap()).unwrap();
        let ask = Ask::new(&self.args.ask, place, None).unwrap();
        let to = HttpRequest::to(report.host.to_string(), report.port);
        let tls = self.url.starts_with("https").then(TlsOffer::default);
        let hop = Exchanged {
            ask,
            request: HttpRequest { tls, ..to },
            report,
            certificates: self.certificates.clone(),
            address_from: "address from the API",
            is_refused: self.is_refused,
            packed_badly: None,
            started_at: "2026-11-22T03:07:11Z".parse().unwrap(),
        };
        Trail { hops: vec![hop], stuck: None, health: None }
    }

    pub(super) fn findings(&self, trail: &Trail) -> Vec<Finding> {
        let (args, context) = (&self.args, &self.context);
        HttpCase { trail, args, context, endpoints: Endpoints::Unknown }.findings()
    }

    pub(super) fn shown(&self) -> String {
        let mut out = Vec::new();
        let (screen, trail) = (&self.screen, self.trail());
        let peers = (&self.context.from, &self.context.to);
        http_header(&mut out, screen, peers, (&self.url, Some("http"))).unwrap();
        for event in &self.events {
            http_event(&mut out, screen, event, &trail.last().ask, false).unwrap();
        }
        http_answer(&mut out, screen, &HttpView { exchanged: trail.last() }).unwrap();
        verdict(&mut out, screen, &self.findings(&trail)).unwrap();
        String::from_utf8(out).unwrap()
    }
}
