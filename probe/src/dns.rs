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

use crate::{Probe, ProbeError, names::ResolverFiles, sys::addresses};
use exchange::Client;
use name::Name;
use witness::Witness;

/// The request is found good; sockets are opened when it runs, each for its own question.
#[derive(Debug)]
pub struct DnsSockets(());

/// The source's own, by its resolv.conf.
pub fn resolvers(request: &DnsRequest, files: &ResolverFiles) -> Vec<IpAddr> {
    resolv_conf::parse(&files.resolv_conf, request.libc).nameservers
}

impl Probe for DnsRequest {
    type Sockets = DnsSockets;
    type Event = DnsEvent;

    /// Asks the kernel whether the source address is one of the namespace.
    fn open(&self) -> Result<DnsSockets, ProbeError> {
        self.check().map_err(ProbeError::Request)?;
        Name::parse(&self.name).map_err(ProbeError::Request)?;
        addresses::check_source(self.source_address)?;
        Ok(DnsSockets(()))
    }

    async fn run(
        &self,
        _sockets: DnsSockets,
        files: &ResolverFiles,
        destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
        emit: &mut impl FnMut(DnsEvent),
        stop: CancellationToken,
    ) -> Result<(), ProbeError> {
        let client = Client::new(self, destination);
        let asked = async {
            let mut witness = Witness::default();
            let mut seen = |event: DnsEvent| {
                witness.see(&event);
                emit(event);
            };
            match self.mode {
                DnsMode::Ask => ask::run(self, files, &client, &mut seen).await?,
                DnsMode::Walk => walk::run(self, files, &client, &mut seen).await?,
                DnsMode::EveryServer => every_server::run(self, files, &client, &mut seen).await?,
                // It validates by itself: no one server has it all.
                DnsMode::Iterate => return iterate::run(self, files, &client, emit).await,
            }
            match self.validate {
                true => validate::run(self, &client, &witness, emit).await,
                false => Ok(()),
            }
        };
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            done = asked => done,
        }
    }
}
