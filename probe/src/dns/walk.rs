//! Mode Walk: a name asked for as the source's libc asks, each query an event.

use std::time::Duration;

use netdiag_wire::{
    Family,
    dns::{
        Class, DnsEvent, DnsRequest, DnsTransport, Libc, QueryOptions, RecordType, ResolverSettings,
    },
};

mod glibc;
mod musl;

use super::{
    ask,
    exchange::{Client, Exchanged, Server},
    hosts,
    literal::{inet_aton, v6_without_zone},
    message::Asked,
    name::Name,
    plan::{Came, Plan},
    report, resolv_conf,
};
use crate::{ProbeError, names::ResolverFiles};
pub(super) use glibc::Glibc;
pub(super) use musl::Musl;

/// glibc's `RESOLV_EDNS_BUFFER_SIZE`, where `edns0` makes it send an OPT record at all.
const EDNS_BYTES: u16 = 1_200;

pub(super) async fn run(
    request: &DnsRequest,
    files: &ResolverFiles,
    client: &Client<'_>,
    emit: &mut impl FnMut(DnsEvent),
) -> Result<(), ProbeError> {
    let settings = resolv_conf::parse(&files.resolv_conf, request.libc);
    emit(DnsEvent::Resolver(settings.clone()));
    let name = given(request, &settings)?;
    let kinds = kinds(request, &settings);
    if let Some(family) = family(&kinds.concat())
        && let Some(entry) = hosts::find(&files.hosts, &name, family, request.libc)
    {
        emit(DnsEvent::InHosts(entry));
        return Ok(());
    }
    let how = How::new(request, &settings, client)?;
    let mut asker = match request.libc {
        Libc::Glibc => Asker::Glibc(Glibc::new(&how, &settings)),
        Libc::Musl => Asker::Musl(Musl::new(&how)),
    };
    let mut sink = Sink { next: 0, emit };
    for kinds in kinds {
        walk(&name, &kinds, &settings, &mut asker, &mut sink).await?;
    }
    Ok(())
}

/// The name that was answered, if one was.
pub(super) async fn walk(
    name: &str,
    kinds: &[RecordType],
    settings: &ResolverSettings,
    asker: &mut Asker<'_>,
    sink: &mut Sink<'_>,
) -> Result<Option<Name>, ProbeError> {
    let mut plan = match (settings.libc, family(kinds)) {
        // Of musl's functions only getaddrinfo knows a search list.
        (Libc::Musl, None) => Plan::new(&format!("{}.", name.trim_end_matches('.')), settings),
        _ => Plan::new(name, settings),
    };
    let mut last = None;
    while let Some(text) = plan.next(last) {
        let Ok((name, _)) = Name::parse(&text) else {
            last = Some(Came::Broken);
            continue;
        };
        let came = asker.ask(&name, kinds, sink).await?;
        if came == Came::Found {
            return Ok(Some(name));
        }
        last = Some(came);
    }
    Ok(None)
}

pub(super) enum Asker<'a> {
    Glibc(Glibc<'a>),
    Musl(Musl<'a>),
}

impl Asker<'_> {
    async fn ask(
        &mut self,
        name: &Name,
        kinds: &[RecordType],
        sink: &mut Sink<'_>,
    ) -> Result<Came, ProbeError> {
        match self {
            Self::Glibc(glibc) => glibc.ask(name, kinds, sink).await,
            Self::Musl(musl) => musl.ask(name, kinds, sink).await,
        }
    }
}

/// Where queries go when they are done.
pub(super) struct Sink<'a> {
    pub(super) next: u32,
    pub(super) emit: &'a mut dyn FnMut(DnsEvent),
}

impl Sink<'_> {
    fn take(&mut self, exchanged: Exchanged) {
        report::emit(exchanged, self.next, &mut self.emit);
        self.next += 1;
    }
}

