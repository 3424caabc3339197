//! The cluster's DNS and the objects whose names it has, as far as the user may read them.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Pod, Service};
use kube::{ResourceExt, api::ListParams};
use netdiag_wire::dns::{DnsOutcome, DnsReport};

use super::answer::{self, shown};
use crate::{
    args::{Kind, Object},
    cluster::{Cluster, dns::NAMESPACE, facts, targets::has_network},
    code,
    diagnose::{DnsContext, Says, Truth},
    finding::{self, Failure, Peer, PeerKind},
    near,
    render::{Names, PodFacts},
    service::{Endpoint, endpoints},
};

/// Of a cluster that says nothing else.
pub(crate) const DOMAIN: &str = "cluster.local";

/// The cluster's DNS Service and the pods behind it; why not these, where they cannot be read.
pub(super) async fn servers(cluster: &Cluster, with_pods: bool) -> (Names, Option<String>) {
    let mut names = Names::default();
    let Some(service) = cluster.dns_service().await else {
        let why = format!(
            "the cluster's DNS Service in {NAMESPACE} cannot be read: its pods are not asked"
        );
        return (names, Some(why));
    };
    let name = service.name_any();
    names.services = vec![facts::of_service(&service)];
    if !with_pods {
        return (names, None);
    }
    match endpoints(cluster, NAMESPACE, &name).await {
        Ok(endpoints) => {
            names.pods = endpoints.iter().filter_map(pod_of).collect();
            (names, None)
        }
        Err(failure) => (
            names,
            Some(format!("the pods behind {NAMESPACE}/svc/{name} are not asked: {failure}")),
        ),
    }
}

fn pod_of(endpoint: &Endpoint) -> Option<PodFacts> {
    let pod = endpoint.pod.as_ref()?;
    Some(PodFacts {
        namespace: pod.namespace.clone(),
        name: pod.name.clone(),
        node: endpoint.node.clone(),
        addresses: vec![endpoint.address],
        ready: endpoint.ready,
        ..PodFacts::default()
    })
}

/// The object's name in the cluster's DNS, without the cluster's domain.
pub(super) async fn name_of(cluster: &Cluster, object: &Object) -> Result<(String, Peer), Failure> {
    let namespace = object.namespace.as_deref().unwrap_or(&cluster.namespace);
    if object.kind == Kind::Pod {
        let pod = cluster.pod(namespace, &object.name).await?;
        has_network(&pod)?;
        let address = facts::of_pod(&pod).addresses.first().copied();
        return Ok((pod_name(&pod, namespace)?, facts::pod_peer(&pod, address)));
    }
    let service = cluster.service(namespace, &object.name).await?;
    let address = facts::cluster_ips(&service).first().copied();
    Ok((format!("{}.{namespace}.svc", object.name), facts::service_peer(&service, address)))
}

/// By its Service where it has a host name there (a StatefulSet's pods do), else by its address.
fn pod_name(pod: &Pod, namespace: &str) -> Result<String, Failure> {
    let spec = pod.spec.as_ref();
    let named = spec.and_then(|spec| Some((spec.hostname.as_ref()?, spec.subdomain.as_ref()?)));
    if let Some((host, service)) = named {
        return Ok(format!("{host}.{service}.{namespace}.svc"));
    }
    let address = facts::of_pod(pod).addresses.first().copied();
    let address = address.ok_or_else(|| {
        Failure::new(code::NO_NETWORK, format!("{namespace}/pod/{} has no address", pod.name_any()))
    })?;
    let label = address.to_string().replace(['.', ':'], "-");
    Ok(format!("{label}.{namespace}.pod"))
}

/// What only matters once there is an answer, or none.
pub(super) async fn look(cluster: &Cluster, report: &DnsReport, context: &mut DnsContext) {
    let dns = context.ends.names.services.first();
    context.cluster_dns = dns.and_then(|service| service.cluster_ips.first().copied());
    let answered =
        answer::own_queries(report).filter(|query| query.outcome == DnsOutcome::Answered);
    if let Some(query) = answered.last() {
        context.truth = truth(cluster, &shown(&query.name), report).await;
    } else if may_be_meant(report, &context.ends.from) {
        context.near = near(cluster, report, &context.ends.from).await;
    }
}

/// A name that is not there, or a bare word of which a server outside the cluster says nothing.
fn may_be_meant(report: &DnsReport, from: &Peer) -> bool {
    let has = |outcome| answer::own_queries(report).any(|query| query.outcome == outcome);
    let is_word = !shown(&report.name).trim_end_matches('.').contains('.');
    match has(DnsOutcome::NxDomain) {
        true => is_word || !has(DnsOutcome::ServFail) && !has(DnsOutcome::RefusedQuery),
        false => is_word && from.kind == PeerKind::Node,
    }
}

