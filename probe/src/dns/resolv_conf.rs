//! resolv.conf as each libc reads it: glibc 2.36 (`resolv/res_init.c`) and musl 1.2.5
//! (`src/network/resolvconf.c`).
//!
//! LOCALDOMAIN and RES_OPTIONS of the source's processes are not known here, nor its host name, of
//! which glibc makes a search list where the file has none.

use std::net::{IpAddr, Ipv4Addr};

use netdiag_wire::{
    Untrusted,
    dns::{Libc, ResolverSettings},
};

use super::literal::{inet_aton, v6_without_zone};
use crate::names::MAX_FILE_BYTES;

/// Both libcs take as many and pass over the rest.
const MAX_SERVERS: usize = 3;
/// Neither libc has a bound (glibc since 2.26); Kubernetes allows this many.
const MAX_SEARCH: usize = 32;
/// Of what was passed over is shown no more than this.
const MAX_IGNORED: usize = 32;
const MAX_IGNORED_BYTES: usize = 256;

/// Any bytes at all make settings: what is not understood is passed over, as the libc does.
pub(crate) fn parse(contents: &[u8], libc: Libc) -> ResolverSettings {
    let contents = &contents[..contents.len().min(MAX_FILE_BYTES)];
    let mut settings = ResolverSettings {
        ndots: 1,
        timeout_seconds: 5,
        attempts: 2,
        libc,
        is_absent: contents.is_empty(),
        ..ResolverSettings::default()
    };
    match libc {
        Libc::Glibc => glibc::read(contents, &mut settings),
        Libc::Musl => musl::read(contents, &mut settings),
    }
    if settings.nameservers.is_empty() {
        settings.nameservers.push(Ipv4Addr::LOCALHOST.into());
    }
    settings
}

/// What the search list of a pod ends its Services' names with, by `svc.DOMAIN` in it.
pub(crate) fn cluster_domain(settings: &ResolverSettings) -> String {
    let search = settings.search.iter().filter_map(|domain| str::from_utf8(domain.as_bytes()).ok());
    let domain = search.filter_map(|domain| domain.strip_prefix("svc.")).next();
    domain.filter(|domain| !domain.is_empty()).unwrap_or("cluster.local").to_owned()
}

mod glibc;
mod musl;

/// The rest of a line that begins with this word, from the blank on.
fn after<'a>(line: &'a [u8], word: &str, is_blank: fn(&u8) -> bool) -> Option<&'a [u8]> {
    line.strip_prefix(word.as_bytes()).filter(|rest| rest.first().is_some_and(is_blank))
}

fn words(text: &[u8], is_blank: fn(&u8) -> bool) -> impl Iterator<Item = &[u8]> {
    text.split(is_blank).filter(|word| !word.is_empty())
}

/// isspace(3).
pub(super) fn is_space(byte: &u8) -> bool {
    byte.is_ascii_whitespace() || *byte == 0x0b
}

fn add_server(word: Option<&[u8]>, line: &[u8], settings: &mut ResolverSettings) {
    match word.and_then(server) {
        Some(address) if settings.nameservers.len() < MAX_SERVERS => {
            settings.nameservers.push(address);
        }
        _ => ignore(line, settings),
    }
}

/// A carriage return behind it makes it none.
fn server(word: &[u8]) -> Option<IpAddr> {
    inet_aton(word).map(IpAddr::from).or_else(|| v6_without_zone(word).map(IpAddr::from))
}

fn replace_search<'a>(domains: impl Iterator<Item = &'a [u8]>, settings: &mut ResolverSettings) {
    let mut domains = domains.map(|domain| Untrusted::from(domain.to_vec()));
    settings.search = domains.by_ref().take(MAX_SEARCH).collect();
    domains.for_each(|domain| ignore(domain.as_bytes(), settings));
}

fn is_comment(line: &[u8]) -> bool {
    line.starts_with(b";") || line.starts_with(b"#")
}

fn ignore(what: &[u8], settings: &mut ResolverSettings) {
    if settings.ignored.len() < MAX_IGNORED && !is_comment(what) {
        let what = what.strip_suffix(b"\n").unwrap_or(what);
        let shown = &what[..what.len().min(MAX_IGNORED_BYTES)];
        settings.ignored.push(shown.to_vec().into());
    }
}

#[cfg(test)]
mod tests;
