//! Names resolved as the source resolves them: its hosts file, then its resolv.conf.
//!
//! getaddrinfo would read this process's own files and take spellings such as `0x7f000001`.

use std::{fs::File, io::Read, net::IpAddr, time::Duration};

use hickory_resolver::{
    Hosts, TokioResolver,
    config::{LookupIpStrategy, ResolveHosts, ResolverConfig, ResolverOpts},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::{Query, ResponseCode},
        rr::{Name, RecordType},
    },
    system_conf::parse_resolv_conf,
};
use netdiag_wire::Family;

use crate::{ProbeError, error::ResolveError};

/// Most bytes of either file; a pod may make its own as long as it likes.
pub(crate) const MAX_FILE_BYTES: usize = 64 * 1024;

/// Bounds of resolv.conf, as glibc has them; a pod may write what it likes.
const MAX_SERVERS: usize = 3;
const MAX_NDOTS: usize = 15;
const MAX_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_ATTEMPTS: usize = 5;
/// glibc has none; Kubernetes allows this many.
const MAX_SEARCH: usize = 32;

/// Contents of the source's files, as the caller read them.
#[derive(Clone, Debug, Default)]
pub struct ResolverFiles {
    pub resolv_conf: Vec<u8>,
    pub hosts: Vec<u8>,
}

impl ResolverFiles {
    /// This machine's own; a file that cannot be read counts as empty.
    pub fn of_this_machine() -> Self {
        Self { resolv_conf: read("/etc/resolv.conf"), hosts: read("/etc/hosts") }
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
    let fixed = in_hosts(&name, family, &files.hosts);
    if !fixed.is_empty() {
        return Ok(fixed);
    }
    let (config, options) = settings(family, &files.resolv_conf).map_err(error)?;
    let servers = config.name_servers().iter().map(|server| server.ip).collect();
    let resolver = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let found = match resolver.with_options(options).build() {
        Ok(resolver) => resolver.lookup_ip(name).await,
        Err(cause) => Err(cause),
    };
    let found = found.map_err(|cause| error(in_words(cause, servers)))?;
    // An AAAA record may hold an IPv4 address, which must not pass for another one.
    let mut addresses: Vec<_> = found.iter().map(|address| address.to_canonical()).collect();
    addresses.sort_by_key(IpAddr::is_ipv6);
    Ok(addresses)
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

/// resolv.conf as the resolver takes it.
fn settings(
    family: Family,
    resolv_conf: &[u8],
) -> Result<(ResolverConfig, ResolverOpts), ResolveError> {
    let (config, mut options) =
        parse_resolv_conf(resolv_conf).map_err(|e| ResolveError::NoNameserver(e.into()))?;
    // The domain is made of this process's host name, which is not the source's.
    let (_, mut search, mut servers) = config.into_parts();
    search.truncate(MAX_SEARCH);
    servers.truncate(MAX_SERVERS);
    let config = ResolverConfig::from_parts(None, search, servers);
    options.ndots = options.ndots.min(MAX_NDOTS);
    options.timeout = options.timeout.clamp(Duration::from_secs(1), MAX_TIMEOUT);
    // glibc counts the first one as well.
    options.attempts = options.attempts.clamp(1, MAX_ATTEMPTS) - 1;
    options.use_hosts_file = ResolveHosts::Never;
    options.ip_strategy = match family {
        Family::Any => LookupIpStrategy::Ipv4AndIpv6,
        Family::V4 => LookupIpStrategy::Ipv4Only,
        Family::V6 => LookupIpStrategy::Ipv6Only,
    };
    Ok((config, options))
}

/// The hosts file knows whole names only, so the search list has no part in it.
fn in_hosts(name: &Name, family: Family, contents: &[u8]) -> Vec<IpAddr> {
    let mut hosts = Hosts::default();
    let text = String::from_utf8_lossy(contents);
    if hosts.read_hosts_conf(text.as_bytes()).is_err() {
        return Vec::new();
    }
    let types: &[RecordType] = match family {
        Family::Any => &[RecordType::A, RecordType::AAAA],
        Family::V4 => &[RecordType::A],
        Family::V6 => &[RecordType::AAAA],
    };
    types
        .iter()
        .filter_map(|kind| hosts.lookup_static_host(&Query::query(name.clone(), *kind)))
        .flat_map(|lookup| {
            lookup.answers().iter().filter_map(|r| r.data.ip_addr()).collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_resolv_conf_is_held_to_glibcs_bounds() {
        let servers = (1..=200).map(|i| format!("nameserver 10.0.0.{i}\n")).collect::<String>();
        let search = (0..200).map(|i| format!(" d{i}.example")).collect::<String>();
        let text = format!(
            "{servers}search{search}\noptions ndots:9999 timeout:4000000000 attempts:4000000000\n"
        );
        let (config, options) = settings(Family::Any, text.as_bytes()).unwrap();
        assert_eq!((config.name_servers().len(), config.search().len()), (3, 32));
        assert_eq!((options.ndots, options.attempts), (MAX_NDOTS, MAX_ATTEMPTS - 1));
        assert_eq!(options.timeout, MAX_TIMEOUT);
    }

    #[test]
    fn hostile_files_are_no_panic() {
        for bytes in
            [&b"\xff\xfe\x00nameserver\x00"[..], b"nameserver", b"nameserver 0x7f.1\n", b""]
        {
            assert!(settings(Family::Any, bytes).is_err(), "{bytes:?}");
            let name = Name::from_str_relaxed("a").unwrap();
            assert_eq!(in_hosts(&name, Family::Any, bytes), Vec::<IpAddr>::new());
        }
    }
}
