//! What is read of an agent's audit line (docs/audit.md) and of an event of audit.k8s.io/v1.

use std::{collections::BTreeMap, fmt};

use netdiag_wire::Untrusted;
use serde::{Deserialize, Serialize};

/// Annotation that names the token which a request got.
const ISSUED: &str = "authentication.kubernetes.io/issued-credential-id";

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AgentLine {
    pub(super) time: Untrusted,
    pub(super) audit: Untrusted,
    pub(super) probe_id: Untrusted,
    pub(super) node: Untrusted,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) probe: Option<Untrusted>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) credential_id: Option<Untrusted>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) claimed_user_unverified: Option<Untrusted>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<LineSource>,
    #[serde(default)]
    pub(super) targets: Vec<Untrusted>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LineSource {
    kind: Untrusted,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<Untrusted>,
    name: Untrusted,
}

impl fmt::Display for LineSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// Who got a token, and of whom.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Minting {
    pub(super) at: Untrusted,
    /// Who acted: whoever was impersonated, where somebody was.
    pub(super) user: Untrusted,
    pub(super) groups: Vec<Untrusted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) impersonated_by: Option<Untrusted>,
    pub(super) addresses: Vec<Untrusted>,
    pub(super) agent: Untrusted,
    /// Of the ServiceAccount.
    pub(super) namespace: Untrusted,
    pub(super) account: Untrusted,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiEvent {
    user: Person,
    impersonated_user: Option<Person>,
    #[serde(default, rename = "sourceIPs")]
    source_ips: Vec<Untrusted>,
    #[serde(default)]
    user_agent: Untrusted,
    stage_timestamp: Untrusted,
    object_ref: ObjectRef,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Person {
    username: Untrusted,
    #[serde(default)]
    groups: Vec<Untrusted>,
}

#[derive(Deserialize)]
struct ObjectRef {
    resource: String,
    #[serde(default)]
    subresource: String,
    #[serde(default)]
    namespace: Untrusted,
    #[serde(default)]
    name: Untrusted,
}

/// None of what else front logs.
pub(super) fn of_agent(line: &str) -> Option<AgentLine> {
    // A collector or kubectl may have put a prefix before it.
    let json = &line[line.find("{\"seq\"")?..];
    serde_json::from_str(json).ok()
}

/// The event that issued this token.
pub(super) fn issued(line: &[u8], wanted: &str) -> Option<Minting> {
    // Nearly all lines are of something else: the text is looked for before the JSON is read.
    let holds = line.windows(wanted.len()).any(|part| part == wanted.as_bytes());
    let event: ApiEvent = holds.then(|| serde_json::from_slice(line).ok()).flatten()?;
    let is_token =
        event.object_ref.resource == "serviceaccounts" && event.object_ref.subresource == "token";
    if !is_token || event.annotations.get(ISSUED)? != wanted {
        return None;
    }
    let (person, real) = match event.impersonated_user {
        Some(impersonated) => (impersonated, Some(event.user.username)),
        None => (event.user, None),
    };
    Some(Minting {
        at: event.stage_timestamp,
        user: person.username,
        groups: person.groups,
        impersonated_by: real,
        addresses: event.source_ips,
        agent: event.user_agent,
        namespace: event.object_ref.namespace,
        account: event.object_ref.name,
    })
}