/// What the API says of `NAME.NAMESPACE.svc.DOMAIN`; none for names of another form.
async fn truth(cluster: &Cluster, name: &str, report: &DnsReport) -> Option<Result<Truth, String>> {
    let (service, namespace) = service_of(name, report)?;
    let found = cluster.ask(cluster.services(&namespace).get(&service)).await;
    let word = format!("{namespace}/svc/{service}");
    let found = match found {
        Ok(found) => found,
        Err(refusal) if refusal.is_forbidden() => {
            return Some(Err(format!("you may not read {word}")));
        }
        // A name that DNS has and the API has not is foreign, but not by this alone: a stub domain.
        Err(_) => return Some(Err(format!("the API has no {word}"))),
    };
    let object = finding::Object {
        kind: "Service".into(),
        namespace: Some(namespace.clone()),
        name: service.clone(),
        resource_version: found.metadata.resource_version.clone().unwrap_or_default(),
    };
    let says = match says(cluster, &found, &namespace).await {
        Ok(says) => says,
        Err(failure) => return Some(Err(failure.to_string())),
    };
    Some(Ok(Truth { says, word, object }))
}

async fn says(cluster: &Cluster, service: &Service, namespace: &str) -> Result<Says, Failure> {
    let spec = service.spec.as_ref();
    if let Some(target) = spec.and_then(|spec| spec.external_name.clone()) {
        return Ok(Says::Cname(target));
    }
    let own: BTreeSet<_> = facts::cluster_ips(service).into_iter().collect();
    if !own.is_empty() {
        return Ok(Says::Addresses("ClusterIP", own));
    }
    let all = spec.and_then(|spec| spec.publish_not_ready_addresses).unwrap_or_default();
    let endpoints = endpoints(cluster, namespace, &service.name_any()).await?;
    let ready = endpoints.iter().filter(|endpoint| all || endpoint.ready);
    Ok(Says::Addresses("ready endpoints", ready.map(|endpoint| endpoint.address).collect()))
}

/// `checkout` and `shop` of `checkout.shop.svc.cluster.local.`
fn service_of(name: &str, report: &DnsReport) -> Option<(String, String)> {
    let search = report.resolver.iter().flat_map(|settings| &settings.search).map(shown);
    let within = search.filter(|entry| entry.starts_with("svc."));
    let domains = within.chain([format!("svc.{DOMAIN}")]);
    let lower = name.trim_end_matches('.').to_ascii_lowercase();
    let head = domains
        .filter_map(|domain| {
            lower.strip_suffix(&format!(".{}", domain.trim_end_matches('.'))).map(str::to_owned)
        })
        .next()?;
    let (service, namespace) = head.split_once('.')?;
    let is_plain = |label: &str| !label.is_empty() && !label.contains(['.', '\\', '/', '*']);
    (is_plain(service) && is_plain(namespace)).then(|| (service.to_owned(), namespace.to_owned()))
}

/// A Service of the source's namespace that is called so, or nearly.
async fn near(cluster: &Cluster, report: &DnsReport, from: &Peer) -> Option<(String, String)> {
    let namespace = from.namespace.as_ref().filter(|_| from.kind == PeerKind::Pod);
    let namespace = namespace.unwrap_or(&cluster.namespace);
    let typed = shown(&report.name);
    let wanted = typed.split('.').next()?;
    let services = cluster.services(namespace);
    let list = cluster.ask(services.list_metadata(&ListParams::default().limit(500))).await.ok()?;
    let names: Vec<String> = list.items.iter().map(ResourceExt::name_any).collect();
    let name = near::nearest(wanted, names.iter().map(String::as_str))?;
    Some((namespace.clone(), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use netdiag_wire::dns::{DnsFold, DnsRequest, ResolverSettings};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_service_is_known_by_its_name_in_the_clusters_domain() {
        let mut report = DnsFold::new(&DnsRequest::walk("a")).report(None, None);
        let of = |name: &str, report: &DnsReport| service_of(name, report);
        let checkout = Some(("checkout".to_owned(), "shop".to_owned()));
        assert_eq!(of("checkout.shop.svc.cluster.local.", &report), checkout);
        assert_eq!(of("Checkout.Shop.svc.Cluster.Local", &report), checkout);
        for other in [
            "db-0.db.shop.svc.cluster.local.",
            "svc.cluster.local.",
            "shop.svc.cluster.local.",
            "a.b.svc.example.",
            "api.example.com.",
        ] {
            assert_eq!(of(other, &report), None, "{other}");
        }
        let search = vec!["shop.svc.k8s.example".into(), "svc.k8s.example".into()];
        report.resolver = Some(ResolverSettings { search, ..ResolverSettings::default() });
        assert_eq!(of("checkout.shop.svc.k8s.example.", &report), checkout);
    }

    #[test]
    fn a_pod_has_its_services_name_or_its_addresss() {
        let pod = |spec: serde_json::Value| -> Pod {
            serde_json::from_value(json!({"metadata": {"name": "db-0"}, "spec": spec,
                "status": {"podIP": "10.244.1.31"}}))
            .unwrap()
        };
        let headless = pod(json!({"containers": [], "hostname": "db-0", "subdomain": "db"}));
        assert_eq!(pod_name(&headless, "shop").unwrap(), "db-0.db.shop.svc");
        let plain = pod(json!({"containers": []}));
        assert_eq!(pod_name(&plain, "shop").unwrap(), "10-244-1-31.shop.pod");
    }
}
