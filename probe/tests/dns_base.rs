//! Questions over every transport, to small servers that answer as a test wants.

mod asking;
mod datagrams;
mod sandboxed;
mod secure;
mod server;
mod streams;
mod transfers;

use std::net::{IpAddr, SocketAddr};

use netdiag_probe::{Probe, ProbeError, dns, names::ResolverFiles};
use netdiag_wire::dns::{
    DnsEvent, DnsFold, DnsQuery, DnsReport, DnsRequest, DnsServer, RecordType,
};
use tokio_util::sync::CancellationToken;

use crate::lab::runtime;

/// Runs the engine to its end in this thread's namespace.
fn drive(request: &DnsRequest) -> Result<DnsReport, ProbeError> {
    let sockets = request.open()?;
    drive_to(request, sockets, "", "", &|_| Ok(()))
}

fn drive_to(
    request: &DnsRequest,
    sockets: dns::DnsSockets,
    resolv_conf: &str,
    hosts: &str,
    destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
) -> Result<DnsReport, ProbeError> {
    let mut fold = DnsFold::new(request);
    let mut emit = |event: DnsEvent| fold.push(&event);
    let files =
        ResolverFiles { resolv_conf: resolv_conf.into(), hosts: hosts.into(), never_ask: None };
    let stop = CancellationToken::new();
    let run = request.run(sockets, &files, destination, &mut emit, stop);
    runtime().block_on(run)?;
    Ok(fold.report(None, None))
}

/// What became of the only question.
fn ask(request: &DnsRequest) -> DnsQuery {
    let [query] = <[DnsQuery; 1]>::try_from(queries(drive(request).unwrap())).unwrap();
    query
}

fn queries(report: DnsReport) -> Vec<DnsQuery> {
    report.names.into_iter().flat_map(|name| name.queries).collect()
}

/// One quick question.
fn request(kind: RecordType, server: SocketAddr) -> DnsRequest {
    let mut request = DnsRequest::ask("a.example", kind, server.ip().to_string());
    request.servers = vec![DnsServer { host: server.ip().to_string(), port: Some(server.port()) }];
    request.options.timeout_us = Some(300_000);
    request
}
