//! One question to one server over any transport, and what became of it.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use netdiag_wire::dns::{
    Discarded, DnsOutcome, DnsQuery, DnsRequest, DnsTransport, QueryOptions, Rcode, RecordType,
};
use tokio::time::Instant;

pub(super) mod accept;
mod https;
pub(super) mod outcome;
pub(super) mod pending;
mod stream;
mod tls;
mod transfer;
mod udp;

use super::{
    message::{Asked, Message},
    options::{CLIENT_COOKIE, COOKIE},
    query::Query,
    rdata,
};
use crate::{ProbeError, sys::datagram::Origin};
use pending::Pending;

const TIMEOUT: Duration = Duration::from_secs(5);
const TRIES: u8 = 3;

/// How to ask, whomever.
#[derive(Clone)]
pub(crate) struct Client<'a> {
    pub(crate) options: QueryOptions,
    /// For each try.
    pub(crate) timeout: Duration,
    /// Over UDP.
    pub(crate) tries: u8,
    /// There are others to ask: a server that is off limits has that for its outcome.
    pub(crate) passes_over_limits: bool,
    from: Origin,
    pub(super) destination: &'a dyn Fn(IpAddr) -> Result<(), ProbeError>,
    /// Of the run.
    started: Instant,
}

/// Whom to ask.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// By which it was given, or delegated to.
    pub(crate) name: Option<String>,
}

/// What became of a question.
#[derive(Clone, Debug)]
pub(crate) struct Exchanged {
    /// Its index is yet to be given.
    pub(crate) query: DnsQuery,
    /// The answer with its records as they came.
    pub(crate) message: Option<Message>,
    /// Further messages of a zone transfer, as they came.
    pub(super) later: Vec<Vec<u8>>,
}

impl<'a> Client<'a> {
    /// Asks `destination` about each server before anything is sent to it.
    pub(crate) fn new(
        request: &DnsRequest,
        destination: &'a dyn Fn(IpAddr) -> Result<(), ProbeError>,
    ) -> Self {
        let options = request.options.clone();
        let timeout = options.timeout_us.map(|us| Duration::from_micros(us.into()));
        Self {
            timeout: timeout.unwrap_or(TIMEOUT),
            tries: options.tries.unwrap_or(TRIES),
            passes_over_limits: false,
            options,
            from: Origin { address: request.source_address, port: request.source_port, tos: None },
            destination,
            started: Instant::now(),
        }
    }

    /// May be dropped at any time.
    pub(crate) async fn exchange(
        &self,
        asked: &Asked,
        server: &Server,
    ) -> Result<Exchanged, ProbeError> {
        let mut pending = self.pending(asked, server)?;
        self.ask(std::slice::from_mut(&mut pending), server).await?;
        let first = pending.finish();
        let Some(cookie) = first.wanted_cookie() else { return Ok(first) };
        let mut again = self.clone();
        again.options.cookie = Some(cookie);
        let mut pending = again.pending(asked, server)?;
        again.ask(std::slice::from_mut(&mut pending), server).await?;
        Ok(pending.finish().after(&first))
    }

    /// Over UDP all questions go out at once from one socket, as libc asks for A and AAAA.
    pub(crate) async fn exchange_all(
        &self,
        asked: &[Asked],
        server: &Server,
    ) -> Result<Vec<Exchanged>, ProbeError> {
        let pending = asked.iter().map(|asked| self.pending(asked, server));
        let mut pending = pending.collect::<Result<Vec<_>, _>>()?;
        self.ask(&mut pending, server).await?;
        Ok(pending.into_iter().map(Pending::finish).collect())
    }

    async fn ask(&self, pending: &mut [Pending], server: &Server) -> Result<(), ProbeError> {
        match (self.destination)(server.address.ip()) {
            Err(limit) if self.passes_over_limits => {
                let problem = limit.to_string();
                pending.iter_mut().for_each(|one| one.off_limits(problem.clone()));
                return Ok(());
            }
            checked => checked?,
        }
        if pending.iter().any(Pending::is_over_udp) {
            udp::ask(self, pending, server.address).await?;
        }
        for one in pending.iter_mut() {
            if one.is_truncated() && !self.options.keep_truncated {
                one.ask_again_over_tcp();
            }
            if one.is_open() {
                stream::ask(self, one, server).await?;
            }
        }
        Ok(())
    }

    pub(super) fn pending(&self, asked: &Asked, server: &Server) -> Result<Pending, ProbeError> {
        Ok(Pending::new(Query::new(asked, &self.options)?, self.blank(asked, server)))
    }

    /// A question that nobody answered yet.
    pub(super) fn blank(&self, asked: &Asked, server: &Server) -> DnsQuery {
        DnsQuery {
            index: 0,
            name: asked.name.to_string().into(),
            kind: asked.kind,
            class: asked.class,
            server: server.address.ip(),
            port: server.address.port(),
            server_name: server.name.as_deref().map(Into::into),
            transport: transport(self.options.transport, asked.kind),
            outcome: DnsOutcome::Silence,
            asked_us: self.started.elapsed().as_micros() as u64,
            took_us: 0,
            rtt_us: None,
            sent: 0,
            truncated_first: false,
            discarded: Discarded::default(),
            message: None,
            by: None,
            icmp: None,
            refusal: None,
            problem: None,
            on_behalf_of: None,
        }
    }
}

impl Exchanged {
    /// The server wants its own cookie back and gives it (RFC 7873, section 5.3), as dig does once.
    fn wanted_cookie(&self) -> Option<String> {
        let message = self.message.as_ref()?;
        let is_wanted = Rcode(message.rcode()) == Rcode::BADCOOKIE;
        let mut options = message.opt.iter().flat_map(|opt| &opt.options);
        let (_, cookie) = options.find(|(code, _)| *code == COOKIE)?;
        (is_wanted && cookie.len() > CLIENT_COOKIE).then(|| rdata::unbroken_hex(cookie))
    }

    /// As one query with what was asked before.
    fn after(mut self, first: &Self) -> Self {
        let waited = self.query.asked_us.saturating_sub(first.query.asked_us);
        self.query.asked_us = first.query.asked_us;
        self.query.took_us += waited;
        self.query.sent = self.query.sent.saturating_add(first.query.sent);
        self
    }
}

/// A zone is transferred over a connection only.
fn transport(wanted: DnsTransport, kind: RecordType) -> DnsTransport {
    match (wanted, kind) {
        (DnsTransport::Udp, RecordType::AXFR | RecordType::IXFR) => DnsTransport::Tcp,
        (wanted, _) => wanted,
    }
}
