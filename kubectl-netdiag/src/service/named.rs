//! What the source gets for the Service's name.

use std::{collections::BTreeSet, net::IpAddr};

use netdiag_wire::dns::{DnsEvent, DnsFold, DnsRequest};
use tokio::time::Instant;

use super::{
    backends::{ServiceKind, ServiceSpec},
    probes::hear,
};
use crate::{
    dns::answer,
    finding::{Peer, PeerKind},
    plan::Aim,
    session::{Session, Stopped},
    stream::{Halt, Road},
};

/// Nothing to be named, or nobody to ask, is no fault.
#[derive(Debug, Default)]
pub(crate) enum Named {
    #[default]
    Nothing,
    /// Why it was not asked for.
    Skipped(String),
    Asked {
        name: String,
        addresses: BTreeSet<IpAddr>,
        queries: u32,
        took_us: u64,
    },
}

impl Named {
    /// As a client in the source resolves it.
    pub(super) async fn ask(
        spec: &ServiceSpec,
        from: &Peer,
        (road, (aim, deadline)): (&mut Road<'_>, (&Aim, Option<Instant>)),
        session: &mut Session<'_>,
    ) -> Result<Self, Halt> {
        let (ServiceKind::Addresses(_) | ServiceKind::Headless, Some(namespace)) =
            (&spec.kind, &spec.peer.namespace)
        else {
            return Ok(Self::Nothing);
        };
        if from.kind != PeerKind::Pod {
            let why = "a node does not ask the cluster's DNS; name a pod as the source";
            return Ok(Self::Skipped(why.into()));
        }
        let name = format!("{}.{namespace}.svc", spec.peer.name);
        let request = DnsRequest { in_cluster: true, ..DnsRequest::walk(name.clone()) };
        let events = match road.ask("dns", request.clone(), (aim, deadline), session).await {
            Ok(events) => events,
            Err(Stopped::Failure(failure)) => return Ok(Self::Skipped(failure.message)),
            Err(stopped) => return Err(stopped.into()),
        };
        let mut fold = DnsFold::new(&request);
        let heard = hear(road, events, "some of its queries", session, |event: DnsEvent| {
            fold.push(&event);
        });
        match heard.await {
            Ok(_) => {}
            Err(Halt::Refused(error)) => return Ok(Self::Skipped(error.message.to_string())),
            Err(halt) => return Err(halt),
        }
        let report = fold.report(None, None);
        let addresses = answer::own_queries(&report).flat_map(|it| answer::of(it).addresses());
        let (queries, took_us) = (report.counts.queries, report.counts.took_us);
        Ok(Self::Asked { name, addresses: addresses.collect(), queries, took_us })
    }
}
