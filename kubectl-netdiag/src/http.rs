//! `http`: a request and what its answer means, over redirects and again and again.

use std::{collections::HashSet, io, sync::Arc};

use netdiag_wire::{
    http::{HttpEvent, HttpRequest, HttpTunnel, HttpVersion, field},
    tls::TlsOffer,
};
use rustls::sign::CertifiedKey;
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

mod again;
mod ask;
mod exchange;
pub(crate) mod grpc;
mod keyed;
mod multipart;
mod payload;
pub(crate) mod phases;
mod route;
mod saved;
mod sink;
pub(crate) mod websocket;
mod write_out;

pub(crate) use ask::{Ask, Place, is_secret};
pub(crate) use exchange::Exchanged;
pub(crate) use phases::Phases;
pub(crate) use saved::Saved;

use crate::{
    args::{HttpArgs, Origin, Port, ProbeArgs, Target, http::Site},
    cert,
    certificates::Roots,
    cluster::Cluster,
    diagnose::{self, HttpCase, cut_off},
    finding::{Failure, Finding, Label, PeerKind, Severity, worst},
    local,
    plan::{PortProtocol, named_port, target},
    probe::{
        Ends, part,
        way::{self, Route},
        within,
    },
    render::{self, Document, HttpView, Names},
    session::{Clock, Session, Stopped},
    stream::{Looks, Output},
    tls::own_names,
};
use exchange::{Halt, Road, Terms, exchange, unwritten};
use route::Routes;
use sink::Sink;

/// One run of the command.
struct Run<'a> {
    args: &'a HttpArgs,
    road: Road<'a>,
    ends: Ends<'a>,
    roots: Roots,
    /// The client's own certificate and its key, which stays here.
    key: Option<Arc<CertifiedKey>>,
    routes: Routes,
    deadline: Option<Instant>,
    clock: Clock,
    /// The names that the first server goes by.
    own: Vec<String>,
}

