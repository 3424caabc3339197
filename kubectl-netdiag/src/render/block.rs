//! The block of a verdict, an error or a NOTE: a word, a code, a sentence, labelled lines.

use std::io::{self, Write};

use super::{Format, Screen, json, paint::Role, shell, text};
use crate::finding::{Code, Failure, Finding, Label, Severity};

/// Label lines of one finding that are shown without `-v`.
const MAX_LABELS: usize = 5;
/// Where the text of a label line starts.
const INDENT: usize = 9;
/// How much further the second line of a command is indented.
const HANGING: usize = 2;

/// Every finding as its block, the worst first, after an empty line.
pub(crate) fn verdict(
    out: &mut dyn Write,
    screen: &Screen,
    findings: &[Finding],
) -> io::Result<()> {
    if screen.quiet || screen.is_machine() || screen.format == Format::Dot {
        return Ok(());
    }
    let brief = screen.format == Format::Verdict;
    if !brief {
        writeln!(out)?;
    }
    let mut findings: Vec<_> = findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    for finding in findings {
        let role = Role::of(finding.severity);
        sentence(out, screen, (word(finding.severity), role), finding.code, &finding.summary)?;
        if !brief {
            labels(out, screen, &finding.labels)?;
        }
    }
    Ok(())
}

/// One line of a list, with its verdict's word before it.
pub(crate) fn sentence_of(
    out: &mut dyn Write,
    screen: &Screen,
    verdict: Severity,
    text: &str,
) -> io::Result<()> {
    sentence(out, screen, (word(verdict), Role::of(verdict)), None, text)
}

/// Why the command could not run, for stderr.
pub(crate) fn failure(err: &mut dyn Write, screen: &Screen, failure: &Failure) -> io::Result<()> {
    if screen.is_machine() {
        return json::failure(err, screen.format, failure);
    }
    sentence(err, screen, ("error", Role::Fail), failure.code, &failure.message)?;
    labels(err, screen, &failure.labels)
}

/// Why the question itself is a trap; each line starts anew and is wrapped.
pub(crate) fn note(
    out: &mut dyn Write,
    screen: &Screen,
    code: Code,
    lines: &[impl AsRef<str>],
) -> io::Result<()> {
    if !screen.shows_evidence() {
        return Ok(());
    }
    let room = screen.width.map(|columns| columns.saturating_sub(INDENT).max(20));
    let mut head = format!("{}{}", screen.paint(Role::Faint, "NOTE"), " ".repeat(INDENT - 4));
    let mut lead = format!("{code}  ");
    for line in lines {
        let line = format!("{lead}{}", screen.safe(line.as_ref()));
        for wrapped in text::wrap(&line, room) {
            writeln!(out, "{head}{wrapped}")?;
            head = " ".repeat(INDENT);
        }
        lead.clear();
    }
    Ok(())
}

/// The first line. Never wrapped: a terminal does that itself, and `grep ^FAIL` finds all of it.
fn sentence(
    out: &mut dyn Write,
    screen: &Screen,
    (word, role): (&str, Role),
    code: Option<Code>,
    summary: &str,
) -> io::Result<()> {
    let gap = " ".repeat(INDENT - word.len());
    write!(out, "{}{gap}", screen.paint(role, word))?;
    if let Some(code) = code {
        write!(out, "{}  ", screen.paint(role, &code))?;
    }
    writeln!(out, "{}", screen.safe(summary))
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Ok => "OK",
        Severity::Skip => "SKIP",
        Severity::Warn => "WARN",
        Severity::Unknown => "UNKNOWN",
        Severity::Fail => "FAIL",
    }
}

fn labels(out: &mut dyn Write, screen: &Screen, labels: &[Label]) -> io::Result<()> {
    // What to do next is worth more than the fifth observation.
    let actions = labels.iter().filter(|label| label.is_action()).count();
    let mut observations = match screen.detail {
        0 => MAX_LABELS.saturating_sub(actions),
        _ => usize::MAX,
    };
    for shown in labels {
        if !shown.is_action() {
            if observations == 0 {
                continue;
            }
            observations -= 1;
        }
        label(out, screen, shown)?;
    }
    Ok(())
}

fn label(out: &mut dyn Write, screen: &Screen, label: &Label) -> io::Result<()> {
    let head = format!("{:<6}", label.word());
    let head = screen.paint(Role::Faint, &head);
    let room = screen.width.map(|columns| columns.saturating_sub(INDENT).max(20));
    let (role, lines, hanging) = match label {
        Label::Next(argv) => (Role::Command, vec![shell::line(argv)], INDENT),
        Label::Admin(argv) => (Role::Command, broken(argv, room), INDENT + HANGING),
        other => (Role::Plain, text::wrap(&screen.safe(&other.text()), room), INDENT),
    };
    for (i, line) in lines.iter().enumerate() {
        match i {
            0 => writeln!(out, "  {head} {}", screen.paint(role, line))?,
            _ => writeln!(out, "{:hanging$}{}", "", screen.paint(role, line))?,
        }
    }
    Ok(())
}

/// A command broken as a shell joins it again: ` \` at the end of a line.
fn broken(argv: &[String], room: Option<usize>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in words(argv) {
        let indent = if lines.is_empty() { 0 } else { HANGING };
        let width = indent + line.chars().count() + 1 + word.chars().count() + " \\".len();
        if line.is_empty() {
            line = word;
        } else if room.is_none_or(|room| width <= room) {
            line = format!("{line} {word}");
        } else {
            lines.push(format!("{line} \\"));
            line = word;
        }
    }
    lines.push(line);
    lines
}

/// The arguments as a shell reads them; `-n` stays with its value.
fn words(argv: &[String]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut flag = false;
    for argument in argv {
        let word = shell::quoted(argument);
        match words.last_mut().filter(|_| flag) {
            Some(last) => *last = format!("{last} {word}"),
            None => words.push(word),
        }
        flag = argument.len() == 2 && argument.starts_with('-');
    }
    words
}

impl Label {
    fn word(&self) -> &'static str {
        match self {
            Self::Seen(_) | Self::SeenOf { .. } => "seen",
            Self::Unless(_) => "unless",
            Self::Differ(_) => "differ",
            Self::Means(_) => "means",
            Self::Next(_) => "next",
            Self::Admin(_) | Self::AdminText(_) => "admin",
            Self::Note(_) => "note",
        }
    }

    fn is_action(&self) -> bool {
        matches!(self, Self::Next(_) | Self::Admin(_) | Self::AdminText(_))
    }

    fn text(&self) -> String {
        match self {
            Self::SeenOf { text, object } => {
                format!("{text} ({}, resourceVersion {})", object.kind, object.resource_version)
            }
            Self::Seen(text)
            | Self::Unless(text)
            | Self::Differ(text)
            | Self::Means(text)
            | Self::AdminText(text)
            | Self::Note(text) => text.clone(),
            Self::Next(argv) | Self::Admin(argv) => shell::line(argv),
        }
    }
}

#[cfg(test)]
mod tests;
