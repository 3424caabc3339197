//! What the caller may: SubjectAccessReview on the virtual resources, remembered for seconds.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReviewSpec};
use netdiag_wire::{API_GROUP, ErrorBody, ErrorCode, MissingRight};

use super::{apiserver::ApiServer, cache::Cache, identity::Identity};

const KEEP_ALLOWED: Duration = Duration::from_secs(10);
const KEEP_DENIED: Duration = Duration::from_secs(5);

pub(crate) struct Authorizer {
    api: ApiServer,
    /// By the whole review as JSON, so that no attribute is ever left out of the key.
    known: Mutex<Cache<String, bool>>,
}

/// One rule that must allow the caller: verb `create` in group `netdiag.dev`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Right<'a> {
    Pod { right: &'a str, namespace: &'a str, name: &'a str },
    Node { right: &'a str, name: &'a str },
    Destination(&'a str),
}

impl Authorizer {
    pub(crate) fn new(api: ApiServer) -> Self {
        Self { api, known: Mutex::new(Cache::new()) }
    }

    /// `forbidden` with the missing rule when RBAC says no.
    pub(crate) async fn require(&self, who: &Identity, right: Right<'_>) -> Result<(), ErrorBody> {
        match self.allows(who, right).await? {
            true => Ok(()),
            false => Err(right.refusal(who)),
        }
    }

    pub(crate) async fn allows(&self, who: &Identity, right: Right<'_>) -> Result<bool, ErrorBody> {
        let spec = right.review(who);
        let key = serde_json::to_string(&spec)
            .map_err(|error| ErrorBody::new(ErrorCode::Internal, error.to_string()))?;
        let known =
            self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key, Instant::now());
        if let Some(allowed) = known {
            return Ok(allowed);
        }
        let allowed = self.api.review_access(spec).await?;
        let keep = if allowed { KEEP_ALLOWED } else { KEEP_DENIED };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.put(key, allowed, Instant::now(), keep);
        Ok(allowed)
    }
}

impl Right<'_> {
    pub(crate) fn review(&self, who: &Identity) -> SubjectAccessReviewSpec {
        let (resource, right, namespace, name) = self.parts();
        let attributes = ResourceAttributes {
            group: Some(API_GROUP.into()),
            verb: Some("create".into()),
            resource: Some(resource.into()),
            subresource: Some(right.into()),
            namespace: namespace.map(Into::into),
            name: name.map(Into::into),
            ..ResourceAttributes::default()
        };
        SubjectAccessReviewSpec {
            user: Some(who.username.clone()),
            uid: who.uid.clone(),
            groups: who.groups.clone(),
            extra: who.extra.clone(),
            resource_attributes: Some(attributes),
            non_resource_attributes: None,
        }
    }

    fn refusal(&self, who: &Identity) -> ErrorBody {
        let (resource, right, namespace, _) = self.parts();
        let place =
            namespace.map_or(String::new(), |namespace| format!(" in namespace {namespace}"));
        let message = format!("RBAC denies create {resource}/{right} ({API_GROUP}){place}");
        let missing = MissingRight {
            resource: resource.into(),
            right: right.into(),
            namespace: namespace.map(Into::into),
            user: who.username.as_str().into(),
        };
        ErrorBody { missing: Some(missing), ..ErrorBody::new(ErrorCode::Forbidden, message) }
    }

    fn parts(&self) -> (&'static str, &str, Option<&str>, Option<&str>) {
        match *self {
            Self::Pod { right, namespace, name } => ("pods", right, Some(namespace), Some(name)),
            Self::Node { right, name } => ("nodes", right, None, Some(name)),
            Self::Destination(right) => ("destinations", right, None, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_review_copies_the_whole_user() {
        let mut who = Identity::named("system:serviceaccount:shop:netdiag-user", "JTI=1");
        who.uid = Some("u-1".into());
        who.groups =
            Some(vec!["system:serviceaccounts".into(), "system:serviceaccounts:shop".into()]);
        let review = Right::Pod { right: "ping", namespace: "shop", name: "foo" }.review(&who);
        let want = json!({
            "user": "system:serviceaccount:shop:netdiag-user",
            "uid": "u-1",
            "groups": ["system:serviceaccounts", "system:serviceaccounts:shop"],
            "extra": {"authentication.kubernetes.io/credential-id": ["JTI=1"]},
            "resourceAttributes": {
                "group": "netdiag.dev", "verb": "create", "resource": "pods",
                "subresource": "ping", "namespace": "shop", "name": "foo",
            },
        });
        assert_eq!(serde_json::to_value(review).unwrap(), want);
    }

    #[test]
    fn a_refusal_names_the_rule_and_not_the_pod() {
        let who = Identity::named("system:serviceaccount:shop:netdiag-user", "JTI=1");
        let refusal = Right::Pod { right: "ping", namespace: "shop", name: "secret" }.refusal(&who);
        let golden = r#"{"code":"forbidden","message":"RBAC denies create pods/ping (netdiag.dev) in namespace shop","missing":{"resource":"pods","right":"ping","namespace":"shop","user":"system:serviceaccount:shop:netdiag-user"}}"#;
        assert_eq!(serde_json::to_string(&refusal).unwrap(), golden);
        let node = Right::Node { right: "ping", name: "node-1" }.refusal(&who);
        assert_eq!(node.missing.unwrap().namespace, None);
    }
}