/// Whom to ask and how, of all walks of a run.
#[derive(Clone)]
pub(super) struct How<'a> {
    pub(super) client: Client<'a>,
    pub(super) servers: Vec<Server>,
    pub(super) attempts: u8,
    class: Class,
    /// The timeout is resolv.conf's, which glibc counts in whole seconds.
    is_in_seconds: bool,
}

impl<'a> How<'a> {
    /// A libc sends no more than it is told to; what the request says besides is added.
    pub(super) fn new(
        request: &DnsRequest,
        settings: &ResolverSettings,
        client: &Client<'a>,
    ) -> Result<Self, ProbeError> {
        let mut client = client.clone();
        let asked = &request.options;
        client.options = QueryOptions {
            no_edns: !settings.edns0 && !asked.dnssec_ok && !asked.nsid && asked.subnet.is_none(),
            no_ad: !settings.trust_ad,
            no_cookie: asked.cookie.is_none(),
            bufsize: EDNS_BYTES,
            ..asked.clone()
        };
        if !matches!(asked.transport, DnsTransport::Udp | DnsTransport::Tcp) {
            return Err(ProbeError::Request("a libc asks over UDP and TCP only".into()));
        }
        if asked.timeout_us.is_none() {
            client.timeout = Duration::from_secs(settings.timeout_seconds.into());
        }
        let servers = ask::nameservers(request, settings);
        if servers.is_empty() {
            let why = "no nameserver of that family in resolv.conf";
            return Err(ProbeError::Request(why.into()));
        }
        let attempts = asked.tries.unwrap_or(settings.attempts);
        let is_in_seconds = asked.timeout_us.is_none();
        Ok(Self { client, servers, attempts, class: request.class, is_in_seconds })
    }

    fn questions(&self, name: &Name, kinds: &[RecordType]) -> Vec<Asked> {
        let asked =
            |kind: &RecordType| Asked { name: name.clone(), kind: *kind, class: self.class };
        kinds.iter().map(asked).collect()
    }
}

/// The name as a client would give it to its libc; a cluster's own is whole, and so asked for alone.
pub(super) fn given(
    request: &DnsRequest,
    settings: &ResolverSettings,
) -> Result<String, ProbeError> {
    Name::parse(&request.name).map_err(ProbeError::Request)?;
    let name = match request.in_cluster {
        true => format!("{}.{}.", request.name, resolv_conf::cluster_domain(settings)),
        false => request.name.clone(),
    };
    let refused = |why: &str| Err(ProbeError::Request(format!("{name} {why}: nobody is asked")));
    if family(&kinds(request, settings).concat()).is_none() {
        return Ok(name);
    }
    if inet_aton(name.as_bytes()).is_some() || v6_without_zone(name.as_bytes()).is_some() {
        return refused("is an address");
    }
    // glibc's `__libc_res_hnok`.
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if request.libc == Libc::Glibc && (name.starts_with('-') || !name.bytes().all(is_host)) {
        return refused("is no host name to glibc");
    }
    Ok(name)
}

/// What is asked for together: A and AAAA, every other type for itself.
pub(super) fn kinds(request: &DnsRequest, settings: &ResolverSettings) -> Vec<Vec<RecordType>> {
    let mut kinds = request.asked_types();
    if settings.no_aaaa {
        kinds.retain(|kind| *kind != RecordType::AAAA);
    }
    let (addresses, others): (Vec<_>, Vec<_>) = kinds.into_iter().partition(is_address);
    let mut together = vec![addresses];
    together.extend(others.into_iter().map(|kind| vec![kind]));
    together.retain(|kinds| !kinds.is_empty());
    together
}

fn is_address(kind: &RecordType) -> bool {
    matches!(*kind, RecordType::A | RecordType::AAAA)
}

/// Of the addresses that are asked for; `None` where something else is.
fn family(kinds: &[RecordType]) -> Option<Family> {
    match kinds.iter().all(is_address) {
        true if kinds.iter().all(|kind| *kind == RecordType::A) => Some(Family::V4),
        true if kinds.iter().all(|kind| *kind == RecordType::AAAA) => Some(Family::V6),
        true => Some(Family::Any),
        false => None,
    }
}
