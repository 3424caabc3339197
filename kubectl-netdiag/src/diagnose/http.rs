//! The verdict on an HTTP exchange: what became of the connection, of the handshake, of the answer.

use netdiag_wire::{
    EndReason,
    connect::{ConnectEvent, ConnectFold, ConnectOutcome},
    http::HttpAnswer,
    tls::{TlsEnd, TlsReport, TlsRequest, TlsServed},
};

mod broken;
mod each;
mod flapping;
mod status;
mod whose;

pub(crate) use each::of_each;
pub(crate) use flapping::of_all;

use super::{Context, Endpoints, TlsCase, ended, labels};
use crate::{
    args::{HttpArgs, http::Scheme},
    code::certificates,
    finding::{Code, Finding, Label, PeerKind, Severity},
    http::{Exchanged, Phases, Stuck, Trail, grpc, websocket},
    render::number,
};

const TOO_LITTLE: Code = Code(309);
const SLOW: Code = Code(803);
const REDIRECTS: Code = Code(808);
const NOT_UPGRADED: Code = Code(815);
const NOT_SERVING: Code = Code(816);
const PACKED_BADLY: Code = Code(817);

const MADE_HERE: &str = "handshake and request were made on this machine, over a byte stream from \
                         the source: the key stays here, and the times are those of both ways";

/// A first byte that takes less is not slow, whatever its share.
const SLOW_US: u64 = 1_000_000;

/// A run of requests and all that is known around it.
pub(crate) struct HttpCase<'a> {
    pub(crate) trail: &'a Trail,
    pub(crate) args: &'a HttpArgs,
    pub(crate) context: &'a Context,
    pub(crate) endpoints: Endpoints,
}

