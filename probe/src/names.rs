//! Names resolved as the source resolves them: its hosts file, then its resolv.conf.
//!
//! getaddrinfo would read this process's own files and take spellings such as `0x7f000001`.

use std::{fs::File, io::Read, net::IpAddr, time::Duration};

use hickory_resolver::{
    TokioResolver,
    config::{LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::ResponseCode,
        rr::{Name, RData},
    },
};
use netdiag_wire::{Family, dns::Libc};

use crate::{
    ProbeError,
    dns::{hosts, resolv_conf},
    error::ResolveError,
};

/// Most bytes of either file; a pod may make its own as long as it likes.
pub(crate) const MAX_FILE_BYTES: usize = 64 * 1024;

/// Contents of the source's files, as the caller read them.
#[derive(Clone, Debug, Default)]
pub struct ResolverFiles {
    pub resolv_conf: Vec<u8>,
    pub hosts: Vec<u8>,
    /// Nameservers that are left out, whatever the file says. Not a probe's policy on destinations,
    /// which a source's own resolver need not meet: it often is link-local.
    pub never_ask: Option<fn(IpAddr) -> bool>,
}

impl ResolverFiles {
    /// This machine's own; a file that cannot be read counts as empty.
    pub fn of_this_machine() -> Self {
        Self { resolv_conf: read("/etc/resolv.conf"), hosts: read("/etc/hosts"), never_ask: None }
    }
}

fn read(path: &str) -> Vec<u8> {
    let mut contents = Vec::new();
    let read =
        File::open(path).map(|file| file.take(MAX_FILE_BYTES as u64).read_to_end(&mut contents));
    if !matches!(read, Ok(Ok(_))) {
        contents.clear();
    }
    contents
}

/// Every address of `host`, IPv4 first; never an empty list.
pub async fn resolve(
    host: &str,
    family: Family,
    files: &ResolverFiles,
) -> Result<Vec<IpAddr>, ProbeError> {
    let error = |source| ProbeError::Resolve { host: host.to_owned(), source };
    let name = Name::from_str_relaxed(host).map_err(|_| error(ResolveError::NotAName))?;
    let mut addresses = match hosts::find(&files.hosts, host, family, Libc::Glibc) {
        Some(entry) => entry.addresses,
        None => {
            let settings = settings(family, files)?;
            ask(name, settings).await.map_err(error)?
        }
    };
    addresses.sort_by_key(IpAddr::is_ipv6);
    Ok(addresses)
}

/// Domains that a resolver answers for by itself (RFC 6761, section 6.4; RFC 7686).
const RESERVED: [&str; 2] = ["invalid", "onion"];

async fn ask(
    name: Name,
    (config, options): (ResolverConfig, ResolverOpts),
) -> Result<Vec<IpAddr>, ResolveError> {
    let last = name.iter().next_back().unwrap_or_default();
    if let Some(domain) = RESERVED.iter().find(|it| last.eq_ignore_ascii_case(it.as_bytes())) {
        return Err(ResolveError::Reserved(domain));
    }
    let servers = config.name_servers().iter().map(|server| server.ip).collect();
    let resolver = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let found = match resolver.with_options(options).build() {
        Ok(resolver) => resolver.lookup_ip(name).await,
        Err(cause) => Err(cause),
    };
    let found = found.map_err(|cause| in_words(cause, servers))?;
    // An AAAA record may hold an IPv4 address, which must not pass for another one.
    Ok(found.iter().map(|address| address.to_canonical()).collect())
}

/// Looks for the names of addresses.
#[derive(Clone)]
pub(crate) struct Reverse(TokioResolver);

impl Reverse {
    /// `None` without a resolv.conf: then glibc asks this host itself, which seldom listens; and
    /// where no nameserver may be asked.
    pub(crate) fn new(files: &ResolverFiles) -> Option<Self> {
        if files.resolv_conf.is_empty() {
            return None;
        }
        let (config, options) = settings(Family::Any, files).ok()?;
        let resolver = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        resolver.with_options(options).build().ok().map(Self)
    }

    /// The first, without its last dot.
    pub(crate) async fn name(&self, address: IpAddr) -> Option<Vec<u8>> {
        let found = self.0.reverse_lookup(address).await.ok()?;
        let names = found.answers().iter().filter_map(|record| match &record.data {
            RData::PTR(name) => Some(name.0.to_ascii()),
            _ => None,
        });
        let name = names.into_iter().next()?;
        Some(name.strip_suffix('.').unwrap_or(&name).into())
    }
}

fn in_words(cause: NetError, servers: Vec<IpAddr>) -> ResolveError {
    match cause {
        _ if cause.is_nx_domain() => ResolveError::NoSuchName(servers),
        _ if cause.is_no_records_found() => ResolveError::NoAddress(servers),
        NetError::Timeout | NetError::NoConnections => ResolveError::NoAnswer(servers),
        NetError::Dns(DnsError::ResponseCode(code)) => ResolveError::Answered(servers, word(code)),
        _ => ResolveError::Lookup(servers, cause.into()),
    }
}

/// As dig writes it (IANA's registry of DNS RCODEs).
fn word(code: ResponseCode) -> String {
    match code {
        ResponseCode::FormErr => "FORMERR".into(),
        ResponseCode::ServFail => "SERVFAIL".into(),
        ResponseCode::NotImp => "NOTIMP".into(),
        ResponseCode::Refused => "REFUSED".into(),
        other => format!("code {}", u16::from(other)),
    }
}

/// resolv.conf as glibc reads it, as far as the resolver can do the same; without the nameservers
/// that are off limits.
fn settings(
    family: Family,
    files: &ResolverFiles,
) -> Result<(ResolverConfig, ResolverOpts), ProbeError> {
    let read = resolv_conf::parse(&files.resolv_conf, Libc::Glibc);
    let domain = |domain| Name::from_str_relaxed(str::from_utf8(domain).ok()?).ok();
    let search = read.search.iter().filter_map(|text| domain(text.as_bytes())).collect();
    let servers = allowed(&read.nameservers, files.never_ask)?;
    let servers = servers.into_iter().map(NameServerConfig::udp_and_tcp).collect();
    let config = ResolverConfig::from_parts(None, search, servers);
    let mut options = ResolverOpts::default();
    options.ndots = read.ndots.into();
    options.timeout = Duration::from_secs(read.timeout_seconds.into());
    // glibc counts the first one as well.
    options.attempts = usize::from(read.attempts).saturating_sub(1);
    options.edns0 = read.edns0;
    options.use_hosts_file = ResolveHosts::Never;
    options.ip_strategy = match family {
        Family::Any => LookupIpStrategy::Ipv4AndIpv6,
        Family::V4 => LookupIpStrategy::Ipv4Only,
        Family::V6 => LookupIpStrategy::Ipv6Only,
    };
    Ok((config, options))
}

/// An error if none is left.
fn allowed(
    servers: &[IpAddr],
    never_ask: Option<fn(IpAddr) -> bool>,
) -> Result<Vec<IpAddr>, ProbeError> {
    let is_allowed =
        |server: &IpAddr| never_ask.is_none_or(|is_off_limits| !is_off_limits(*server));
    let allowed: Vec<_> = servers.iter().copied().filter(is_allowed).collect();
    match servers.last() {
        Some(last) if allowed.is_empty() => {
            let why = "the source's only nameserver, and a cloud's metadata service".into();
            Err(ProbeError::Forbidden { address: *last, why })
        }
        Some(_) | None => Ok(allowed),
    }
}
