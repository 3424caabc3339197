//! What an agent's refusal means for the user, with the command that would change it.

use netdiag_wire::{ErrorBody, ErrorCode, MissingRight};

use crate::{
    cluster::{agents::Agent, bindings},
    code,
    finding::{Code, Failure, Label},
};

/// Who asked whom for what; nothing in it is the agent's word.
pub(crate) struct Asked<'a> {
    pub(crate) probe: &'static str,
    pub(crate) agent: &'a Agent,
    /// Of the source pod; absent for a node.
    pub(crate) namespace: Option<&'a str>,
    /// Namespace and name of the ServiceAccount whose token was sent.
    pub(crate) account: &'a (String, String),
    pub(crate) user: Option<&'a str>,
}

/// The block for an error that the agent named.
pub(crate) fn failure(error: &ErrorBody, asked: &Asked<'_>) -> Failure {
    if let (ErrorCode::Forbidden, Some(missing)) = (error.code, &error.missing) {
        return missing_right(missing, asked);
    }
    if is_other_release(error) {
        return unknown_probe(asked);
    }
    let code = match error.code {
        ErrorCode::BadRequest if is_skewed(asked) => code::SKEW,
        other => code_of(other),
    };
    let (node, message) = (&asked.agent.node, &error.message);
    let failure = Failure::new(code, format!("{message} (said by the agent on {node})"));
    let doctor = || doctor(node);
    let retry = || Label::Note("the agent was asked twice; try again later".into());
    match error.code {
        ErrorCode::TooMany => failure.with(retry()),
        ErrorCode::Permission | ErrorCode::ForeignNamespace | ErrorCode::WorkerDied => {
            failure.with(doctor())
        }
        ErrorCode::Internal | ErrorCode::ApiServerUnreachable | ErrorCode::Unavailable => {
            failure.with(doctor())
        }
        ErrorCode::BadRequest => failure.with(skew_note(asked)),
        _ => failure,
    }
}

/// An agent that knows no such probe names those that it knows: it is none of this release.
fn is_other_release(error: &ErrorBody) -> bool {
    error.code == ErrorCode::NotFound
        && error.message.as_bytes().starts_with(b"this agent does not answer ")
}

/// ND0003.
fn unknown_probe(asked: &Asked<'_>) -> Failure {
    let node = &asked.agent.node;
    let version = ["kubectl", "netdiag", "version"].map(str::to_owned).to_vec();
    let message = format!("the agent on {node} knows no {}: it is of another release", asked.probe);
    Failure::new(code::SKEW, message).with(skew_note(asked)).with(Label::Next(version))
}

pub(crate) fn doctor(node: &str) -> Label {
    let words = ["kubectl", "netdiag", "doctor", &format!("node/{node}")];
    Label::Next(words.map(str::to_owned).to_vec())
}

/// Without an agent: of this process's own probe.
pub(crate) fn code_of(error: ErrorCode) -> Code {
    match error {
        ErrorCode::BadRequest | ErrorCode::SourceAddress => code::BAD_VALUE,
        ErrorCode::Unauthenticated | ErrorCode::Forbidden => code::NOT_ALLOWED,
        ErrorCode::NotFound | ErrorCode::NameResolution => code::NO_OBJECT,
        ErrorCode::UidMismatch
        | ErrorCode::WrongNode
        | ErrorCode::PodEnded
        | ErrorCode::PodPending => code::NO_NETWORK,
        ErrorCode::LimitExceeded => code::LIMIT,
        ErrorCode::PortUnavailable => code::PORT_UNAVAILABLE,
        ErrorCode::TooMany | ErrorCode::Unavailable => code::BUSY,
        ErrorCode::ApiServerUnreachable => code::API_SERVER,
        ErrorCode::Permission | ErrorCode::ForeignNamespace | ErrorCode::Socket => {
            code::AGENT_IMPAIRED
        }
        ErrorCode::WorkerDied => code::AGENT_ENDED,
        ErrorCode::Internal => code::PROTOCOL,
        ErrorCode::Unknown => code::SKEW,
    }
}

fn is_skewed(asked: &Asked<'_>) -> bool {
    asked.agent.version.as_deref().is_some_and(|version| version != env!("CARGO_PKG_VERSION"))
}

fn skew_note(asked: &Asked<'_>) -> Option<Label> {
    let version = asked.agent.version.as_deref().filter(|_| is_skewed(asked))?;
    let plugin = env!("CARGO_PKG_VERSION");
    Some(Label::Note(format!(
        "that agent is {version}, this plugin {plugin}: it may not know an option that was asked for"
    )))
}

/// ND0010. The agent names the rule; what goes into the command is checked or our own.
fn missing_right(missing: &MissingRight, asked: &Asked<'_>) -> Failure {
    let (resource, right) = (missing.resource.to_string(), missing.right.to_string());
    let node = &asked.agent.node;
    let what = match (resource.as_str(), asked.namespace) {
        ("pods", Some(namespace)) => format!("{right} from pods in {namespace}"),
        ("nodes", _) => format!("{right} from nodes"),
        ("destinations", _) if right == "loopback" => "a node's own addresses as its target".into(),
        ("destinations", _) => format!("{right} addresses as a target"),
        _ => format!("{right} on {resource}"),
    };
    let (account_namespace, account) = asked.account;
    let user = asked.user.map(|user| format!("you are {user}, there ")).unwrap_or_default();
    Failure::new(code::NOT_ALLOWED, format!("not allowed: {what}"))
        .with(Label::Seen(format!(
            "the agent on {node} asked for create {resource}/{right} (API group netdiag.dev), RBAC said no"
        )))
        .with(Label::Seen(format!(
            "{user}acting as system:serviceaccount:{account_namespace}:{account}"
        )))
        .with(hint(&right))
        .with(binding(missing, asked.namespace, asked.account).map(Label::Admin))
}

fn hint(right: &str) -> Option<Label> {
    let note = match right {
        "fast-ping" => "an interval of 0.2 s or more needs no further right: -i 0.2",
        "files" => {
            "it reads the source's resolv.conf and hosts file; a server that is named needs none"
        }
        _ => return None,
    };
    Some(Label::Note(note.into()))
}

/// The command that gives the right; none where the agent's words are not what a right looks like.
pub(crate) fn binding(
    missing: &MissingRight,
    namespace: Option<&str>,
    account: &(String, String),
) -> Option<Vec<String>> {
    let (resource, right) = (missing.resource.to_string(), missing.right.to_string());
    let is_right = !right.is_empty() && right.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    if !is_right || right.starts_with('-') {
        return None;
    }
    let namespace = match (resource.as_str(), namespace) {
        ("pods", Some(namespace)) => Some(namespace),
        ("nodes" | "destinations", _) => None,
        _ => return None,
    };
    Some(bindings::right(&resource, &right, namespace, account))
}

#[cfg(test)]
mod tests;
