//! `tls`: the handshakes with one server, and what its certificates are worth.

use std::io::{self, Write};

use jiff::Timestamp;
use netdiag_tls::names;
use netdiag_wire::{
    EndReason, Untrusted,
    connect::{
        ConnectAttempt, ConnectEvent, ConnectFold, ConnectOutcome, ConnectProtocol, ConnectReport,
    },
    tls::{TlsAgreed, TlsEnd, TlsEvent, TlsFold, TlsPurpose, TlsReport, TlsRequest, TlsServed},
};

mod clocks;
#[cfg(test)]
mod hostile;
mod keyed;
pub(crate) mod pem;
mod saved;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod screens;
mod served;
mod staple;

use clocks::Clocks;
pub(crate) use keyed::{attempt, run};
pub(crate) use saved::Saved;
pub(crate) use served::{Chain, Expected};

use crate::{
    args::TlsArgs,
    cert,
    certificates::{self, Certificate, Moment, Roots},
    diagnose::{self, Context, Endpoints, TlsCase},
    finding::{Failure, Finding, Peer, PeerKind},
    plan::{PortProtocol, named_port},
    probe::{self, Conclusion, Ends, Probe},
    render::{self, Attempts, Names, Screen, TlsView},
    service,
    session::{Session, Stopped},
};

/// One server on its way.
pub(crate) struct Tls<'a> {
    args: &'a TlsArgs,
    request: TlsRequest,
    /// Names that clients may ask for, the first of which is the usual one.
    names: Vec<String>,
    roots: Roots,
    fold: TlsFold,
    /// The connections below, for what became of them.
    connections: ConnectFold,
    /// As the header has it: by its name, where it was typed so.
    port: String,
    /// The source's clock minus this machine's, in milliseconds.
    clock_off_ms: Option<i64>,
}

impl<'a> Probe<'a> for Tls<'a> {
    const NAME: &'static str = "tls";
    const KIND: &'static str = "TlsReport";
    type Args = TlsArgs;
    type Request = TlsRequest;
    type Event = TlsEvent;

    async fn begin(args: &'a TlsArgs, ends: &mut Ends<'_>) -> Result<Self, Failure> {
        let asked = args.port()?;
        let port = named_port(asked.as_ref(), PortProtocol::Tcp, &ends.aim)?.number;
        ends.aim.peer.port = Some(port);
        if let Some(path) = &args.save {
            pem::check(path)?;
        }
        let roots = cert::roots(args.ca_file.as_ref(), ends.cluster).await?;
        let own = own_names(&ends.aim.peer);
        let usual = own.first().map(String::as_str);
        let request = args.request(ends.aim.host.clone(), port, usual);
        let names = match args.server_name(None) {
            Some(name) => vec![name],
            None => own,
        };
        let port = asked.map(|port| port.to_string()).unwrap_or_default();
        let (fold, connections) = (TlsFold::default(), ConnectFold::default());
        Ok(Self { args, request, names, roots, fold, connections, port, clock_off_ms: None })
    }

    fn request(&self) -> &TlsRequest {
        &self.request
    }

    async fn take(
        &mut self,
        ends: &mut Ends<'_>,
        event: TlsEvent,
        at: Timestamp,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        self.fold.push(&event);
        match event {
            TlsEvent::Dialing { host, port, addresses, source } => {
                if let (Some(source), Some(address)) = (source, addresses.first()) {
                    ends.meet(source, *address);
                }
                let protocol = ConnectProtocol::Tcp;
                let target = 0;
                let started =
                    ConnectEvent::Started { target, host, port, protocol, addresses, source };
                self.connections.push(&started, at);
                let (out, screen) = (&mut *session.out, &session.screen);
                let peers = (&ends.from, &ends.aim.peer);
                if !self.args.showcerts {
                    render::connect_header(out, screen, protocol, peers, &self.port)?;
                }
            }
            TlsEvent::Connection { purpose: TlsPurpose::Asked, attempt } => {
                self.connections.push(&ConnectEvent::Attempt(attempt), at);
            }
            // One that was made here tells nothing of another's clock.
            TlsEvent::Handshake(handshake)
                if handshake.purpose == TlsPurpose::Asked && self.args.client().is_none() =>
            {
                self.clock_off_ms = Some(clocks::off_ms(at));
            }
            _ => {}
        }
        Ok(())
    }

    fn progress(&self) -> String {
        diagnose::tls_progress(&self.fold.report(None))
    }

    async fn conclude(
        self,
        ends: &Ends<'_>,
        ended: Option<EndReason>,
        session: &mut Session<'_>,
    ) -> Result<Conclusion, Stopped> {
        let report = self.fold.report(ended);
        let mut context = ends.context(Names::default());
        let is_connected = report.attempts.last().is_some_and(is_connected);
        if !is_connected {
            ends.look_closer(&mut context).await;
            let endpoints = service::how_many(ends).await;
            let around = (&self.request, &context, endpoints);
            let findings = unconnected(&self.connections.report(ended), around, session)?;
            return Ok(Conclusion { findings, parts: vec![probe::part("tls", &report)?] });
        }
        let (request, names, context) = (&self.request, &self.names, &context);
        let over = Over { report: &report, request, names, roots: &self.roots, context };
        let certificates = over.certificates();
        if let Some(path) = &self.args.save {
            pem::save(path, certificates)?;
        }
        if !self.args.showcerts {
            let mut conclusion = over.conclude(session.out, &session.screen)?;
            if self.args.client().is_some() {
                keyed::note(&mut conclusion.findings, &report);
            }
            if clocks::matter(&conclusion.findings) {
                let clocks = Clocks::ask(ends, self.clock_off_ms).await;
                clocks.tell(&mut conclusion.findings);
            }
            return Ok(conclusion);
        }
        session.out.write_all(pem::of(certificates).as_bytes())?;
        let (quiet, screen) = (session.screen.quiet, &mut session.screen);
        screen.quiet = true;
        let conclusion = over.conclude(session.out, &session.screen)?;
        render::verdict(
            session.err,
            &Screen { quiet, ..session.screen.clone() },
            &conclusion.findings,
        )?;
        Ok(conclusion)
    }
}

