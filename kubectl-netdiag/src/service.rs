//! `ping svc/NAME`: an echo to a Service's address tells nothing, so nothing is sent there without
//! `--icmp`; its endpoints are listed, each with the command that pings it.

use std::net::IpAddr;

use k8s_openapi::api::{core::v1::Service, discovery::v1::EndpointSlice};
use kube::{Api, api::ListParams};
use serde::Serialize;

use crate::{
    args::Object,
    cluster::{Cluster, facts},
    diagnose::Endpoints,
    finding::{Code, Failure, Finding, Label, Peer, PeerKind, Severity, worst},
    probe::{Ends, NAMING},
    render::{self, Cell, Column, Document, Table},
    session::{Clock, Session, Stopped},
};

const CLUSTER_IP: Code = Code(901);
const HEADLESS: Code = Code(902);
const EXTERNAL_NAME: Code = Code(903);

/// `next` lines of one finding, at most.
const MAX_NEXT: usize = 2;

/// A backend of the Service, as its EndpointSlices have it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Endpoint {
    pub(crate) address: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pod: Option<PodName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) node: Option<String>,
    pub(crate) ready: bool,
}

#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(crate) struct PodName {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

#[derive(Serialize)]
struct ServiceReport<'a> {
    endpoints: &'a [Endpoint],
}

/// Reads the Service and its endpoints and says what to ping; sends nothing.
pub(crate) async fn run(
    cluster: &Cluster,
    object: &Object,
    from: Option<&str>,
    session: &mut Session<'_>,
    clock: Clock,
) -> Result<Severity, Stopped> {
    let namespace = object.namespace.as_deref().unwrap_or(&cluster.namespace);
    let (service, endpoints) = tokio::try_join!(
        cluster.service(namespace, &object.name),
        endpoints(cluster, namespace, &object.name),
    )?;
    let peer = peer(&service);
    let finding = finding(&service, &peer, &endpoints, from);
    let findings = [finding];
    let (out, screen) = (&mut *session.out, &session.screen);
    if screen.shows_evidence() {
        writeln!(out, "{}: as the API has it, nothing is sent", render::named(&peer))?;
    }
    if let Some((code, lines)) = note(&peer, false) {
        render::note(out, screen, code, &lines)?;
    }
    if !endpoints.is_empty() {
        if screen.shows_evidence() {
            writeln!(out)?;
        }
        render::table(out, screen, &table(&endpoints))?;
    }
    render::verdict(out, screen, &findings)?;
    let document = Document::new("PingReport", clock.span(), &findings)
        .to(peer)
        .part("service", &ServiceReport { endpoints: &endpoints })
        .map_err(std::io::Error::from)?;
    render::document(out, screen, &document)?;
    Ok(worst(&findings))
}

/// Code of the NOTE and its lines, where the question is a trap.
pub(crate) fn note(target: &Peer, is_sent: bool) -> Option<(Code, Vec<String>)> {
    if target.kind != PeerKind::Service {
        return None;
    }
    let word = |word: &str| target.words.iter().any(|known| known.starts_with(word));
    let (code, line) = if word("headless") {
        (HEADLESS, "A headless Service is a name for its pods; an echo goes to one of them.")
    } else if word("ExternalName") {
        (
            EXTERNAL_NAME,
            "An ExternalName Service is a CNAME; an echo goes to a host outside the cluster.",
        )
    } else {
        (
            CLUSTER_IP,
            "An echo to a Service's address reaches no pod and tells nothing about the Service.",
        )
    };
    let how = match (is_sent, code) {
        (true, _) => "It is sent because of --icmp; its endpoints answer echoes themselves.",
        (false, EXTERNAL_NAME) => "Ping that host itself.",
        (false, HEADLESS) => "Ping its endpoints themselves.",
        (false, _) => {
            "Its endpoints answer echoes themselves (--icmp sends to the Service anyway)."
        }
    };
    Some((code, vec![line.into(), how.into()]))
}

