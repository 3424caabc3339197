//! A check of a port for tests: its attempts, what is known around it, and the screen.

use std::net::SocketAddr;

use jiff::Timestamp;
use netdiag_wire::{
    EndReason, Event, Line,
    connect::{
        ConnectAttempt, ConnectEvent, ConnectFold, ConnectOutcome, ConnectProtocol, ConnectRequest,
    },
    listen::ListenReport,
};

use super::{Attempts, both_ends, connect_header};
use crate::{
    connect::{arrival, is_answered},
    diagnose::{self, Context, Endpoints, FarSight},
    finding::{Finding, Peer, PeerKind},
    render::{
        Names, Screen,
        scene::{node, pod_peer},
        stream_line, verdict,
    },
};

pub(crate) struct ConnectScene {
    pub(crate) request: ConnectRequest,
    pub(crate) context: Context,
    pub(crate) endpoints: Endpoints,
    pub(crate) events: Vec<ConnectEvent>,
    pub(crate) port: String,
    pub(crate) screen: Screen,
    pub(crate) ended: Option<EndReason>,
}

pub(crate) fn checkout() -> Peer {
    Peer {
        kind: PeerKind::Service,
        namespace: Some("shop".into()),
        name: "checkout".into(),
        address: Some([10, 96, 14, 7].into()),
        port: Some(80),
        words: vec!["ClusterIP".into()],
        ..Peer::default()
    }
}

pub(crate) fn foo() -> Peer {
    Peer { port: Some(8080), ..pod_peer("foo", [10, 244, 2, 7]) }
}

impl ConnectScene {
    pub(crate) fn to(to: Peer, port: &str) -> Self {
        let address = to.address.unwrap();
        let number = to.port.unwrap();
        let request = ConnectRequest::to(address.to_string(), number);
        let from = pod_peer("web-7d4c9b5f6-x2x9z", [10, 244, 1, 23]);
        let started = ConnectEvent::Started {
            target: 0,
            host: address.to_string().into(),
            port: number,
            protocol: ConnectProtocol::Tcp,
            addresses: vec![address],
            source: from.address,
        };
        let context = Context {
            names: Names { nodes: (1..4).map(node).collect(), ..Names::default() },
            now_at: "2026-11-22T03:07:11Z".parse().unwrap(),
            from,
            to,
            ..Context::default()
        };
        Self {
            request,
            context,
            endpoints: Endpoints::Unknown,
            events: vec![started],
            port: port.into(),
            screen: Screen::default(),
            ended: Some(EndReason::Completed),
        }
    }

    pub(crate) fn udp(mut self) -> Self {
        self.request.protocol = ConnectProtocol::Udp;
        self
    }

    pub(crate) fn endpoints(self, endpoints: Endpoints) -> Self {
        Self { endpoints, ..self }
    }

    pub(crate) fn then(self, took_us: u64, outcome: ConnectOutcome) -> Self {
        let port = self.request.targets[0].port;
        let remote = SocketAddr::new(self.context.to.address.unwrap(), port);
        self.at(remote, took_us, outcome, false)
    }

    pub(crate) fn at(
        mut self,
        remote: SocketAddr,
        took_us: u64,
        outcome: ConnectOutcome,
        beside: bool,
    ) -> Self {
        let round = self.events.len() as u32;
        let local = Some("10.244.1.23:41822".parse().unwrap());
        self.events.push(ConnectEvent::Attempt(ConnectAttempt {
            target: 0,
            round,
            remote,
            local,
            took_us,
            mss: (self.request.protocol == ConnectProtocol::Tcp).then_some(1460),
            beside,
            outcome,
        }));
        self
    }

    fn fold(&self) -> ConnectFold {
        let mut fold = ConnectFold::default();
        for (second, event) in self.events.iter().enumerate() {
            let at: Timestamp = "2026-11-22T03:07:11Z".parse().unwrap();
            fold.push(event, at + std::time::Duration::from_secs(second as u64));
        }
        fold
    }

    pub(crate) fn findings(&self) -> Vec<Finding> {
        let report = self.fold().report(self.ended);
        diagnose::connect(&report, &self.request, &self.context, self.endpoints)
    }

    /// The last attempt beside what came to a listener of ours.
    pub(crate) fn shown_with(&self, came: &ListenReport) -> String {
        let (mut out, screen, context) = (Vec::new(), &self.screen, &self.context);
        let report = self.fold().report(self.ended);
        let attempt = report.decisive().last().unwrap();
        let arrived = arrival(came, attempt);
        let both = (attempt, arrived);
        both_ends(&mut out, screen, self.request.protocol, both, came.accepted.len()).unwrap();
        let far = FarSight { came, arrived, is_answered: is_answered(attempt) };
        let findings = diagnose::connect_with_far_end(&report, &self.request, context, &far);
        verdict(&mut out, screen, &findings).unwrap();
        String::from_utf8(out).unwrap()
    }

    pub(crate) fn shown(&self) -> String {
        let (mut out, screen, context) = (Vec::new(), &self.screen, &self.context);
        let peers = (&context.from, &context.to);
        connect_header(&mut out, screen, self.request.protocol, peers, &self.port).unwrap();
        let mut attempts = Attempts::default();
        for event in &self.events {
            let at: Timestamp = "2026-11-22T03:07:11.25Z".parse().unwrap();
            let line = Line { at, event: Event::Probe(event.clone()) };
            stream_line(&mut out, screen, &line).unwrap();
            attempts.show(&mut out, screen, &context.names, event).unwrap();
        }
        attempts.end(&mut out, screen).unwrap();
        verdict(&mut out, screen, &self.findings()).unwrap();
        String::from_utf8(out).unwrap()
    }
}