impl HttpCase<'_> {
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let mut findings = self.unframed();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        if let Some(first) = findings.first_mut() {
            if self.args.way.client().is_some() {
                first.labels.push(Label::Note(MADE_HERE.into()));
            }
            labels::of_default_source(first, self.context);
        }
        findings
    }

    fn last(&self) -> &Exchanged {
        self.trail.last()
    }

    fn unframed(&self) -> Vec<Finding> {
        let last = self.last();
        if last.report.attempts.is_empty() {
            return vec![self.nothing("it ended before a connection was tried")];
        }
        if !last.is_connected() {
            return self.unconnected();
        }
        if last.is_refused {
            return self.refused();
        }
        if let Some(finding) = self.tunnel() {
            return vec![finding];
        }
        if last.request.tls.is_some() && !last.report.sent {
            return self.unshaken();
        }
        if self.late_alert().is_some() {
            return self.unshaken();
        }
        let Some(answer) = last.answer() else { return vec![self.no_answer()] };
        let mut findings = vec![self.of_answer(answer)];
        findings.extend(self.of_body());
        findings.extend(self.slow(answer));
        let is_well = |finding: &Finding| finding.severity == Severity::Ok;
        if findings.iter().any(|finding| !is_well(finding)) {
            findings.retain(|finding| !is_well(finding));
        }
        findings.extend(self.of_certificates());
        findings
    }

    /// As connect says it.
    fn unconnected(&self) -> Vec<Finding> {
        let Exchanged { report, request, started_at, .. } = self.last();
        let mut fold = ConnectFold::default();
        for attempt in &report.attempts {
            fold.push(&ConnectEvent::Attempt(attempt.clone()), *started_at);
        }
        let connected = fold.report(report.ended);
        // Whose source it is, is said below, of all alike.
        let context = Context { to: self.whom(), default_source: false, ..self.context.clone() };
        super::connect(&connected, &request.connection(), &context, self.endpoints)
    }

    /// The target, or where a redirect or a proxy led.
    fn whom(&self) -> crate::finding::Peer {
        let request = &self.last().request;
        if self.trail.hops.len() == 1 && request.host == self.hosts_own() {
            return self.context.to.clone();
        }
        let address = request.host.parse().ok();
        let kind = if address.is_some() { PeerKind::Address } else { PeerKind::Host };
        let (name, port) = (request.host.clone(), Some(request.port));
        crate::finding::Peer { kind, name, port, address, ..crate::finding::Peer::default() }
    }

    fn hosts_own(&self) -> String {
        let to = &self.context.to;
        match (to.kind, to.address) {
            (PeerKind::Host, _) | (_, None) => to.name.clone(),
            (_, Some(address)) => address.to_string(),
        }
    }

    fn target(&self) -> String {
        self.last().ask.place.authority()
    }

    fn from(&self) -> String {
        self.context.from.word()
    }

    /// Nothing was sent, because of the certificate.
    fn refused(&self) -> Vec<Finding> {
        let mut findings = self.last().certificates.clone();
        findings.retain(|finding| finding.severity != Severity::Ok);
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        if let Some(first) = findings.first_mut() {
            first.summary = format!("no request was sent: {}", first.summary);
            first.severity = Severity::Fail;
            let place = &self.last().ask.place;
            let target = format!("{}:{}", place.host, place.port);
            let is_named = self.context.to.kind != PeerKind::Host && self.trail.hops.len() == 1;
            let target = if is_named { self.context.to.word() } else { target };
            first.labels.push(crate::http::command(&["tls", &target], &self.from()));
            let is_of_name = first.code == Some(certificates::WRONG_NAME);
            if let (true, Ok(address)) = (is_of_name, place.host.parse::<std::net::IpAddr>()) {
                let note = format!(
                    "https://NAME --connect-to ::{address}:{} asks it by its name",
                    place.port
                );
                first.labels.push(Label::Note(note));
            }
            first.labels.push(Label::Note(
                "--cacert CA trusts a private CA; -k takes any certificate".into(),
            ));
        }
        findings
    }

    /// As tls says it.
    fn unshaken(&self) -> Vec<Finding> {
        let Exchanged { report, request, .. } = self.last();
        let asked = TlsRequest {
            offer: request.tls.clone().unwrap_or_default(),
            ..TlsRequest::to(request.host.clone(), request.port)
        };
        let tls = TlsReport {
            host: report.host.clone(),
            port: report.port,
            addresses: report.addresses.clone(),
            source_address: report.source_address,
            attempts: report.attempts.clone(),
            asked: self.handshake(),
            ended: report.ended,
            ..TlsReport::default()
        };
        let context = Context { to: self.whom(), default_source: false, ..self.context.clone() };
        let mut findings =
            TlsCase { report: &tls, request: &asked, context: &context }.findings(Vec::new());
        let handshake = tls.asked.as_ref().and_then(|served| served.handshake.as_ref());
        let is_http = |said: &[u8]| said.starts_with(b"HTTP/") || said.starts_with(b"<");
        if let (Some(first), Some(TlsEnd::PlainText { said })) =
            (findings.first_mut(), handshake.map(|handshake| &handshake.end))
            && is_http(said.as_bytes())
        {
            let url = self.last().ask.place.in_scheme(Scheme::Http).url();
            first.labels.push(crate::http::command(&["http", &url], &self.from()));
        }
        findings
    }

    /// The alert that came behind the handshake and instead of an answer: a server of TLS 1.3 refuses
    /// a client only there, and to one without certificate the alert may be lost in a reset.
    fn late_alert(&self) -> Option<u8> {
        const CERTIFICATE_REQUIRED: u8 = 116;
        let report = &self.last().report;
        let over = report.over.as_ref().filter(|_| report.answer.is_none())?;
        let handshake = report.tls.as_ref().and_then(|tls| tls.handshake.as_ref())?;
        let is_without = handshake.asked.as_ref().is_some_and(|asked| !asked.sent);
        let is_refused = is_without && over.read_bytes == 0;
        over.alert.or_else(|| is_refused.then_some(CERTIFICATE_REQUIRED))
    }

    /// With that alert.
    fn handshake(&self) -> Option<TlsServed> {
        let mut served = self.last().report.tls.clone()?;
        if let (Some(handshake), Some(alert)) = (served.handshake.as_mut(), self.late_alert()) {
            handshake.end = TlsEnd::Alert { alert };
        }
        Some(served)
    }

    fn nothing(&self, otherwise: &str) -> Finding {
        let ended = self.last().report.ended;
        let why = ended::why(ended, &self.context.from);
        let why = why.filter(|_| ended != Some(EndReason::Completed));
        let why = why.unwrap_or_else(|| otherwise.into());
        Finding::new(Severity::Unknown, TOO_LITTLE, format!("cannot tell: {why}"))
    }

    fn of_answer(&self, answer: &HttpAnswer) -> Finding {
        match &self.trail.stuck {
            Some(Stuck::Loop(url)) => {
                let summary = format!("the redirects go in a circle: back to {url}");
                return Finding::new(Severity::Fail, REDIRECTS, summary).with(Label::Seen(
                    format!("{} answers before it", number::count(self.trail.hops.len() as u64)),
                ));
            }
            Some(Stuck::TooMany(most)) => {
                let summary = format!("more than {most} redirects");
                return Finding::new(Severity::Fail, REDIRECTS, summary)
                    .with(Label::Note("--max-redirs N follows more".into()));
            }
            Some(Stuck::Nowhere(text)) => {
                let summary = format!("a redirect to what is no URL that can be followed: {text}");
                return Finding::new(Severity::Fail, REDIRECTS, summary);
            }
            None => {}
        }
        if self.args.ask.websocket {
            return self.upgrade(answer);
        }
        if self.args.ask.grpc_health.is_some() {
            return self.health(answer);
        }
        self.of_status(answer)
    }

    fn upgrade(&self, answer: &HttpAnswer) -> Finding {
        match websocket::check(answer) {
            Ok(()) => Finding::ok("the upgrade to WebSocket is granted, and the proof is right"),
            Err(websocket::NotUpgraded::Status) => {
                let summary = format!("no upgrade to WebSocket: the answer is {}", answer.status);
                Finding::new(Severity::Fail, NOT_UPGRADED, summary)
                    .with(self.by(answer))
                    .with(Label::Means("a proxy on the way may know no upgrade, or drop it".into()))
            }
            Err(websocket::NotUpgraded::NotProven) => {
                let summary = "101, but without the proof that the key was read";
                Finding::new(Severity::Fail, NOT_UPGRADED, summary)
                    .with(Label::Means("browsers close such a connection".into()))
            }
        }
    }

    fn health(&self, answer: &HttpAnswer) -> Finding {
        let over = self.last().report.over.as_ref();
        let fields = over.map(|over| over.trailers.as_slice()).unwrap_or_default();
        let status = netdiag_wire::http::field(fields, "grpc-status")
            .or_else(|| netdiag_wire::http::field(&answer.fields, "grpc-status"));
        let status = status.map(ToString::to_string);
        let serving = self.trail.health.as_deref().and_then(grpc::answer);
        let fail = |summary: String| Finding::new(Severity::Fail, NOT_SERVING, summary);
        match (status.as_deref(), serving) {
            (Some("0"), Some(grpc::Health::Serving)) => Finding::ok("gRPC health: SERVING"),
            (Some("0"), Some(other)) => fail(format!("gRPC health: {}", other.word())),
            (Some("12"), _) => fail("gRPC, but no health service (UNIMPLEMENTED)".into()),
            (Some("5"), _) => fail("gRPC health: the service is not known (NOT_FOUND)".into()),
            (Some(status), _) => fail(format!("gRPC health: grpc-status {status}")),
            (None, _) => fail(format!("no gRPC: {} without grpc-status", answer.status))
                .with(self.by(answer)),
        }
    }

    /// What is not wrong with the answer itself.
    fn slow(&self, answer: &HttpAnswer) -> Option<Finding> {
        let phases = Phases::of(&self.last().report);
        let (first, total) = (answer.first_byte_us, phases.total());
        let network = phases.connect.unwrap_or_default();
        let is_slow = first >= SLOW_US && first > 10 * network && first > total / 2;
        let sent = self.last().report.over.as_ref().map_or(0, |over| over.sent_bytes);
        // A long upload is no slow server.
        (is_slow && sent < 1024 * 1024).then(|| {
            let summary = format!(
                "slow first byte: the server took {} of {}, the network {}",
                number::took(first),
                number::took(total),
                number::took(network)
            );
            Finding::new(Severity::Warn, SLOW, summary)
        })
    }

    /// Only what is worth a word beside an answer.
    fn of_certificates(&self) -> Vec<Finding> {
        let mut findings = self.last().certificates.clone();
        findings.retain(|finding| finding.severity != Severity::Ok);
        for finding in &mut findings {
            if finding.severity == Severity::Fail && self.args.way.insecure {
                // -k said so: it is no failure of this request.
                finding.severity = Severity::Warn;
            }
        }
        findings
    }

    /// A proxy of the source's own took the connection, and what came back came through it.
    fn is_taken(&self) -> bool {
        let last = self.last().report.attempts.last();
        last.is_some_and(|last| last.outcome == ConnectOutcome::Intercepted)
    }
}
