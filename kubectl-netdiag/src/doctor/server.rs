//! The API server itself: version, distance, clock.

use k8s_openapi::apimachinery::pkg::version::Info;
use tokio::time::Instant;

use crate::{cluster::Cluster, finding::Failure};

#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) version: String,
    pub(super) took_ms: u128,
    /// Its clock minus this machine's; `Date` has whole seconds.
    pub(super) clock_off_ms: Option<i64>,
}

/// Asks twice: the first question opens the connection, the second one is measured.
pub(super) async fn ask(cluster: &Cluster) -> Result<Server, Failure> {
    let version: Info = cluster
        .ask(cluster.client.apiserver_version())
        .await
        .map_err(|refusal| refusal.failure("tell its version"))?;
    let start = Instant::now();
    let clock_off_ms = cluster.clock_off_ms().await;
    let took_ms = start.elapsed().as_millis().max(1);
    Ok(Server { version: version.git_version, took_ms, clock_off_ms })
}