/// All requests of one run, the one that decides last.
pub(crate) struct Trail {
    pub(crate) hops: Vec<Exchanged>,
    /// Why the last redirect was not followed.
    pub(crate) stuck: Option<Stuck>,
    /// What gRPC's health service said.
    pub(crate) health: Option<Vec<u8>>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Stuck {
    /// To where it has been.
    Loop(String),
    TooMany(u32),
    /// `Location` is no URL that can be followed.
    Nowhere(String),
}

impl Trail {
    pub(crate) fn last(&self) -> &Exchanged {
        // There is one before anything can be asked of it.
        &self.hops[self.hops.len() - 1]
    }
}

/// Runs the command; the verdict makes the exit code.
pub(crate) async fn run(args: &HttpArgs, session: &mut Session<'_>) -> Result<Severity, Stopped> {
    let (clock, site) = (Clock::now(), args.site()?);
    let routes = Routes::of(&args.way)?;
    let deadline = args.deadline().map(|deadline| clock.deadline(deadline));
    let origin = session.origin(args.source.from.as_ref())?;
    let is_local = origin == Some(Origin::Local);
    let needs_cluster = matches!(site.target, Target::Object(_))
        || args.way.cacert.as_ref().is_some_and(cert::is_in_cluster);
    let cluster = match is_local && !needs_cluster {
        true => None,
        false => Some(Cluster::open(&args.kube, &session.surroundings)?),
    };
    let (road, mut ends) = match (&cluster, is_local) {
        (Some(cluster), false) => {
            let route = Route::Between(&site.target, origin.as_ref().and_then(Origin::object));
            // With a key of ours the source lends its connections alone.
            let right = if args.way.client().is_some() { "connect" } else { "http" };
            let opened = within(deadline, way::open(right, cluster, route, &args.source));
            let (aim, way) = session.waiting("asking the API server", opened).await?;
            let (from, is_default) = (way.start.peer.clone(), way.start.is_default);
            let account = Some(way.account());
            let cluster = Some(cluster);
            (Road::Agent(Box::new(way)), Ends { from, aim, is_default, cluster, account })
        }
        (cluster, _) => {
            let family = args.source.family();
            let aim = match cluster {
                Some(cluster) => {
                    within(deadline, target::find(cluster, &site.target, family)).await?
                }
                None => target::unlooked(&site.target),
            };
            let from = local::peer();
            let cluster = cluster.as_ref();
            (Road::Here, Ends { from, aim, is_default: false, cluster, account: None })
        }
    };
    let place = place(&site, &mut ends)?;
    let roots = cert::roots(args.way.cacert.as_ref(), ends.cluster).await?;
    let key = match args.way.client() {
        Some((certificate, key)) => Some(cert::client(certificate, key).await?),
        None => None,
    };
    let credentials = site.credentials.as_ref().map(|it| it.expose());
    let ask = Ask::new(&args.ask, place, credentials)?;
    let own = own_names(&ends.aim.peer);
    let mut run = Run { args, road, ends, roots, key, routes, deadline, clock, own };
    let ended = match args.way.count {
        1 => run.once(ask, session).await,
        count => run.many(ask, count, session).await,
    };
    match ended {
        Ok(severity) => Ok(severity),
        Err(Halt::Stopped(stopped)) => Err(stopped),
        Err(Halt::Refused(error)) => Err(run.road.refused(&error, &run.ends.aim).await.into()),
        Err(Halt::Cut(cause)) => {
            Err(cut_off("an unfinished answer", &run.ends.from, &cause).into())
        }
    }
}

/// Scheme, port and the name that clients use.
fn place(site: &Site, ends: &mut Ends<'_>) -> Result<Place, Failure> {
    use crate::args::http::Scheme;
    let peer = &ends.aim.peer;
    let (number, name) = match (&site.target, &site.port) {
        (Target::Object(_), asked) => {
            let mut tcp = ends.aim.ports.iter().filter(|port| port.protocol == PortProtocol::Tcp);
            let only = match (asked, tcp.next(), tcp.next()) {
                (None, Some(only), None) => Some(only.clone()),
                _ => None,
            };
            let port = match only {
                Some(port) => port,
                None => named_port(asked.as_ref(), PortProtocol::Tcp, &ends.aim)?,
            };
            (port.number, port.name)
        }
        (_, Some(Port::Number(number))) => (number.get(), None),
        (_, _) => (site.scheme.unwrap_or(Scheme::Http).port(), None),
    };
    let is_https =
        name.is_some_and(|name| name.starts_with("https")) || matches!(number, 443 | 8443);
    let usual = if is_https { Scheme::Https } else { Scheme::Http };
    let host = match (peer.kind, &peer.namespace) {
        (PeerKind::Service, Some(namespace)) => format!("{}.{namespace}.svc", peer.name),
        _ => ends.aim.host.clone(),
    };
    ends.aim.peer.port = Some(number);
    let scheme = site.scheme.unwrap_or(usual);
    Ok(Place { scheme, host, port: number, path: site.path.clone() })
}

impl Run<'_> {
    async fn once(&mut self, ask: Ask, session: &mut Session<'_>) -> Result<Severity, Halt> {
        let mut sink = self.sink(session)?;
        let mut tries = self.args.way.retry;
        let trail = loop {
            let trail = self.follow(ask.clone(), &mut sink, session).await?;
            let is_worth = trail.last().may_pass() && ask.payload.is_repeatable();
            if tries == 0 || !is_worth || sink.is_wanted() {
                break trail;
            }
            tries -= 1;
            writeln!(session.err, "{}; asking again", trail.last().outcome())?;
            tokio::time::sleep(self.args.way.interval).await;
        };
        self.conclude(trail, sink, session).await
    }

    fn sink(&self, session: &Session<'_>) -> Result<Sink, Stopped> {
        let shown = &self.args.shown;
        if self.args.ask.grpc_health.is_some() {
            return Ok(Sink::Kept(Vec::new()));
        }
        if let Some(path) = &shown.save {
            return Ok(Sink::File(sink::create(path)?));
        }
        if !shown.body {
            return Ok(Sink::Nowhere);
        }
        let streams = &session.streams;
        let looks = if streams.stdout_is_terminal { Looks::Text } else { Looks::AsTheyAre };
        Ok(Sink::Stdout(Output::new((streams.stdout)()?, looks)))
    }

