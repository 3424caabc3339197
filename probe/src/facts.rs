//! A fixed list of what a node says of itself: its kernel, its interfaces, and what kube-proxy tells
//! on the node's loopback. Nothing is sent to anybody else.

use std::net::IpAddr;

use jiff::Timestamp;
use netdiag_wire::facts::{Fact, FactsEvent, FactsRequest, NodeFacts, NotKnown};
use tokio_util::sync::CancellationToken;

mod fetch;
mod local;
mod metrics;
mod proxy;

pub use local::LocalFacts;

use crate::{Probe, ProbeError, names::ResolverFiles};

impl Probe for FactsRequest {
    type Sockets = LocalFacts;
    type Event = FactsEvent;

    /// What the kernel tells is read here, before files are out of reach.
    fn open(&self) -> Result<LocalFacts, ProbeError> {
        Ok(LocalFacts::read())
    }

    async fn run(
        &self,
        local: LocalFacts,
        _: &ResolverFiles,
        _: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
        emit: &mut impl FnMut(FactsEvent),
        _: CancellationToken,
    ) -> Result<(), ProbeError> {
        let LocalFacts { kernel, ip_forward_v4, ip_forward_v6, interfaces, more, mut not_known } =
            local;
        let (kube_proxy, unknown) = proxy::ask().await;
        not_known.extend(unknown);
        emit(FactsEvent::Facts(NodeFacts {
            kernel,
            now_at: Timestamp::now(),
            ip_forward_v4,
            ip_forward_v6,
            interfaces,
            more_interfaces: more,
            kube_proxy,
            not_known,
        }));
        Ok(())
    }
}

fn unknown(fact: Fact, why: &str) -> NotKnown {
    NotKnown { fact, why: why.into() }
}
