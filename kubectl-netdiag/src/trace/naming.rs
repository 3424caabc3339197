//! What the addresses of a path are: asked of the cluster while the trace runs, and only what the
//! user may read.

use std::{collections::BTreeSet, net::IpAddr};

use netdiag_wire::trace::TraceReport;
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use crate::{
    cluster::{Cluster, names},
    plan::Aim,
    probe::NAMING,
    render::Names,
};

/// Addresses whose pods are asked for one by one.
const MAX_ASKED: usize = 16;

pub(crate) struct Naming {
    names: Names,
    cluster: Option<Cluster>,
    /// Nodes and Services, which are asked for at the start.
    lists: Option<JoinHandle<Names>>,
    asked: BTreeSet<IpAddr>,
    /// Rows wait for names no longer than this.
    until: Instant,
}

impl Naming {
    pub(crate) fn start(cluster: Option<&Cluster>, aim: &Aim) -> Self {
        let lists = cluster
            .cloned()
            .map(|cluster| tokio::spawn(async move { cluster.nodes_and_services().await }));
        Self {
            names: aim.names(),
            cluster: cluster.cloned(),
            lists,
            asked: BTreeSet::new(),
            until: Instant::now() + NAMING,
        }
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// Finds out about every address that answered so far.
    pub(crate) async fn know(&mut self, report: &TraceReport) {
        if let Some(lists) = &mut self.lists
            && let Ok(listed) = timeout_at(self.until, lists).await
        {
            self.lists = None;
            names::add(&mut self.names, listed.unwrap_or_default());
        }
        let Some(cluster) = &self.cluster else { return };
        let answers = report.hops.iter().flat_map(|hop| &hop.answers);
        let rewritten = answers.clone().filter_map(|answer| answer.rewritten_to);
        let addresses = answers.map(|answer| answer.address).chain(rewritten);
        let strange: BTreeSet<IpAddr> =
            addresses.filter(|address| self.names.may_be_pod(*address)).collect();
        let strange: Vec<IpAddr> = strange.difference(&self.asked).copied().collect();
        let strange = &strange[..strange.len().min(MAX_ASKED.saturating_sub(self.asked.len()))];
        self.asked.extend(strange);
        let asked = strange.iter().map(|address| cluster.pods_at(*address));
        let found = timeout_at(self.until, futures_util::future::join_all(asked)).await;
        self.names.pods.extend(found.unwrap_or_default().into_iter().flatten());
    }
}

impl Drop for Naming {
    fn drop(&mut self) {
        if let Some(lists) = &self.lists {
            lists.abort();
        }
    }
}