impl Tls<'_> {
    /// What the server showed, as far as it can be read.
    pub(crate) fn served(&self) -> Vec<Certificate> {
        self.fold
            .report(None)
            .shown()
            .map(|served| Chain::of(served).certificates)
            .unwrap_or_default()
    }

    /// `findings` of the certificates, with what became of the handshake; and its report.
    pub(crate) fn around(
        &self,
        ends: &Ends<'_>,
        ended: Option<EndReason>,
        findings: Vec<Finding>,
    ) -> (Vec<Finding>, TlsReport) {
        let report = self.fold.report(ended);
        let context = ends.context(Names::default());
        let case = TlsCase { report: &report, request: &self.request, context: &context };
        (case.findings(findings), report)
    }
}

/// Handshakes that are over.
struct Over<'a> {
    report: &'a TlsReport,
    request: &'a TlsRequest,
    names: &'a [String],
    roots: &'a Roots,
    context: &'a Context,
}

impl Over<'_> {
    /// As served.
    fn certificates(&self) -> &[Untrusted] {
        self.report.shown().map(|served| served.certificates.as_slice()).unwrap_or_default()
    }

    fn conclude(&self, out: &mut dyn Write, screen: &Screen) -> Result<Conclusion, Stopped> {
        let Self { report, request, context, .. } = *self;
        let (name, mut part) = probe::part("tls", report)?;
        if !report.versions.is_empty() {
            render::tls_takes(out, screen, report)?;
            let findings = TlsCase { report, request, context }.of_scan();
            return Ok(Conclusion { findings, parts: vec![(name, part)] });
        }
        let view = TlsView { report, request };
        render::tls_head(out, screen, &view)?;
        let served = report.shown();
        let chain = served.map(Chain::of);
        let mut findings = Vec::new();
        if let (Some(served), Some(chain)) = (served, &chain) {
            self.show((served, chain), out, screen)?;
            let expected = Expected { names: self.names, roots: self.roots, now: context.now_at };
            let agreed = served.handshake.as_ref().and_then(|handshake| handshake.agreed.as_ref());
            findings = chain.judge(&expected, agreed.unwrap_or(&TlsAgreed::default()));
            part["chain"] = chain.entries().map_err(io::Error::from)?;
            if let Some(staple) = chain.staple_entry() {
                part["staple"] = serde_json::to_value(staple).map_err(io::Error::from)?;
            }
        }
        let handshake = report.asked.as_ref().and_then(|asked| asked.handshake.as_ref());
        if let Some(asked) = handshake.and_then(|handshake| handshake.asked.as_ref()) {
            let authorities = certificates::of_authorities(&asked.authorities);
            part["clientAuthorities"] = authorities.into();
        }
        let findings = TlsCase { report, request, context }.findings(findings);
        Ok(Conclusion { findings, parts: vec![(name, part)] })
    }

    fn show(
        &self,
        (served, chain): (&TlsServed, &Chain),
        out: &mut dyn Write,
        screen: &Screen,
    ) -> Result<(), Stopped> {
        if !screen.shows_evidence() || served.certificates.is_empty() {
            return Ok(());
        }
        let now = Moment::of(self.context.now_at);
        let (table, _) = certificates::table(&chain.certificates, now, false);
        render::table(out, screen, &table)?;
        if screen.detail > 0 {
            for line in chain.certificates.iter().flat_map(certificates::text) {
                writeln!(out, "{}", screen.safe(&line))?;
            }
        }
        if let Some(names) = chain.good_for(self.names) {
            writeln!(out, "{}", screen.safe(&names))?;
        }
        if let Some(stapled) = chain.stapled() {
            writeln!(out, "{}", screen.safe(&stapled))?;
        }
        if let Some(other) = self.other() {
            writeln!(out, "{}", screen.safe(&other))?;
        }
        Ok(())
    }

    /// What clients get that send no name, where that is something else.
    fn other(&self) -> Option<String> {
        let nameless = self.report.without_name.as_ref()?;
        let with = self.certificates().first()?;
        match (nameless.certificates.first(), &nameless.handshake.as_ref()?.end) {
            (Some(other), _) if other == with => None,
            (Some(other), _) => {
                let other = Certificate::parse(other.as_bytes()).ok()?;
                let (subject, issuer) = (other.subject.text, other.issuer.text);
                Some(format!("without SNI another certificate: {subject}, of {issuer}"))
            }
            (None, TlsEnd::Alert { alert }) => {
                Some(format!("without SNI no certificate: alert {}", names::alert(*alert)))
            }
            (None, _) => Some("without SNI no certificate".into()),
        }
    }
}

