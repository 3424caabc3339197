//! Names resolved as the source resolves them: its hosts file, then its resolv.conf.
//!
//! getaddrinfo would read this process's own files and take spellings such as `0x7f000001`.

use std::{fs::File, io::Read, net::IpAddr};

use hickory_resolver::{
    Hosts, TokioResolver,
    config::{LookupIpStrategy, ResolveHosts, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::{
        op::Query,
        rr::{Name, RecordType},
    },
    system_conf::parse_resolv_conf,
};
use netdiag_wire::Family;

use crate::{ProbeError, error::ResolveError};

/// Most bytes of either file; a pod may make its own as long as it likes.
const MAX_FILE_BYTES: u64 = 64 * 1024;

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
    let read = File::open(path).map(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut contents));
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
    let resolver = resolver(family, &files.resolv_conf).map_err(error)?;
    let found = resolver.lookup_ip(name).await;
    let found = found.map_err(|cause| error(ResolveError::Lookup(cause.into())))?;
    let mut addresses: Vec<_> = found.iter().collect();
    addresses.sort_by_key(IpAddr::is_ipv6);
    Ok(addresses)
}

fn resolver(family: Family, resolv_conf: &[u8]) -> Result<TokioResolver, ResolveError> {
    let (config, mut options) =
        parse_resolv_conf(resolv_conf).map_err(|e| ResolveError::NoNameserver(e.into()))?;
    // The domain is made of this process's host name, which is not the source's.
    let (_, search, servers) = config.into_parts();
    let config = ResolverConfig::from_parts(None, search, servers);
    options.use_hosts_file = ResolveHosts::Never;
    options.ip_strategy = match family {
        Family::Any => LookupIpStrategy::Ipv4AndIpv6,
        Family::V4 => LookupIpStrategy::Ipv4Only,
        Family::V6 => LookupIpStrategy::Ipv6Only,
    };
    TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        .with_options(options)
        .build()
        .map_err(|cause| ResolveError::Lookup(cause.into()))
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
