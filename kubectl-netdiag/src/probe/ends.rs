//! Both ends of a probe and what is known of them.

use std::{net::IpAddr, time::Duration};

use jiff::Timestamp;

use crate::{
    cluster::{Cluster, facts, names},
    diagnose::Context,
    finding::Peer,
    plan::Aim,
    render::Names,
};

/// Names are worth a wait, but not a long one.
pub(crate) const NAMING: Duration = Duration::from_secs(2);

pub(crate) struct Ends<'a> {
    pub(crate) from: Peer,
    pub(crate) aim: Aim,
    /// Nobody chose the source.
    pub(crate) is_default: bool,
    /// Absent where no object was named and this machine sends.
    pub(crate) cluster: Option<&'a Cluster>,
    /// Namespace and name of the ServiceAccount whose token the agent got.
    pub(crate) account: Option<(String, String)>,
}

impl Ends<'_> {
    /// The addresses that the packets really bear.
    pub(crate) fn meet(&mut self, source: IpAddr, target: IpAddr) {
        self.from.address.get_or_insert(source);
        self.aim.peer.address.get_or_insert(target);
    }

    /// What a verdict is made of besides the report.
    pub(crate) fn context(&self, names: Names) -> Context {
        Context {
            from: self.from.clone(),
            to: self.aim.peer.clone(),
            default_source: self.is_default,
            names,
            target_pod: self.aim.pod.clone(),
            target_node: self.aim.node.clone(),
            now_at: Timestamp::now(),
        }
    }

    /// What only matters when there is something to explain: the target's node as it is now, and
    /// who has an address that was given as such.
    pub(crate) async fn look_closer(&self, context: &mut Context) {
        let Some(cluster) = self.cluster else { return };
        let look = async {
            if let Some(name) = &self.aim.peer.node {
                let node = cluster.ask(cluster.nodes().get(name)).await;
                context.target_node = node.ok().map(|node| facts::of_node(&node));
            } else if let Some(address) = self.aim.peer.address {
                names::add(&mut context.names, cluster.names(address).await);
            }
        };
        // What is not known by then is not said.
        let _ = tokio::time::timeout(NAMING, look).await;
    }
}
