//! Which Services lead to a pod, by their selectors, and to which of its ports.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{Pod, Service, ServicePort},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::facts;
use crate::plan::{DeclaredPort, PortProtocol};

/// One port of a Service that sends to a port of the pod.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Lead {
    /// The Service's name; it is in the pod's namespace.
    pub(crate) service: String,
    /// As the Service declares it.
    pub(crate) port: DeclaredPort,
    /// The pod's own port.
    pub(crate) target: u16,
}

impl Lead {
    /// `svc/checkout:http`.
    pub(crate) fn word(&self) -> String {
        let port = self.port.name.clone().unwrap_or_else(|| self.port.number.to_string());
        format!("svc/{}:{port}", self.service)
    }
}

/// The leads to this pod of the Services of its namespace.
pub(crate) fn leads(pod: &Pod, services: &[Service]) -> Vec<Lead> {
    let selects = |service: &&Service| selects(service, pod);
    services.iter().filter(selects).flat_map(|service| of_service(service, pod)).collect()
}

/// A selector that is empty selects nothing: such a Service's endpoints are somebody else's work.
fn selects(service: &Service, pod: &Pod) -> bool {
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    let labels = pod.metadata.labels.as_ref();
    selector.filter(|selector| !selector.is_empty()).is_some_and(|selector| {
        let has = |(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value);
        selector.iter().all(has)
    })
}

fn of_service(service: &Service, pod: &Pod) -> Vec<Lead> {
    let name = service.metadata.name.clone().unwrap_or_default();
    let ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    let lead = |port: &ServicePort| {
        let declared = facts::service_port(port)?;
        let target = target(port, declared.protocol, pod)?;
        Some(Lead { service: name.clone(), port: declared, target })
    };
    ports.filter_map(lead).collect()
}

/// A number, a name that one of the pod's containers declares, or else the Service's own number.
fn target(port: &ServicePort, protocol: PortProtocol, pod: &Pod) -> Option<u16> {
    match &port.target_port {
        None | Some(IntOrString::Int(0)) => port.port.try_into().ok(),
        Some(IntOrString::Int(number)) => u16::try_from(*number).ok(),
        Some(IntOrString::String(name)) => facts::pod_ports(pod)
            .into_iter()
            .find(|port| port.name.as_ref() == Some(name) && port.protocol == protocol)
            .map(|port| port.number),
    }
}

/// The pod's containers by the IDs that its processes' cgroups bear, without `containerd://`.
pub(crate) fn containers(pod: &Pod) -> BTreeMap<String, String> {
    let status = pod.status.iter();
    let all = status.flat_map(|status| {
        let kinds = [
            &status.container_statuses,
            &status.init_container_statuses,
            &status.ephemeral_container_statuses,
        ];
        kinds.into_iter().flatten().flatten()
    });
    let ids = all.filter_map(|status| {
        let id = status.container_id.as_deref()?;
        let id = id.split_once("://").map_or(id, |(_, id)| id);
        Some((id.to_owned(), status.name.clone()))
    });
    ids.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod() -> Pod {
        serde_json::from_value(json!({
            "metadata": {"namespace": "shop", "name": "checkout-a", "labels": {"app": "checkout",
                "tier": "web"}},
            "spec": {"containers": [{"name": "app", "ports": [
                {"name": "http", "containerPort": 8080},
                {"name": "dns", "containerPort": 53, "protocol": "UDP"}]}]},
            "status": {"containerStatuses": [{"name": "app", "image": "", "imageID": "",
                "ready": true, "restartCount": 0, "containerID": "containerd://8f3c"}],
                "initContainerStatuses": [{"name": "proxy", "image": "", "imageID": "",
                "ready": true, "restartCount": 0, "containerID": "cri-o://17aa"}]},
        }))
        .unwrap()
    }

    fn service(name: &str, selector: &serde_json::Value, ports: &serde_json::Value) -> Service {
        let spec = json!({"selector": selector, "ports": ports});
        serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec})).unwrap()
    }

    #[test]
    fn a_service_leads_by_number_by_name_or_by_its_own_port() {
        let app = json!({"app": "checkout"});
        let services = [
            service(
                "checkout",
                &app,
                &json!([
                    {"name": "http", "port": 80, "targetPort": "http"},
                    {"name": "metrics", "port": 9090, "targetPort": 9091},
                    {"port": 8443},
                    // A name that the pod declares for another protocol leads nowhere.
                    {"name": "dns", "port": 53, "targetPort": "dns"},
                    {"name": "dns-udp", "port": 53, "protocol": "UDP", "targetPort": "dns"},
                ]),
            ),
            service("other", &json!({"app": "web"}), &json!([{"port": 80}])),
            service("by-hand", &json!({}), &json!([{"port": 80}])),
        ];
        let leads = leads(&pod(), &services);
        let leads: Vec<_> = leads.iter().map(|lead| (lead.word(), lead.target)).collect();
        assert_eq!(
            leads,
            [
                ("svc/checkout:http".to_owned(), 8080),
                ("svc/checkout:metrics".to_owned(), 9091),
                ("svc/checkout:8443".to_owned(), 8443),
                ("svc/checkout:dns-udp".to_owned(), 53),
            ]
        );
    }

    #[test]
    fn containers_are_known_by_what_the_runtime_calls_them() {
        let known = containers(&pod());
        assert_eq!(known.get("8f3c").map(String::as_str), Some("app"));
        assert_eq!(known.get("17aa").map(String::as_str), Some("proxy"));
    }
}
