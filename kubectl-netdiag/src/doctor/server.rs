//! The API server itself: version, distance, clock.

use http::header;
use jiff::{Timestamp, fmt::rfc2822};
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
    let request = http::Request::get("/version").body(kube::client::Body::empty());
    let answer = match request {
        Ok(request) => cluster.ask(cluster.client.send(request)).await.ok(),
        Err(_) => None,
    };
    let took_ms = start.elapsed().as_millis().max(1);
    let date = answer.as_ref().and_then(|answer| answer.headers().get(header::DATE)?.to_str().ok());
    let date = date.and_then(|date| rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
    // The middle of the second that it names.
    let clock_off_ms =
        date.map(|date| date.as_millisecond() + 500 - Timestamp::now().as_millisecond());
    Ok(Server { version: version.git_version, took_ms, clock_off_ms })
}