fn peer(service: &Service) -> Peer {
    let address = facts::cluster_ips(service).first().copied();
    facts::service_peer(service, address)
}

pub(crate) async fn endpoints(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
) -> Result<Vec<Endpoint>, Failure> {
    let slices: Api<EndpointSlice> = cluster.namespaced(namespace);
    let how = ListParams::default().labels(&format!("kubernetes.io/service-name={name}"));
    let list = cluster.ask(slices.list(&how)).await;
    let list =
        list.map_err(|refusal| refusal.failure(&format!("list the endpoints of svc {name}")))?;
    let mut endpoints: Vec<Endpoint> = list.items.iter().flat_map(of_slice).collect();
    endpoints.sort();
    endpoints.dedup();
    Ok(endpoints)
}

/// How many a Service has, which tells more than how it refuses.
pub(crate) async fn how_many(ends: &Ends<'_>) -> Endpoints {
    let peer = &ends.aim.peer;
    let (Some(cluster), PeerKind::Service, Some(namespace)) =
        (ends.cluster, peer.kind, &peer.namespace)
    else {
        return Endpoints::Unknown;
    };
    let asked = endpoints(cluster, namespace, &peer.name);
    match tokio::time::timeout(NAMING, asked).await {
        Ok(Ok(all)) if all.is_empty() => Endpoints::None,
        Ok(Ok(all)) => match all.iter().filter(|endpoint| endpoint.ready).count() {
            0 => Endpoints::NoneReady(all.len()),
            ready => Endpoints::Ready(ready),
        },
        Ok(Err(_)) | Err(_) => Endpoints::Unknown,
    }
}

fn of_slice(slice: &EndpointSlice) -> impl Iterator<Item = Endpoint> {
    slice.endpoints.iter().flat_map(|endpoint| {
        let conditions = endpoint.conditions.as_ref();
        // Absent means ready: EndpointSlices written by hand leave it out.
        let ready = conditions.and_then(|conditions| conditions.ready).unwrap_or(true);
        let pod =
            endpoint.target_ref.as_ref().filter(|target| target.kind.as_deref() == Some("Pod"));
        let pod = pod.and_then(|pod| {
            Some(PodName { namespace: pod.namespace.clone()?, name: pod.name.clone()? })
        });
        let addresses = endpoint.addresses.iter().filter_map(|address| address.parse().ok());
        addresses.map(move |address| Endpoint {
            address,
            pod: pod.clone(),
            node: endpoint.node_name.clone(),
            ready,
        })
    })
}

fn finding(service: &Service, peer: &Peer, endpoints: &[Endpoint], from: Option<&str>) -> Finding {
    let code = note(peer, false).map_or(CLUSTER_IP, |(code, _)| code);
    let external = service.spec.as_ref().and_then(|spec| spec.external_name.as_deref());
    if let Some(host) = external.filter(|_| code == EXTERNAL_NAME) {
        let summary = format!("nothing was sent: the Service is only a CNAME to {host}");
        return unknown(code, summary).with(Label::Next(ping(host, from)));
    }
    let Some(first) = endpoints.first() else {
        let namespace = peer.namespace.as_deref().unwrap_or_default();
        let label = format!("kubernetes.io/service-name={}", peer.name);
        let command = ["kubectl", "get", "endpointslices", "-n", namespace, "-l", &label];
        let summary =
            "nothing was sent: the Service has no endpoint, so its clients have nowhere to go";
        return unknown(code, summary.into())
            .with(Label::Next(command.map(str::to_owned).to_vec()));
    };
    let ready = endpoints.iter().filter(|endpoint| endpoint.ready).count();
    let count = endpoints.len();
    let summary = match count {
        1 => format!("nothing was sent: ping its endpoint, {}", first.word()),
        _ => format!("nothing was sent: ping its {count} endpoints ({ready} ready) one by one"),
    };
    let mut finding = unknown(code, summary);
    let next = endpoints.iter().take(MAX_NEXT).map(|endpoint| ping(&endpoint.word(), from));
    finding.labels.extend(next.map(Label::Next));
    if count > MAX_NEXT {
        let note = "each WHAT of the table can stand in the place of that target";
        finding.labels.push(Label::Note(note.into()));
    }
    finding
}

