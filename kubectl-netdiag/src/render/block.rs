//! The block of a verdict, an error or a NOTE: a word, a code, a sentence, labelled lines.

use std::io::{self, Write};

use super::{Format, Screen, json, paint::Role, shell, text};
use crate::finding::{Code, Failure, Finding, Label, Severity};

/// Label lines of one finding that are shown without `-v`.
const MAX_LABELS: usize = 5;
/// Where the text of a label line starts.
const INDENT: usize = 9;

/// Every finding as its block, the worst first, after an empty line.
pub fn verdict(out: &mut dyn Write, screen: &Screen, findings: &[Finding]) -> io::Result<()> {
    if screen.quiet || screen.is_machine() {
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

/// Why the command could not run, for stderr.
pub fn failure(err: &mut dyn Write, screen: &Screen, failure: &Failure) -> io::Result<()> {
    if screen.is_machine() {
        return json::failure(err, screen.format, failure);
    }
    sentence(err, screen, ("error", Role::Fail), failure.code, &failure.message)?;
    labels(err, screen, &failure.labels)
}

/// Why the question itself is a trap; each line starts anew and is wrapped.
pub fn note(
    out: &mut dyn Write,
    screen: &Screen,
    code: Code,
    lines: &[impl AsRef<str>],
) -> io::Result<()> {
    if !screen.shows_evidence() {
        return Ok(());
    }
    // "ND0901" and its two blanks stand before the text of the first line only.
    let code = code.to_string();
    let lead = format!("{code}  ");
    let room = screen.width.map(|columns| columns.saturating_sub(INDENT).max(20));
    let mut head = format!("{} {}", screen.paint(Role::Faint, &format!("{:<8}", "NOTE")), lead);
    for (i, line) in lines.iter().enumerate() {
        let taken = if i == 0 { format!("{lead}{}", line.as_ref()) } else { line.as_ref().into() };
        for wrapped in text::wrap(&text::safe(&taken), room) {
            let shown = wrapped.strip_prefix(&lead).filter(|_| head.ends_with(&lead));
            writeln!(out, "{head}{}", shown.unwrap_or(&wrapped))?;
            head = " ".repeat(INDENT);
        }
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
    writeln!(out, "{}", text::safe(summary))
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
        Label::Admin(argv) => (Role::Command, broken(argv, room), INDENT + 2),
        other => (Role::Plain, text::wrap(&text::safe(&other.text()), room), INDENT),
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
    let mut lines: Vec<String> = Vec::new();
    for argument in argv.iter().map(|argument| shell::quoted(argument)) {
        let fits = |line: &String| {
            let indent = if lines.len() > 1 { 2 } else { 0 };
            let width = indent + line.chars().count() + 1 + argument.chars().count() + 2;
            room.is_none_or(|room| width <= room)
        };
        match lines.last().is_some_and(fits) {
            true => lines.last_mut().into_iter().for_each(|line| {
                line.push(' ');
                line.push_str(&argument);
            }),
            false => {
                lines.last_mut().into_iter().for_each(|line| line.push_str(" \\"));
                lines.push(argument);
            }
        }
    }
    lines
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
