//! What the agent, or the plugin itself, does not scan, and what to ask instead.

use crate::{
    args::ScanArgs,
    code,
    doctor::may_scan,
    finding::{Failure, Label, Peer, PeerKind},
    probe::Ends,
    service,
};

/// `next` lines of one failure, at most.
const MAX_NEXT: usize = 2;

/// A Service's address is no host's; its pods are.
pub(super) async fn service(args: &ScanArgs, ends: &Ends<'_>) -> Failure {
    let peer = &ends.aim.peer;
    let message =
        format!("scan {}: a Service's address has no ports of its own, its pods have", peer.word());
    let mut failure = Failure::new(code::BAD_VALUE, message);
    let (Some(cluster), Some(namespace)) = (ends.cluster, &peer.namespace) else { return failure };
    let endpoints = service::endpoints(cluster, namespace, &peer.name).await.unwrap_or_default();
    let next =
        endpoints.iter().take(MAX_NEXT).map(|endpoint| command(args, &endpoint.word(), ends));
    failure.labels.extend(next);
    failure
}

/// ND0040: beyond what holds a scan whose caller shows no right over the target.
pub(super) async fn beyond(args: &ScanArgs, ends: &Ends<'_>, failure: Failure) -> Failure {
    // The sentence names the chart's value: which of the agents said so tells nothing more.
    let message = failure.message.split(" (said by ").next().unwrap_or_default().to_owned();
    let failure = Failure { message, ..failure };
    let (Some(cluster), Some(address)) = (ends.cluster, ends.aim.peer.address) else {
        return failure;
    };
    if ends.aim.peer.kind != PeerKind::Address {
        return failure;
    }
    let pods = cluster.pods_at(address).await;
    // A hostNetwork pod has its node's address.
    let Some(pod) = pods.iter().find(|pod| !pod.host_network) else { return failure };
    let word = Peer {
        kind: PeerKind::Pod,
        namespace: Some(pod.namespace.clone()),
        name: pod.name.clone(),
        ..Peer::default()
    }
    .word();
    let whom = match may_scan(cluster, &pod.namespace).await {
        true => "for you".into(),
        false => format!("for whoever holds pods/scan in {}", pod.namespace),
    };
    failure
        .with(Label::Note(format!("the address is {word}: named so, there is no limit {whom}")))
        .with(command(args, &word, ends))
}

fn command(args: &ScanArgs, target: &str, ends: &Ends<'_>) -> Label {
    let words = ["kubectl", "netdiag", "scan", target].map(str::to_owned).into_iter();
    let from = ["--from".to_owned(), ends.from.word()];
    Label::Next(words.chain(args.flags()).chain(from).collect())
}
