//! `ping svc/NAME` without `--icmp`: what an echo to a Service tells (nothing), and what to ping
//! instead.

use crate::{
    args::Object,
    cluster::Cluster,
    finding::{Code, Peer, PeerKind, Severity},
    ping::Clock,
    session::{Session, Stopped},
};

/// Code of the NOTE and its lines, where the question is a trap.
pub(crate) fn note(target: &Peer) -> Option<(Code, Vec<String>)> {
    (target.kind == PeerKind::Service).then(|| {
        (Code(901), vec![
            "An echo to a Service's address reaches no pod and tells nothing about the Service.".into(),
        ])
    })
}

pub(crate) async fn run(
    _cluster: &Cluster,
    _object: &Object,
    _session: &mut Session<'_>,
    _clock: Clock,
) -> Result<Severity, Stopped> {
    Ok(Severity::Unknown)
}
