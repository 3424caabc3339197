//! What the answers of a Service's address and of its endpoints mean together.
//!
//! Each scenario is a file: what it needs to see, how it decides, its words, its tests. A cause hides
//! its symptoms: of the scenarios that explain the same, the first one speaks.

mod checks;
mod doors;
mod echoes;
mod hairpin;
mod half;
mod local_policy;
mod named_port;
mod no_endpoints;
mod not_ready;
mod policy;
mod refused;
mod rules;
mod silent;
mod unprobed;

#[cfg(test)]
pub(super) mod scene;

pub(crate) use checks::{Check, Checks};

use crate::{
    finding::{Code, Finding, Label, Object, Peer, PeerKind, Severity},
    render::number,
    service::{
        Answers, Carrier, Closer, Endpoint, Measured, Plan, PodSeen, ServiceKind, ServicePort,
        ServiceSpec, Tally,
    },
};

/// Most findings that are shown.
const MAX_FINDINGS: usize = 3;

/// A Service, its endpoints and what they answered.
pub(crate) struct ServiceCase<'a> {
    pub(crate) spec: &'a ServiceSpec,
    /// All there are.
    pub(crate) endpoints: &'a [Endpoint],
    /// Those that were asked.
    pub(crate) plan: &'a Plan,
    pub(crate) from: &'a Peer,
    pub(crate) carrier: &'a Carrier,
    pub(crate) measured: &'a Measured,
    pub(crate) closer: &'a Closer,
}

/// What one scenario says, and whether it explains what the others would.
type Scenario = fn(&ServiceCase<'_>) -> Option<Finding>;

/// In the order of a request's way: the object, its endpoints, the pods, the rules in between.
const CAUSES: [Scenario; 10] = [
    no_endpoints::find,
    named_port::find,
    not_ready::none,
    local_policy::find,
    refused::find,
    policy::find,
    silent::find,
    echoes::find,
    hairpin::find,
    rules::find,
];
/// Said beside a cause.
const BESIDE: [Scenario; 3] = [not_ready::some, half::find, doors::find];

impl ServiceCase<'_> {
    /// Most likely first, at least one.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let mut findings: Vec<_> = CAUSES.iter().find_map(|find| find(self)).into_iter().collect();
        findings.extend(BESIDE.iter().filter_map(|find| find(self)));
        if findings.is_empty() {
            findings.push(unprobed::find(self).unwrap_or_else(|| self.well()));
        }
        findings.truncate(MAX_FINDINGS);
        findings
    }

    fn well(&self) -> Finding {
        let ports: Vec<_> = self.plan.ports.iter().map(port_word).collect();
        let ports = ports.join(", ");
        let count = self.plan.endpoints.len();
        let endpoints = self.share(count, self.endpoints.len());
        match (self.plan.address, count) {
            (_, _) if ports.is_empty() => {
                let verb = if count == 1 { "answers" } else { "answer" };
                Finding::ok(format!("{endpoints} {verb} echoes; no port is declared to be asked"))
            }
            (None, 1) => Finding::ok(format!("{endpoints} takes connections on {ports}")),
            (None, _) => Finding::ok(format!("{endpoints} take connections on {ports}")),
            (Some(_), _) => {
                Finding::ok(format!("its address and {endpoints} take connections on {ports}"))
            }
        }
    }

    fn namespace(&self) -> &str {
        self.spec.peer.namespace.as_deref().unwrap_or_default()
    }

    /// `shop/svc/checkout`.
    fn service(&self) -> String {
        Peer { port: None, ..self.spec.peer.clone() }.word()
    }

    fn noun(&self) -> &'static str {
        if self.spec.kind == ServiceKind::Pods { "pod" } else { "endpoint" }
    }

    /// `1 of 3 endpoints`.
    fn share(&self, part: usize, whole: usize) -> String {
        let noun = self.noun();
        match (part, whole) {
            (1, 1) if self.spec.peer.kind == PeerKind::Pod => "the pod".into(),
            (1, 1) => format!("its {noun}"),
            (2, 2) => format!("both {noun}s"),
            (part, whole) if part == whole => format!("all {whole} {noun}s"),
            (part, whole) => format!("{part} of {whole} {noun}s"),
        }
    }

    fn is_headless(&self) -> bool {
        self.spec.kind == ServiceKind::Headless
    }

    /// An observation of the Service itself.
    fn seen_of(&self, text: impl Into<String>) -> Label {
        Label::SeenOf { text: text.into(), object: self.spec.object.clone() }
    }

    /// The ports that were asked, each with its answers.
    fn asked(&self) -> impl Iterator<Item = (&ServicePort, &Answers)> {
        self.plan.ports.iter().zip(&self.measured.ports)
    }

    /// The endpoints that were asked on a port, each with its answers.
    fn each<'s>(
        &'s self,
        answers: &'s Answers,
    ) -> impl Iterator<Item = (usize, &'s Endpoint, &'s Tally)> {
        let endpoints = self.plan.endpoints.iter().enumerate().zip(&answers.endpoints);
        endpoints
            .map(|((at, endpoint), tally)| (at, endpoint, tally))
            .filter(|(.., tally)| tally.tries() > 0)
    }

    fn pod(&self, endpoint: &Endpoint) -> Option<&PodSeen> {
        let name = endpoint.pod.as_ref()?;
        let pods = self.closer.pods.as_ref()?;
        pods.iter().find(|pod| pod.facts.name == name.name && pod.facts.namespace == name.namespace)
    }

    /// The node that the source is on, or is.
    fn node(&self) -> Option<&str> {
        match self.from.kind {
            PeerKind::Node => Some(&self.from.name),
            _ => self.from.node.as_deref(),
        }
    }

    /// From where it was asked, for a command that asks from there again.
    fn from(&self) -> String {
        self.from.word()
    }
}

/// `http`, or the number of a port without a name.
fn port_word(port: &ServicePort) -> String {
    port.declared.name.clone().unwrap_or_else(|| port.declared.number.to_string())
}

/// `pod/a`; `pod/a, pod/b and 3 more`.
fn listed(words: &[String]) -> String {
    const SHOWN: usize = 2;
    match words.len() {
        count if count > SHOWN => {
            format!("{} and {} more", words[..SHOWN].join(", "), count - SHOWN)
        }
        _ => words.join(" and "),
    }
}

fn pod_object(pod: &PodSeen) -> Object {
    Object {
        kind: "Pod".into(),
        namespace: Some(pod.facts.namespace.clone()),
        name: pod.facts.name.clone(),
        resource_version: pod.facts.resource_version.clone(),
    }
}

fn fail(code: Code, summary: impl Into<String>) -> Finding {
    Finding::new(Severity::Fail, code, summary)
}

fn times(count: usize) -> String {
    number::count(count as u64)
}