fn unknown(code: Code, summary: String) -> Finding {
    Finding::new(Severity::Unknown, code, summary)
}

fn ping(target: &str, from: Option<&str>) -> Vec<String> {
    let from = from.iter().flat_map(|from| ["--from", from]);
    ["kubectl", "netdiag", "ping", target].into_iter().chain(from).map(str::to_owned).collect()
}

impl Endpoint {
    /// As the command line takes it.
    pub(crate) fn word(&self) -> String {
        match &self.pod {
            Some(pod) => format!("{}/pod/{}", pod.namespace, pod.name),
            None => self.address.to_string(),
        }
    }
}

fn table(endpoints: &[Endpoint]) -> Table {
    let cells = |endpoint: &Endpoint| {
        let node = endpoint.node.clone().unwrap_or_else(|| "-".into());
        let ready = if endpoint.ready { Cell::from("yes") } else { Cell::doubtful("no") };
        vec![endpoint.address.to_string().into(), endpoint.word().into(), node.into(), ready]
    };
    let node = Column { nodes: true, ..Column::new("NODE") };
    Table {
        columns: vec![Column::new("ADDRESS"), Column::new("WHAT"), node, Column::new("READY")],
        rows: endpoints.iter().map(cells).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(spec: &serde_json::Value) -> Service {
        let metadata = json!({"namespace": "shop", "name": "checkout"});
        serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap()
    }

    fn two() -> Vec<Endpoint> {
        let slice: EndpointSlice = serde_json::from_value(json!({
            "addressType": "IPv4", "metadata": {}, "endpoints": [
                {"addresses": ["10.244.2.7"], "nodeName": "node-2", "conditions": {"ready": false}},
                {"addresses": ["10.244.1.15"], "nodeName": "node-1",
                 "targetRef": {"kind": "Pod", "namespace": "shop", "name": "checkout-a"}},
            ],
        }))
        .unwrap();
        let mut endpoints: Vec<_> = of_slice(&slice).collect();
        endpoints.sort();
        endpoints
    }

    #[test]
    fn a_cluster_ip_is_not_pinged_but_its_endpoints_are_named() {
        let service = service(&json!({"clusterIPs": ["10.96.14.7"], "type": "ClusterIP"}));
        let finding = finding(&service, &peer(&service), &two(), Some("pod/web"));
        assert_eq!((finding.severity, finding.code), (Severity::Unknown, Some(CLUSTER_IP)));
        assert_eq!(finding.summary, "nothing was sent: ping its 2 endpoints (1 ready) one by one");
        let next = |target| Label::Next(ping(target, Some("pod/web")));
        assert_eq!(finding.labels, [next("shop/pod/checkout-a"), next("10.244.2.7")]);
    }

    #[test]
    fn headless_and_external_services_are_told_apart() {
        for (spec, code) in [
            (json!({"clusterIPs": ["None"], "type": "ClusterIP"}), HEADLESS),
            (json!({"externalName": "db.example.net", "type": "ExternalName"}), EXTERNAL_NAME),
            (json!({"clusterIPs": ["10.96.0.1"], "type": "NodePort"}), CLUSTER_IP),
        ] {
            let service = service(&spec);
            assert_eq!(note(&peer(&service), false).unwrap().0, code);
        }
    }

    #[test]
    fn no_endpoint_is_said() {
        let service = service(&json!({"clusterIPs": ["10.96.14.7"], "type": "ClusterIP"}));
        let finding = finding(&service, &peer(&service), &[], None);
        assert!(finding.summary.contains("no endpoint"), "{finding:?}");
    }
}
