//! `http`: a request and what its answer means, over redirects and again and again.

use std::{collections::HashSet, io, net::SocketAddr, sync::Arc};

use netdiag_wire::http::HttpEvent;
use rustls::sign::CertifiedKey;
use serde_json::Value;
use tokio::time::Instant;

mod again;
mod ask;
mod cookies;
mod each;
mod entry;
mod exchange;
pub(crate) mod grpc;
mod keyed;
mod multipart;
mod payload;
pub(crate) mod phases;
mod request;
mod route;
mod saved;
mod secrets;
mod sink;
pub(crate) mod websocket;
mod write_out;

pub(crate) use ask::{Ask, Place};
pub(crate) use each::Answered;
pub(crate) use exchange::Exchanged;
pub(crate) use phases::Phases;
pub(crate) use saved::Saved;
pub(crate) use secrets::is_secret;

use crate::{
    args::{HttpArgs, Port, ProbeArgs, Target},
    cert,
    certificates::Roots,
    cluster::Cluster,
    diagnose::{self, HttpCase},
    finding::{Finding, Label, Severity, worst},
    plan::{Aim, target},
    probe::Ends,
    render::{self, Document, HttpView, Names},
    session::{Clock, Session, Stopped},
    stream::{Between, Halt, Looks, Output, Road},
    tls::{own_names, pem},
};
use entry::document;
use exchange::{Terms, exchange, unwritten};
use request::place;
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
    /// Of its port, where one was typed.
    port: Option<String>,
}

/// All requests of one run, the one that decides last.
pub(crate) struct Trail {
    pub(crate) hops: Vec<Exchanged>,
    /// Why the last redirect was not followed.
    pub(crate) stuck: Option<Stuck>,
    /// What gRPC's health service said.
    pub(crate) health: Option<Vec<u8>>,
}

/// Who is asked.
#[derive(Clone, Copy)]
enum Whom {
    Target,
    /// Where a redirect leads.
    Onward,
    /// One of the target's, in its name.
    Endpoint(SocketAddr),
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
    let (target, source) = (&site.target, &args.source);
    let between = Between { target, origin: origin.as_ref(), source, deadline };
    let cluster = match between.cluster(&args.kube, session)? {
        None if args.way.cacert.as_ref().is_some_and(cert::is_in_cluster) => {
            Some(Cluster::open(&args.kube, &session.surroundings)?)
        }
        cluster => cluster,
    };
    // With a key of ours the source lends its connections alone.
    let right = if args.way.client().is_some() { "connect" } else { "http" };
    let (road, mut ends) = between.open(right, cluster.as_ref(), session).await?;
    let place = place(&site, &mut ends)?;
    let roots = cert::roots(args.way.cacert.as_ref(), ends.cluster).await?;
    let key = match args.way.client() {
        Some((certificate, key)) => Some(cert::client(certificate, key).await?),
        None => None,
    };
    let port = match site.port {
        Some(Port::Name(name)) => Some(name),
        Some(Port::Number(_)) | None => None,
    };
    let credentials = site.credentials.as_ref().map(|it| it.expose());
    let ask = Ask::new(&args.ask, place, credentials)?;
    let own = own_names(&ends.aim.peer);
    let mut run = Run { args, road, ends, roots, key, routes, deadline, clock, own, port };
    let ended = match args.way.count {
        1 if args.way.each => run.each(ask, session).await,
        1 => run.once(ask, session).await,
        count => run.many(ask, count, session).await,
    };
    run.road.end(ended, &run.ends.aim).await
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
            pem::check(path)?;
            return Ok(Sink::File(path.clone(), None));
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
            let whom = if trail.hops.is_empty() { Whom::Target } else { Whom::Onward };
            let exchanged = self.exchange(ask, whom, sink, session).await?;
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
        whom: Whom,
        sink: &mut Sink,
        session: &mut Session<'_>,
    ) -> Result<Exchanged, Halt> {
        let place = &ask.place;
        let is_first = !matches!(whom, Whom::Onward);
        let host = if is_first { self.ends.aim.host.clone() } else { place.host.clone() };
        let mut request = self.request(&ask, host.clone(), sink.is_wanted());
        let is_aside = matches!(whom, Whom::Endpoint(_));
        if let Whom::Endpoint(to) = whom {
            (request.host, request.port) = (to.ip().to_string(), to.port());
        }
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
            heads: self.args.shown.include && sink.is_wanted(),
            show_secrets: self.args.shown.show_secrets,
            deadline: self.deadline,
        };
        let (url, args, port) = (place.url(), self.args, self.port.clone());
        let aim = if is_first { self.ends.aim.clone() } else { onward(place) };
        let shown = ask.clone();
        let is_head_shown = args.ask.head || (args.shown.include && !sink.is_wanted());
        let ends = &mut self.ends;
        let show = |event: &HttpEvent, session: &mut Session<'_>| {
            if is_aside {
                return Ok(());
            }
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
            write_out::print(format, (&trail, self.args.shown.fail), session.out)?;
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
        self.show_part(findings, &document(trails, self.args), session)
    }

    fn show_part(
        &self,
        findings: &[Finding],
        part: &Value,
        session: &mut Session<'_>,
    ) -> Result<Severity, Stopped> {
        let (out, screen) = report(self.args, session);
        render::verdict(out, screen, findings)?;
        let document = Document::new("HttpReport", self.clock.span(), findings)
            .from(self.ends.from.clone())
            .to(self.ends.aim.peer.clone())
            .part("http", part)
            .map_err(io::Error::from)?;
        render::document(session.out, &session.screen, &document)?;
        Ok(worst(findings))
    }
}

/// Where a redirect leads is looked up by the source.
fn onward(place: &Place) -> Aim {
    let mut aim = target::unlooked(&Target::Host(place.host.clone()));
    aim.peer.port = Some(place.port);
    aim
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

/// What to type for the same question elsewhere.
pub(crate) fn command(words: &[&str], from: &str) -> Label {
    let words = ["kubectl", "netdiag"].iter().chain(words).copied().chain(["--from", from]);
    Label::Next(words.map(str::to_owned).collect())
}