    /// Over redirects, where those are to be followed.
    async fn follow(
        &mut self,
        ask: Ask,
        sink: &mut Sink,
        session: &mut Session<'_>,
    ) -> Result<Trail, Halt> {
        let mut trail = Trail { hops: Vec::new(), stuck: None, health: None };
        let mut seen = HashSet::new();
        let mut next = Some(ask);
        while let Some(ask) = next.take() {
            seen.insert((ask.method.clone(), ask.place.url()));
            let is_first = trail.hops.is_empty();
            let exchanged = self.exchange(ask, is_first, sink, session).await?;
            if let Some(to) = exchanged.leads_to().filter(|_| self.args.way.location) {
                let status = exchanged.answer().map_or(0, |answer| answer.status);
                match to {
                    Err(text) => trail.stuck = Some(Stuck::Nowhere(text)),
                    Ok(_) if trail.hops.len() as u32 >= self.args.way.max_redirs => {
                        trail.stuck = Some(Stuck::TooMany(self.args.way.max_redirs));
                    }
                    Ok(place) => {
                        let ask = exchanged.ask.clone().redirected(status, place);
                        match seen.contains(&(ask.method.clone(), ask.place.url())) {
                            // A cookie may make the difference, but none is kept.
                            true => trail.stuck = Some(Stuck::Loop(ask.place.url())),
                            false => next = Some(ask),
                        }
                    }
                }
            }
            if next.is_some() {
                self.show_hop(&exchanged, session)?;
            }
            trail.hops.push(exchanged);
        }
        Ok(trail)
    }

