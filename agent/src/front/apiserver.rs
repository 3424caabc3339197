//! The API server as front needs it: six questions, each bounded in time.

use std::{error::Error as _, net::SocketAddr, time::Duration};

use k8s_openapi::api::{
    authentication::v1::{TokenReview, TokenReviewSpec, TokenReviewStatus},
    authorization::v1::{SubjectAccessReview, SubjectAccessReviewSpec},
    core::v1::{Node, Pod},
    discovery::v1::EndpointSlice,
};
use kube::{Api, Client, api::PostParams};
use netdiag_wire::{ErrorBody, ErrorCode};

mod credentials;
mod link;
mod route;

pub(crate) use credentials::Credentials;
pub(crate) use link::Link;
pub(crate) use route::{Dial, Route};

/// A refusal must be there within 3 s of a request.
const TIMEOUT: Duration = Duration::from_millis(2_500);

#[derive(Clone)]
pub(crate) struct ApiServer {
    client: Client,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error("{0}: the API server does not answer within {TIMEOUT:?}")]
    Timeout(&'static str),
    #[error("{0}")]
    Kube(&'static str, #[source] Box<kube::Error>),
}

impl ApiServer {
    pub(crate) fn new(link: Link) -> Self {
        Self { client: Client::new(link, "default") }
    }

    pub(crate) async fn review_token(
        &self,
        token: &str,
        audience: &str,
    ) -> Result<TokenReviewStatus, AskError> {
        let spec =
            TokenReviewSpec { token: Some(token.into()), audiences: Some(vec![audience.into()]) };
        let review = TokenReview { spec, ..TokenReview::default() };
        let api = Api::all(self.client.clone());
        let answer =
            ask("create a tokenreview", api.create(&PostParams::default(), &review)).await?;
        Ok(answer.status.unwrap_or_default())
    }

    /// Whether RBAC allows it.
    pub(crate) async fn review_access(
        &self,
        spec: SubjectAccessReviewSpec,
    ) -> Result<bool, AskError> {
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        let api = Api::all(self.client.clone());
        let params = PostParams::default();
        let answer = ask("create a subjectaccessreview", api.create(&params, &review)).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }

    pub(crate) async fn pod(&self, namespace: &str, name: &str) -> Result<Option<Pod>, AskError> {
        let api = Api::namespaced(self.client.clone(), namespace);
        ask("get a pod", api.get_opt(name)).await
    }

    pub(crate) async fn node(&self, name: &str) -> Result<Option<Node>, AskError> {
        let api = Api::all(self.client.clone());
        ask("get a node", api.get_opt(name)).await
    }

    /// Where the API servers themselves listen, behind their Service.
    pub(crate) async fn endpoints(&self) -> Result<Vec<SocketAddr>, AskError> {
        let api = Api::namespaced(self.client.clone(), "default");
        let slice = ask("get the endpointslice of default/kubernetes", api.get("kubernetes"));
        Ok(addresses(&slice.await?))
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }
}

pub(crate) async fn ask<T>(
    what: &'static str,
    asked: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, AskError> {
    let answered = tokio::time::timeout(TIMEOUT, asked).await;
    answered
        .map_err(|_| AskError::Timeout(what))?
        .map_err(|cause| AskError::Kube(what, Box::new(cause)))
}

fn addresses(slice: &EndpointSlice) -> Vec<SocketAddr> {
    let ports = || slice.ports.iter().flatten();
    let https = ports().find(|port| port.name.as_deref() == Some("https")).or(ports().next());
    let Some(port) = https.and_then(|port| u16::try_from(port.port?).ok()) else { return vec![] };
    let hosts = slice.endpoints.iter().flat_map(|endpoint| &endpoint.addresses);
    hosts.filter_map(|host| Some(SocketAddr::new(host.parse().ok()?, port))).collect()
}

impl From<AskError> for ErrorBody {
    /// What the caller may know; the chain goes to the log.
    fn from(error: AskError) -> Self {
        let cause = error.source().map_or(String::new(), chain);
        tracing::warn!(%error, cause, "API server");
        let (code, message) = match &error {
            AskError::Timeout(_) => (ErrorCode::ApiServerUnreachable, error.to_string()),
            AskError::Kube(what, cause) => match &**cause {
                kube::Error::Api(status) if status.code == 403 => {
                    let message =
                        format!("the agent itself may not {what}: its ClusterRole is incomplete");
                    (ErrorCode::Internal, message)
                }
                kube::Error::Api(status) => {
                    let message = format!("{what}: the API server answers {}", status.code);
                    (ErrorCode::ApiServerUnreachable, message)
                }
                _ => {
                    let message = format!("{what}: the agent does not reach the API server");
                    (ErrorCode::ApiServerUnreachable, message)
                }
            },
        };
        Self::new(code, message)
    }
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoints_are_addresses_with_the_https_port() {
        let slice: EndpointSlice = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "kubernetes"},
            "addressType": "IPv4",
            "endpoints": [{"addresses": ["172.18.0.2"]}, {"addresses": ["172.18.0.3"]}],
            "ports": [{"name": "metrics", "port": 1}, {"name": "https", "port": 6443}],
        }))
        .unwrap();
        let want = [([172, 18, 0, 2], 6443).into(), ([172, 18, 0, 3], 6443).into()];
        assert_eq!(addresses(&slice), want);
        assert_eq!(addresses(&EndpointSlice::default()), []);
    }
}
