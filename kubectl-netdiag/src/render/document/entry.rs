//! A finding as programs read it.

use serde::Serialize;

use crate::{
    finding::{Code, Finding, Label, Object, Severity},
    render::shell,
};

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FindingEntry {
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
pub(in crate::render) enum Action {
    Command { argv: Vec<String>, line: String },
    Advice { text: String },
}

impl Action {
    pub(in crate::render) fn next(labels: &[Label]) -> Vec<Self> {
        let next = labels.iter().filter_map(|label| match label {
            Label::Next(argv) => Some(Self::command(argv)),
            _ => None,
        });
        next.collect()
    }

    pub(in crate::render) fn admin(labels: &[Label]) -> Vec<Self> {
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
    pub(super) fn of(finding: &&Finding) -> Self {
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
