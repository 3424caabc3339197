//! The API server: who asks, in which namespace, and what it answers or refuses.

use std::{future::Future, time::Duration};

use k8s_openapi::api::{
    authentication::v1::SelfSubjectReview,
    core::v1::{Namespace, Node, Pod, Service},
};
use kube::{Api, Client, api::PostParams, client::ClientBuilder, core::NamespaceResourceScope};

pub(crate) mod agents;
mod answer;
pub(crate) mod bindings;
mod clock;
mod config;
pub(crate) mod dns;
pub(crate) mod facts;
pub(crate) mod held;
pub(crate) mod leads;
mod log;
pub(crate) mod names;
mod network;
mod proxy;
pub(crate) mod targets;
pub(crate) mod tokens;
pub(crate) mod workload;

pub(crate) use answer::Unanswered;
pub(crate) use config::{Part, Surroundings, names as kubeconfig_names};
pub(crate) use proxy::ProxyVariables;

use crate::{args::KubeFlags, finding::Failure};

/// One answer of the API server may take this long where `--request-timeout` says nothing.
const PATIENCE: Duration = Duration::from_secs(30);

/// A way to the API server.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) client: Client,
    /// Of what is named without one.
    pub(crate) namespace: String,
    /// Where the agents are.
    pub(crate) agents: String,
    pub(crate) context: Option<String>,
    pub(crate) server: String,
    timeout: Option<Duration>,
}

impl Cluster {
    /// Reads the kubeconfig and runs its credential plugin; sends nothing yet.
    pub(crate) fn open(flags: &KubeFlags, around: &Surroundings) -> Result<Self, Failure> {
        let read = config::read(flags, around)?;
        let server = read.config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let namespace = read.config.default_namespace.clone();
        let plugin = read.config.auth_info.exec.as_ref().and_then(|exec| exec.command.clone());
        let builder = ClientBuilder::try_from(read.config)
            .map_err(|error| config::unusable(&server, plugin.as_deref(), &error))?;
        let client = match flags.log_level {
            Some(6..) => builder.with_layer(&log::RequestLog).build(),
            Some(_) | None => builder.build(),
        };
        let agents = flags.agent_namespace.clone().or_else(|| around.agent_namespace.clone());
        Ok(Self {
            client,
            namespace,
            agents: agents.unwrap_or_else(|| "netdiag".into()),
            context: read.context,
            server,
            timeout: match flags.request_timeout {
                Some(Duration::ZERO) => None,
                Some(timeout) => Some(timeout),
                None => Some(PATIENCE),
            },
        })
    }

    /// Awaits one answer, no longer than `--request-timeout`.
    pub(crate) async fn ask<T>(
        &self,
        request: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Unanswered> {
        let answer = match self.timeout {
            Some(timeout) => tokio::time::timeout(timeout, request)
                .await
                .map_err(|_| Unanswered::Silence { server: self.server.clone(), after: timeout })?,
            None => request.await,
        };
        answer.map_err(|error| Unanswered::new(&self.server, &error))
    }

    pub(crate) fn pods(&self, namespace: &str) -> Api<Pod> {
        self.namespaced(namespace)
    }

    pub(crate) fn services(&self, namespace: &str) -> Api<Service> {
        self.namespaced(namespace)
    }

    pub(crate) fn nodes(&self) -> Api<Node> {
        Api::all(self.client.clone())
    }

    pub(crate) fn namespaces(&self) -> Api<Namespace> {
        Api::all(self.client.clone())
    }

    pub(crate) fn namespaced<K>(&self, namespace: &str) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// The user's name as the API server knows it; absent where it will not say.
    pub(crate) async fn user(&self) -> Option<String> {
        let reviews: Api<SelfSubjectReview> = Api::all(self.client.clone());
        let (how, empty) = (PostParams::default(), SelfSubjectReview::default());
        let review = self.ask(reviews.create(&how, &empty)).await.ok()?;
        review.status?.user_info?.username
    }
}
