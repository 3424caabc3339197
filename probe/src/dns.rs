//! Names asked for, as the source's libc or as dig asks.

use std::net::IpAddr;

use netdiag_wire::dns::{DnsEvent, DnsMode, DnsRequest};
use tokio_util::sync::CancellationToken;

mod ask;
mod cursor;
mod decode;
mod every_server;
pub(crate) mod exchange;
#[cfg(test)]
mod hostile;
pub(crate) mod hosts;
mod iterate;
mod literal;
pub(crate) mod message;
pub(crate) mod name;
mod options;
mod plan;
mod query;
mod race;
mod rdata;
mod report;
pub(crate) mod resolv_conf;
mod validate;
mod walk;
mod witness;

use crate::{ProbeError, names::ResolverFiles, sys::addresses};
use exchange::Client;
use name::Name;
use witness::Witness;

/// The request is found good; sockets are opened when it runs, each for its own question.
#[derive(Debug)]
pub struct DnsSockets(());

/// Checks what must be asked of the kernel: whether the source address is one of the namespace.
pub fn open(request: &DnsRequest) -> Result<DnsSockets, ProbeError> {
    request.check().map_err(ProbeError::Request)?;
    Name::parse(&request.name).map_err(ProbeError::Request)?;
    addresses::check_source(request.source_address)?;
    Ok(DnsSockets(()))
}

/// The source's own, by its resolv.conf.
pub fn resolvers(request: &DnsRequest, files: &ResolverFiles) -> Vec<IpAddr> {
    resolv_conf::parse(&files.resolv_conf, request.libc).nameservers
}

/// Runs until every question is answered or `stop` is cancelled; needs no privilege and opens no
/// file.
///
/// `destination` is asked about each address really used, before anything is sent to it.
pub async fn run(
    request: &DnsRequest,
    _sockets: DnsSockets,
    files: &ResolverFiles,
    destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
    emit: &mut impl FnMut(DnsEvent),
    stop: CancellationToken,
) -> Result<(), ProbeError> {
    let client = Client::new(request, destination);
    let asked = async {
        let mut witness = Witness::default();
        let mut seen = |event: DnsEvent| {
            witness.see(&event);
            emit(event);
        };
        match request.mode {
            DnsMode::Ask => ask::run(request, files, &client, &mut seen).await?,
            DnsMode::Walk => walk::run(request, files, &client, &mut seen).await?,
            DnsMode::EveryServer => every_server::run(request, files, &client, &mut seen).await?,
            // It validates by itself: no one server has it all.
            DnsMode::Iterate => return iterate::run(request, files, &client, emit).await,
        }
        match request.validate {
            true => validate::run(request, &client, &witness, emit).await,
            false => Ok(()),
        }
    };
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        done = asked => done,
    }
}
