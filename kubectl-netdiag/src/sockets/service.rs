//! A Service is a name for pods: these have the sockets.

use crate::{
    args::Object,
    cluster::Cluster,
    code,
    finding::{Failure, Label},
    render::number::counted,
    service::endpoints,
};

/// Pods that are offered instead.
const MAX_NEXT: usize = 2;

/// Why there is nothing to look into, and where there is.
pub(super) async fn refusal(cluster: &Cluster, service: &Object) -> Failure {
    let namespace = service.namespace.as_deref().unwrap_or(&cluster.namespace);
    if let Err(failure) = cluster.service(namespace, &service.name).await {
        return failure;
    }
    let word = service.word(&cluster.namespace);
    let message = format!(
        "sockets {word}: a Service has no sockets, its pods have; all of them at once is not in \
         this release"
    );
    let failure = Failure::new(code::BAD_VALUE, message);
    let Ok(endpoints) = endpoints(cluster, namespace, &service.name).await else {
        return failure;
    };
    let mut pods: Vec<_> = endpoints.iter().filter_map(|endpoint| endpoint.pod.as_ref()).collect();
    pods.dedup();
    let next = pods.iter().take(MAX_NEXT).map(|pod| {
        let pod = format!("{}/pod/{}", pod.namespace, pod.name);
        Label::Next(["kubectl", "netdiag", "sockets", &pod, "-l"].map(str::to_owned).to_vec())
    });
    let note = match pods.len() {
        0 => Some("it has no pod behind it".to_owned()),
        pods if pods > MAX_NEXT => {
            let more = u32::try_from(pods - MAX_NEXT).unwrap_or(u32::MAX);
            Some(format!("it has {}", counted(more, "more pod", "more pods")))
        }
        _ => None,
    };
    let labels = next.chain(note.map(Label::Note)).collect();
    Failure { labels, ..failure }
}
