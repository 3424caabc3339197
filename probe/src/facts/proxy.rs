//! What kube-proxy says of itself (`cmd/kube-proxy/app/server.go`): mode and metrics on port 10249,
//! health on 10256, its own defaults.

use bytes::Bytes;
use http::StatusCode;
use netdiag_wire::facts::{Fact, KubeProxy, NotKnown, ProxyMode};

use super::{fetch::get, metrics, unknown};

const METRICS: u16 = 10_249;
const HEALTH: u16 = 10_256;

/// What it tells, and what it does not.
pub(super) async fn ask() -> (KubeProxy, Vec<NotKnown>) {
    let (mode, text, health) =
        tokio::join!(get(METRICS, "/proxyMode"), get(METRICS, "/metrics"), get(HEALTH, "/healthz"));
    let mut not_known = Vec::new();
    let mode =
        known(Fact::ProxyMode, mode.and_then(body).and_then(|body| of_word(&body)), &mut not_known);
    let read = text.and_then(body).map(|body| metrics::read(&String::from_utf8_lossy(&body)));
    let read = read.and_then(|read| match read.0.is_empty() {
        true => Err(format!("port {METRICS} has metrics, but none of kube-proxy's rules")),
        false => Ok(read),
    });
    let (syncs, failed_syncs) = known(Fact::ProxySyncs, read, &mut not_known).unwrap_or_default();
    let healthy =
        known(Fact::ProxyHealth, health.and_then(|(status, _)| of_status(status)), &mut not_known);
    (KubeProxy { mode, syncs, failed_syncs, healthy }, not_known)
}

fn known<T>(fact: Fact, asked: Result<T, String>, not_known: &mut Vec<NotKnown>) -> Option<T> {
    asked.map_err(|why| not_known.push(unknown(fact, &why))).ok()
}

fn body((status, body): (StatusCode, Bytes)) -> Result<Bytes, String> {
    match status {
        StatusCode::OK => Ok(body),
        status => Err(format!("port {METRICS} on the node's loopback: answered {status}")),
    }
}

/// The word itself goes no further: somebody else may answer on that port.
fn of_word(word: &[u8]) -> Result<ProxyMode, String> {
    match word.trim_ascii() {
        b"iptables" => Ok(ProxyMode::Iptables),
        b"nftables" => Ok(ProxyMode::Nftables),
        b"ipvs" => Ok(ProxyMode::Ipvs),
        _ => Err(format!("what answers on port {METRICS} names none of kube-proxy's modes")),
    }
}

fn of_status(status: StatusCode) -> Result<bool, String> {
    match status {
        StatusCode::OK => Ok(true),
        StatusCode::SERVICE_UNAVAILABLE => Ok(false),
        status => Err(format!("port {HEALTH} on the node's loopback: answered {status}")),
    }
}
