//! What is said about a target or about netdiag itself: one block of words, whatever prints it.

use std::{fmt, net::IpAddr};

use serde::{Serialize, Serializer};

use crate::args::Workload;

/// `ND0302`: the family's two digits, then two more (screens: family by the first two).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Code(pub u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ND{:04}", self.0)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The four verdict words and `SKIP`, from well to worst.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Severity {
    #[default]
    Ok,
    /// Of a checklist: not looked at, and why. Never a warning, never a pass.
    Skip,
    Warn,
    Unknown,
    Fail,
}

/// One verdict block: a word, a sentence and its labelled lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Finding {
    /// Absent for `OK`.
    pub code: Option<Code>,
    pub severity: Severity,
    /// One line, no full stop. Bytes from a network or an agent come into it by
    /// `netdiag_wire::Untrusted`'s `Display` only.
    pub summary: String,
    pub labels: Vec<Label>,
}

/// A labelled line below a verdict or an error, in the order of printing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Label {
    /// An observation with its probe or object.
    Seen(String),
    /// An observation of the API: printed as `seen`, with kind and version in brackets.
    SeenOf {
        text: String,
        object: Object,
    },
    /// What would refute it.
    Unless(String),
    /// What sets the bad apart from the good.
    Differ(String),
    /// For clients.
    Means(String),
    /// A read-only command, complete, as argv.
    Next(Vec<String>),
    /// A command for somebody with more rights, as argv.
    Admin(Vec<String>),
    /// Advice to an administrator that is no command.
    AdminText(String),
    Note(String),
}

/// The object that an observation was read from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Object {
    /// As the API has it: `Pod`, `Node`.
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    pub name: String,
    pub resource_version: String,
}

impl Finding {
    pub(crate) fn new(severity: Severity, code: Code, summary: impl Into<String>) -> Self {
        Self { code: Some(code), severity, summary: summary.into(), labels: Vec::new() }
    }

    pub(crate) fn ok(summary: impl Into<String>) -> Self {
        Self { summary: summary.into(), ..Self::default() }
    }

    #[must_use]
    pub(crate) fn with(mut self, label: impl Into<Option<Label>>) -> Self {
        self.labels.extend(label.into());
        self
    }
}

/// The severity that decides: the worst, where what was skipped does not count.
pub(crate) fn worst(findings: &[Finding]) -> Severity {
    let counted = findings.iter().map(|f| f.severity).filter(|s| *s != Severity::Skip);
    counted.max().unwrap_or_default()
}

/// Why the command could not run: printed to stderr as one `error` block, exit code 2.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    pub code: Option<Code>,
    pub message: String,
    pub labels: Vec<Label>,
}

impl Failure {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code: Some(code), message: message.into(), labels: Vec::new() }
    }

    #[must_use]
    pub(crate) fn with(mut self, label: impl Into<Option<Label>>) -> Self {
        self.labels.extend(label.into());
        self
    }
}

/// One end of a probe as headers name it: `shop/pod/foo (10.244.2.7, node-2)`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Peer {
    pub kind: PeerKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The object's name; the address or host name itself where there is no object.
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Words for the header's brackets, only those that matter: `default source`, `hostNetwork`,
    /// `not ready`, `terminating`, `headless`, `ClusterIP`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum PeerKind {
    Pod,
    Node,
    #[serde(rename = "svc")]
    Service,
    #[default]
    Address,
    Host,
    Local,
    #[serde(untagged)]
    Workload(Workload),
}

impl Peer {
    /// The peer as the command line takes it: `shop/pod/foo`, `node/node-2`, `10.244.2.7`.
    pub(crate) fn word(&self) -> String {
        let kind = match self.kind {
            PeerKind::Pod => "pod/".into(),
            PeerKind::Node => "node/".into(),
            PeerKind::Service => "svc/".into(),
            PeerKind::Workload(workload) => format!("{workload}/"),
            PeerKind::Local => return "local".into(),
            PeerKind::Address | PeerKind::Host => String::new(),
        };
        let namespace = self.namespace.iter().map(|n| format!("{n}/")).collect::<String>();
        let name = &self.name;
        match self.port {
            None => format!("{namespace}{kind}{name}"),
            Some(port) if name.contains(':') => format!("[{name}]:{port}"),
            Some(port) => format!("{namespace}{kind}{name}:{port}"),
        }
    }
}
