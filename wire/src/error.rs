//! Why a probe could not be carried out, as a code that programs match on and words for people.

use serde::{Deserialize, Serialize};

use crate::Untrusted;

/// Body of every answer that is not 200, and of a stream's `error` line.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    pub code: ErrorCode,
    /// For the caller; internals and other tenants' names stay in the agent's log.
    pub message: Untrusted,
    /// Set with `forbidden`: the rule that would have allowed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<MissingRight>,
    /// Set with `tooMany`: when to ask again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u32>,
}

impl ErrorBody {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let message = Untrusted::from(message.into());
        Self { code, message, missing: None, retry_after_ms: None }
    }
}

/// One rule of API group `netdiag.dev`, verb `create`, that RBAC denied.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MissingRight {
    /// `pods`, `nodes` or `destinations`.
    pub resource: Untrusted,
    /// The right: a probe's name, `fast-ping`, `metadata`, `loopback`.
    pub right: Untrusted,
    /// Namespace of the source pod; absent for nodes and destinations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Untrusted>,
    /// Whom the token names, as TokenReview said.
    pub user: Untrusted,
}

/// Stable across releases; the message is not.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ErrorCode {
    /// 400: not HTTP, not JSON, an unknown field, a value out of its bounds.
    BadRequest,
    /// 401: no token, or one that TokenReview does not accept for this agent.
    Unauthenticated,
    /// 403: RBAC denied the right in [`MissingRight`], or the destination is off limits.
    Forbidden,
    /// 404: no such pod, or no such probe.
    NotFound,
    /// 409: the pod's UID is not the one in the request.
    UidMismatch,
    /// 409: the pod or node is another agent's.
    WrongNode,
    /// 409: the pod has ended and its network with it.
    PodEnded,
    /// 409: the pod has no network yet.
    PodPending,
    /// 409: the namespace found does not hold the pod's address, so it is not the pod's.
    ForeignNamespace,
    /// 422: well-formed, but beyond a limit of this agent; the message names the bound.
    LimitExceeded,
    /// 429: too many probes of this caller or on this agent.
    TooMany,
    /// 503: the API server cannot be asked whether this is allowed.
    ApiServerUnreachable,
    /// 503: the agent is ending, or cannot start a worker.
    Unavailable,
    /// The kernel or a security module refused what the agent needs; the message names it.
    Permission,
    /// `--source` is no address of that namespace; the message lists those that are.
    SourceAddress,
    /// The target's name has no address, as the source resolves it.
    NameResolution,
    /// The port cannot be listened on: in use, and by whom, or privileged; the message says it.
    PortUnavailable,
    /// A socket could not be opened or used.
    Socket,
    /// The worker ended without an end line.
    WorkerDied,
    /// A defect of the agent.
    Internal,
    /// Said by a newer agent.
    #[serde(other)]
    Unknown,
}

impl ErrorCode {
    /// HTTP status of the answer that carries this code.
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::UidMismatch
            | Self::WrongNode
            | Self::PodEnded
            | Self::PodPending
            | Self::ForeignNamespace
            | Self::PortUnavailable => 409,
            Self::LimitExceeded | Self::SourceAddress | Self::NameResolution => 422,
            Self::TooMany => 429,
            Self::ApiServerUnreachable | Self::Unavailable => 503,
            Self::Permission | Self::Socket | Self::WorkerDied | Self::Internal | Self::Unknown => {
                500
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_a_newer_agent_is_unknown() {
        let body: ErrorBody =
            serde_json::from_str(r#"{"code":"quantumFlux","message":"x","new":1}"#).unwrap();
        assert_eq!(body.code, ErrorCode::Unknown);
    }

    #[test]
    fn golden_body() {
        let mut body = ErrorBody::new(ErrorCode::Forbidden, "not allowed");
        body.missing = Some(MissingRight {
            resource: "pods".into(),
            right: "ping".into(),
            namespace: Some("shop".into()),
            user: "system:serviceaccount:shop:netdiag-user".into(),
        });
        let golden = r#"{"code":"forbidden","message":"not allowed","missing":{"resource":"pods","right":"ping","namespace":"shop","user":"system:serviceaccount:shop:netdiag-user"}}"#;
        assert_eq!(serde_json::to_string(&body).unwrap(), golden);
        assert_eq!(serde_json::from_str::<ErrorBody>(golden).unwrap(), body);
    }
}
