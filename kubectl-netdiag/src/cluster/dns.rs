//! The cluster's own DNS Service.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::Service;
use kube::api::ListParams;

use super::{Cluster, facts};

/// Where it is, by the convention of every installer.
pub(crate) const NAMESPACE: &str = "kube-system";
const SERVICE: &str = "kube-dns";

impl Cluster {
    /// By its name, else by its label.
    pub(crate) async fn dns_service(&self) -> Option<Service> {
        let services = self.services(NAMESPACE);
        if let Ok(service) = self.ask(services.get(SERVICE)).await {
            return Some(service);
        }
        let how = ListParams::default().labels("k8s-app=kube-dns").limit(1);
        self.ask(services.list(&how)).await.ok()?.items.into_iter().next()
    }

    pub(crate) async fn dns_address(&self) -> Option<IpAddr> {
        facts::cluster_ips(&self.dns_service().await?).first().copied()
    }
}