    async fn exchange(
        &mut self,
        ask: Ask,
        is_first: bool,
        sink: &mut Sink,
        session: &mut Session<'_>,
    ) -> Result<Exchanged, Halt> {
        let place = &ask.place;
        let host = if is_first { self.ends.aim.host.clone() } else { place.host.clone() };
        let request = self.request(&ask, host.clone(), sink.is_wanted());
        let names = match is_first && !self.own.is_empty() {
            true => self.own.clone(),
            false => vec![place.host.clone()],
        };
        let ways = &self.args.way;
        let terms = Terms {
            key: self.key.as_ref(),
            names: &names,
            roots: &self.roots,
            insecure: ways.insecure,
            compressed: self.args.ask.compressed,
            fail: self.args.shown.fail,
            address_from: self.address_from(place, &host),
            follows: ways.location,
            heads: (self.args.shown.include && sink.is_wanted())
                .then_some(self.args.shown.show_secrets),
            deadline: self.deadline,
        };
        let (url, args) = (place.url(), self.args);
        let port = match args.site()?.port {
            Some(Port::Name(name)) => Some(name),
            Some(Port::Number(_)) | None => None,
        };
        let aim = if is_first {
            self.ends.aim.clone()
        } else {
            let mut aim = target::unlooked(&Target::Host(place.host.clone()));
            aim.peer.port = Some(place.port);
            aim
        };
        let shown = ask.clone();
        let is_head_shown = args.ask.head || (args.shown.include && !sink.is_wanted());
        let ends = &mut self.ends;
        let show = |event: &HttpEvent, session: &mut Session<'_>| {
            if let HttpEvent::Reaching { addresses, source, .. } = event {
                if let (true, Some(source), Some(address)) = (is_first, source, addresses.first()) {
                    ends.meet(*source, *address);
                }
                let out = report(args, session);
                let peers = (&ends.from, &ends.aim.peer);
                return match is_first {
                    true => render::http_header(out.0, out.1, peers, (&url, port.as_deref())),
                    false => render::http_onward(out.0, out.1, &url, addresses),
                };
            }
            let (out, screen) = report(args, session);
            render::http_event(out, screen, event, &shown, args.shown.show_secrets)?;
            match event {
                HttpEvent::Answer(answer)
                    if is_head_shown && screen.detail == 0 && screen.shows_evidence() =>
                {
                    let head = render::http_head(answer, args.shown.show_secrets);
                    head.lines().try_for_each(|line| writeln!(out, "{}", screen.safe(line)))
                }
                _ => Ok(()),
            }
        };
        exchange(&mut self.road, (ask, request), &aim, &terms, sink, session, show).await
    }

    /// Why no name is asked for, where none is.
    fn address_from(&self, place: &Place, host: &str) -> &'static str {
        let usual = (host.to_owned(), place.port);
        match &self.routes.proxy {
            Some(_) => "the proxy's",
            None if self.routes.to(&place.host, place.port, host.to_owned()) != usual => "as told",
            None if place.host == host => "an address",
            None => "address from the API",
        }
    }

    fn request(&self, ask: &Ask, host: String, with_body: bool) -> HttpRequest {
        let (ways, place) = (&self.args.way, &ask.place);
        let version = ways.version();
        let is_https = place.scheme == crate::args::http::Scheme::Https;
        let proxy = self.routes.proxy.as_ref();
        let (host, port) = match proxy {
            Some(proxy) => (proxy.host.clone(), proxy.port),
            None => self.routes.to(&place.host, place.port, host),
        };
        let mut fields = ask.fields();
        fields.extend(proxy.filter(|_| !is_https).and_then(|proxy| proxy.authorization.clone()));
        let target = match proxy.is_some() && !is_https {
            true => place.url(),
            false if version == HttpVersion::Http2 || place.path.starts_with('/') => {
                place.path.clone()
            }
            false => format!("/{}", place.path),
        };
        let to = HttpRequest::to(host, port);
        HttpRequest {
            method: ask.method.clone(),
            target,
            fields,
            chunked: ask.payload.length().is_none(),
            version: match self.args.ask.grpc_health {
                Some(_) => HttpVersion::Http2,
                None => version,
            },
            tls: is_https.then(|| self.offer(&place.host, version)),
            tunnel: proxy.filter(|_| is_https).map(|proxy| HttpTunnel {
                authority: place.authority_with_port(),
                fields: proxy.authorization.clone().into_iter().collect(),
            }),
            proxy_protocol: ways.haproxy_protocol,
            with_body,
            wait_us: ways.connect_timeout.unwrap_or(to.wait_us),
            family: self.args.source.family(),
            source_address: ways.source_address,
            ..to
        }
    }

    fn offer(&self, host: &str, version: HttpVersion) -> TlsOffer {
        let is_name = host.parse::<std::net::IpAddr>().is_err();
        let alpn: &[&str] = match version {
            _ if self.args.ask.grpc_health.is_some() => &["h2"],
            _ if self.args.ask.websocket => &["http/1.1"],
            HttpVersion::Any => &["h2", "http/1.1"],
            HttpVersion::Http2 => &["h2"],
            HttpVersion::Http11 => &["http/1.1"],
            HttpVersion::Http10 => &[],
        };
        TlsOffer {
            server_name: is_name.then(|| host.trim_end_matches('.').to_owned()),
            alpn: alpn.iter().map(|one| (*one).to_owned()).collect(),
            version: None,
        }
    }

    fn show_hop(&self, exchanged: &Exchanged, session: &mut Session<'_>) -> io::Result<()> {
        let (out, screen) = report(self.args, session);
        render::http_status(out, screen, exchanged)
    }

    async fn conclude(
        &mut self,
        mut trail: Trail,
        sink: Sink,
        session: &mut Session<'_>,
    ) -> Result<Severity, Halt> {
        if let Sink::Kept(kept) = &sink {
            trail.health = Some(kept.clone());
        }
        sink.finish().await.map_err(unwritten)?;
        let mut context = self.ends.context(Names::default());
        if !trail.last().is_connected() {
            self.ends.look_closer(&mut context).await;
        }
        let (out, screen) = report(self.args, session);
        let view = HttpView { exchanged: trail.last() };
        render::http_answer(out, screen, &view)?;
        let endpoints = match trail.last().is_connected() {
            true => diagnose::Endpoints::Unknown,
            false => crate::service::how_many(&self.ends).await,
        };
        let case = HttpCase { trail: &trail, args: self.args, context: &context, endpoints };
        let findings = case.findings();
        if let Some(format) = &self.args.shown.write_out {
            write_out::print(format, &trail, session.out)?;
        }
        Ok(self.show(&findings, &[&trail], session)?)
    }

    /// The verdict, and the document.
    fn show(
        &self,
        findings: &[Finding],
        trails: &[&Trail],
        session: &mut Session<'_>,
    ) -> Result<Severity, Stopped> {
        let (out, screen) = report(self.args, session);
        render::verdict(out, screen, findings)?;
        let (_, part) = part("http", &document(trails, self.args))?;
        let document = Document::new("HttpReport", self.clock.span(), findings)
            .from(self.ends.from.clone())
            .to(self.ends.aim.peer.clone())
            .part("http", &part)
            .map_err(io::Error::from)?;
        render::document(session.out, &session.screen, &document)?;
        Ok(worst(findings))
    }
}

