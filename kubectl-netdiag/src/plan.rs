//! From what was typed to what will be sent: both ends looked up, the source's agent found.

use netdiag_wire::{Family, Source};

mod port;
mod source;
pub(crate) mod target;

pub(crate) use port::{declared_port, named_port, service_port};
pub(crate) use source::{elsewhere, from_where};
pub(crate) use target::{Aim, DeclaredPort, PortProtocol};

use crate::{
    args::{Object, Target},
    cluster::{Cluster, agents::Agent},
    finding::{Failure, Peer},
};

/// Where a probe starts: the peer, the agent that sends from there, whose rights it needs.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) peer: Peer,
    pub(crate) source: Source,
    /// Namespace of the source pod; absent for a node.
    pub(crate) namespace: Option<String>,
    pub(crate) agent: Agent,
    /// Nobody chose it.
    pub(crate) is_default: bool,
}

/// A place that is looked into: it is its own target.
pub(crate) async fn place(
    cluster: &Cluster,
    place: &Object,
    family: Family,
) -> Result<(Aim, Start), Failure> {
    let start = source::chosen(cluster, place, cluster.fleet(), family).await?;
    Ok((Aim::at_place(&start.peer), start))
}

/// Both ends. What does not depend on each other is asked at once: time to the first answer counts.
pub(crate) async fn both_ends(
    cluster: &Cluster,
    target: &Target,
    origin: Option<&Object>,
    family: Family,
) -> Result<(Aim, Start), Failure> {
    let aim = target::find(cluster, target, family);
    match origin {
        Some(origin) => {
            let fleet = cluster.fleet();
            let (aim, start) =
                tokio::try_join!(aim, source::chosen(cluster, origin, fleet, family))?;
            Ok((aim, start))
        }
        None => {
            let lists = source::lists(cluster);
            let (aim, lists) = tokio::try_join!(aim, lists)?;
            let start = source::default(cluster, &aim, &lists, family).await?;
            Ok((aim, start))
        }
    }
}