/// With the target, or with a proxy on the way to it.
pub(crate) fn is_connected(attempt: &ConnectAttempt) -> bool {
    attempt.outcome.is_well() || attempt.outcome == ConnectOutcome::Intercepted
}

/// There was no connection: as connect says it.
fn unconnected(
    report: &ConnectReport,
    (request, context, endpoints): (&TlsRequest, &Context, Endpoints),
    session: &mut Session<'_>,
) -> Result<Vec<Finding>, Stopped> {
    let mut attempts = Attempts::default();
    for attempt in &report.attempts {
        let event = ConnectEvent::Attempt(attempt.clone());
        attempts.show(session.out, &session.screen, &context.names, &event)?;
    }
    Ok(diagnose::connect(report, &request.connection(), context, endpoints))
}

/// What its clients call it.
pub(crate) fn own_names(peer: &Peer) -> Vec<String> {
    match (peer.kind, &peer.namespace) {
        (PeerKind::Host, _) => vec![peer.name.trim_end_matches('.').to_owned()],
        (PeerKind::Service, Some(namespace)) => {
            let short = format!("{}.{namespace}", peer.name);
            vec![
                format!("{short}.svc"),
                format!("{short}.svc.cluster.local"),
                peer.name.clone(),
                short,
            ]
        }
        _ => Vec::new(),
    }
}