/// Where the report goes: to stderr where stdout is the body's.
fn report<'s>(
    args: &HttpArgs,
    session: &'s mut Session<'_>,
) -> (&'s mut dyn io::Write, &'s render::Screen) {
    match args.is_stdout_taken() {
        true => (&mut *session.err, &session.screen),
        false => (&mut *session.out, &session.screen),
    }
}

/// The probe's part of the document: the last request's report, and what the others came to.
fn document(trails: &[&Trail], args: &HttpArgs) -> Value {
    let one = |exchanged: &Exchanged| exchanged.entry(args.shown.show_secrets);
    let Some(last) = trails.last() else { return Value::Null };
    let mut value = one(last.last());
    let before = &last.hops[..last.hops.len() - 1];
    if !before.is_empty() {
        value["redirects"] = before.iter().map(one).collect();
    }
    if trails.len() > 1 {
        let requests = trails.iter().map(|trail| one(trail.last())).collect();
        value = json!({"requests": Value::Array(requests)});
    }
    value
}

impl Exchanged {
    /// `Location`, where this is a redirect; an error is its text, which is no URL to follow.
    fn leads_to(&self) -> Option<Result<Place, String>> {
        let answer = self.answer().filter(|it| matches!(it.status, 301 | 302 | 303 | 307 | 308))?;
        let location = field(&answer.fields, "location")?.to_string();
        let base: Url = self.ask.place.url().parse().ok()?;
        let place = base.join(&location).ok().and_then(|url| Place::of_url(&url));
        Some(place.ok_or(location))
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.report.attempts.last().is_some_and(crate::tls::is_connected)
    }

    /// What a second try may find otherwise (curl's --retry).
    fn may_pass(&self) -> bool {
        match self.answer() {
            Some(answer) => matches!(answer.status, 408 | 429 | 500 | 502 | 503 | 504),
            None => !self.is_refused,
        }
    }

    /// `503`, `no answer`.
    pub(crate) fn outcome(&self) -> String {
        match (self.answer(), self.is_connected()) {
            (Some(answer), _) => answer.status.to_string(),
            (None, true) => "no answer".into(),
            (None, false) => "no connection".into(),
        }
    }

    /// Part of `-o json`: the agent's report, and what is made of it.
    fn entry(&self, show_secrets: bool) -> Value {
        let mut report = self.report.clone();
        if let Some(answer) = report.answer.as_mut().filter(|_| !show_secrets) {
            for field in answer.fields.iter_mut().filter(|field| is_secret(field)) {
                field.value = render::HIDDEN.into();
            }
        }
        let mut value = serde_json::to_value(&report).unwrap_or_default();
        value["url"] = self.ask.place.url().into();
        value["method"] = self.ask.method.clone().into();
        value["phasesUs"] = Phases::of(&self.report).entry();
        value["curlExit"] = write_out::curl_exit(self).into();
        if let Some(answer) = self.answer() {
            value["status"] = answer.status.into();
        }
        value
    }
}

impl Place {
    pub(crate) fn of_url(url: &Url) -> Option<Self> {
        let site = Site::of_url(url).ok()?;
        let scheme = site.scheme?;
        let host = site.target.word("");
        let port = url.port_or_known_default()?;
        Some(Self { scheme, host, port, path: site.path })
    }

    fn authority_with_port(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

/// What to type for the same question elsewhere.
pub(crate) fn command(words: &[&str], from: &str) -> Label {
    let words = ["kubectl", "netdiag"].iter().chain(words).copied().chain(["--from", from]);
    Label::Next(words.map(str::to_owned).collect())
}
