//! The document of `-o json`: the same envelope around every probe's report.

use std::io::{self, Write};

use jiff::Timestamp;
use netdiag_wire::API_VERSION;
use serde::Serialize;
use serde_json::Value;

use super::{Screen, json, shell};
use crate::finding::{Code, Finding, Label, Object, Peer, Severity, worst};

/// What one run found: the envelope, the verdict, and the probe's own report.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    api_version: &'static str,
    kind: String,
    started_at: Timestamp,
    took_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Peer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Peer>,
    verdict: Severity,
    summary: String,
    findings: Vec<FindingEntry>,
    skipped: Vec<FindingEntry>,
    #[serde(flatten)]
    part: serde_json::Map<String, Value>,
}

/// When and how long a command ran.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub started_at: Timestamp,
    pub took_us: u64,
}

impl Document {
    /// A document of `kind` about `findings`, none of which is lost: `SKIP` goes to `skipped`.
    pub fn new(kind: &str, span: Span, findings: &[Finding]) -> Self {
        let mut sorted: Vec<_> = findings.iter().collect();
        sorted.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let summary = sorted.iter().find(|finding| finding.severity != Severity::Skip);
        let (skipped, stated): (Vec<_>, Vec<_>) =
            sorted.iter().partition(|finding| finding.severity == Severity::Skip);
        Self {
            api_version: API_VERSION,
            kind: kind.into(),
            started_at: span.started_at,
            took_us: span.took_us,
            source: None,
            target: None,
            verdict: worst(findings),
            summary: summary.map(|finding| finding.summary.clone()).unwrap_or_default(),
            findings: stated.into_iter().map(FindingEntry::of).collect(),
            skipped: skipped.into_iter().map(FindingEntry::of).collect(),
            part: serde_json::Map::new(),
        }
    }

    #[must_use]
    pub fn from(mut self, source: Peer) -> Self {
        self.source = Some(source);
        self
    }

    #[must_use]
    pub fn to(mut self, target: Peer) -> Self {
        self.target = Some(target);
        self
    }

    /// The probe's own part under the probe's name.
    pub fn part(mut self, name: &str, part: &impl Serialize) -> serde_json::Result<Self> {
        self.part.insert(name.into(), serde_json::to_value(part)?);
        Ok(self)
    }

    /// One document of several: `kind: PingReportList` with `items`, the worst verdict its own.
    pub fn list(items: Vec<Self>, span: Span) -> serde_json::Result<Self> {
        let kind = items.first().map_or("Report", |item| &item.kind);
        let mut list = Self::new(&format!("{kind}List"), span, &[]);
        if let Some(worst) = items.iter().rev().max_by_key(|item| item.verdict) {
            list.verdict = worst.verdict;
            list.summary.clone_from(&worst.summary);
        }
        list.part("items", &items)
    }
}

/// The report as JSON, YAML or the last line of ndjson; nothing on a screen for people.
pub fn document(out: &mut dyn Write, screen: &Screen, document: &Document) -> io::Result<()> {
    if screen.quiet || !screen.is_machine() {
        return Ok(());
    }
    json::write(out, screen.format, document)
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FindingEntry {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Code>,
    severity: Severity,
    summary: String,
    seen: Vec<Seen>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unless: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    differ: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    means: Option<String>,
    notes: Vec<String>,
    next: Vec<Action>,
    admin: Vec<Action>,
}

#[derive(Clone, Debug, Serialize)]
struct Seen {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<Object>,
}

/// A command as argv and as a line, or advice that is no command.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Action {
    Command { argv: Vec<String>, line: String },
    Advice { text: String },
}

impl Action {
    pub(super) fn next(labels: &[Label]) -> Vec<Self> {
        let next = labels.iter().filter_map(|label| match label {
            Label::Next(argv) => Some(Self::command(argv)),
            _ => None,
        });
        next.collect()
    }

    pub(super) fn admin(labels: &[Label]) -> Vec<Self> {
        let admin = labels.iter().filter_map(|label| match label {
            Label::Admin(argv) => Some(Self::command(argv)),
            Label::AdminText(text) => Some(Self::Advice { text: text.clone() }),
            _ => None,
        });
        admin.collect()
    }

    fn command(argv: &[String]) -> Self {
        Self::Command { argv: argv.to_vec(), line: shell::line(argv) }
    }
}

impl FindingEntry {
    fn of(finding: &&Finding) -> Self {
        let mut entry = Self {
            code: finding.code,
            severity: finding.severity,
            summary: finding.summary.clone(),
            seen: Vec::new(),
            unless: None,
            differ: None,
            means: None,
            notes: Vec::new(),
            next: Action::next(&finding.labels),
            admin: Action::admin(&finding.labels),
        };
        for label in &finding.labels {
            entry.take(label);
        }
        entry
    }

    fn take(&mut self, label: &Label) {
        match label {
            Label::Seen(text) => self.seen.push(Seen { text: text.clone(), object: None }),
            Label::SeenOf { text, object } => {
                self.seen.push(Seen { text: text.clone(), object: Some(object.clone()) });
            }
            Label::Unless(text) => join(&mut self.unless, text),
            Label::Differ(text) => join(&mut self.differ, text),
            Label::Means(text) => join(&mut self.means, text),
            Label::Note(text) => self.notes.push(text.clone()),
            Label::Next(_) | Label::Admin(_) | Label::AdminText(_) => {}
        }
    }
}

fn join(sentence: &mut Option<String>, more: &str) {
    match sentence {
        Some(sentence) => {
            sentence.push_str("; ");
            sentence.push_str(more);
        }
        None => *sentence = Some(more.into()),
    }
}
