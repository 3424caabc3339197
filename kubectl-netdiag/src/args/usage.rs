//! What clap says about a wrong command line, as one block of ours.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Stop;
use crate::{
    code,
    finding::{Failure, Label},
};

/// Turns clap's error into help for stdout or a refusal.
pub(super) fn stop(error: &clap::Error, words: &[String]) -> Stop {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Stop::Say(error.to_string()),
        _ => Stop::Refused(Box::new(refusal(command(words), message(error, words)))),
    }
}

/// ND0030 with the command's own help as the next step.
pub(super) fn bad_value(command: &str, message: String) -> Failure {
    refusal(Some(command), message)
}

pub(super) fn bad_target(command: &str, words: &[String], why: &str) -> Failure {
    let shown = |word: &String| if word.is_empty() { "\"\"".into() } else { word.clone() };
    let words: Vec<String> = words.iter().map(shown).collect();
    bad_value(command, format!("{command} {}: {why}", words.join(" ")))
}

fn refusal(command: Option<&str>, message: String) -> Failure {
    let words = ["kubectl", "netdiag"].into_iter().chain(command).chain(["--help"]);
    let next = Label::Next(words.map(str::to_owned).collect());
    Failure { code: Some(code::BAD_VALUE), message, labels: vec![next] }
}

fn command(words: &[String]) -> Option<&str> {
    let first = words.iter().find(|word| !word.starts_with('-'))?;
    super::definition().find_subcommand(first).map(|_| first.as_str())
}

/// Why there is no such thing, of what people look for here and netdiag does not do.
fn beyond(word: &str) -> Option<&'static str> {
    Some(match word.trim_start_matches('-') {
        "http3" | "http3-only" | "quic" | "h3" => "QUIC, and HTTP/3 over it, is not spoken here",
        "sctp" => "SCTP is not spoken here",
        "iperf" | "iperf3" | "netperf" | "throughput" | "bandwidth" | "speedtest" => {
            "throughput is not measured: that would load a network that others share"
        }
        _ => return None,
    })
}

/// What follows a word that is not known: why there is none, or what is near it.
fn instead(word: &str, near: Option<String>) -> String {
    match (beyond(word), near) {
        (Some(why), _) => format!(": {why}"),
        (None, Some(near)) => format!("; there is {near}"),
        (None, None) => String::new(),
    }
}

fn message(error: &clap::Error, words: &[String]) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
        _ => None,
    };
    let flag = context(ContextKind::InvalidArg).map(|arg| typed(&arg, words)).unwrap_or_default();
    let value = context(ContextKind::InvalidValue).unwrap_or_default();
    match error.kind() {
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            format!("{flag} {value}: {why}")
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("{flag}: a value is missing"),
        ErrorKind::InvalidValue => {
            let valid = context(ContextKind::ValidValue).unwrap_or_default();
            format!("{flag} {value}: must be one of {valid}")
        }
        ErrorKind::UnknownArgument => {
            let instead = instead(&flag, context(ContextKind::SuggestedArg));
            match instead.is_empty() && !flag.starts_with('-') {
                true => format!("{flag:?} is one word too many"),
                false => format!("no flag {flag}{instead}"),
            }
        }
        ErrorKind::InvalidSubcommand => {
            let word = context(ContextKind::InvalidSubcommand).unwrap_or_default();
            let instead = instead(&word, context(ContextKind::SuggestedSubcommand));
            format!("no command {word:?}{instead}")
        }
        ErrorKind::TooManyValues => format!("{value:?} is one word too many"),
        ErrorKind::MissingRequiredArgument => format!("{flag} is missing"),
        ErrorKind::ArgumentConflict => {
            let other =
                context(ContextKind::PriorArg).map(|arg| typed(&arg, words)).unwrap_or_default();
            format!("{flag} does not go with {other}")
        }
        _ => first_line(error),
    }
}

/// clap's `--count <N>` as it was typed: without the placeholder, `-c` where that was used.
fn typed(arg: &str, words: &[String]) -> String {
    let name = arg.split([' ', '=']).next().unwrap_or(arg);
    let name = name.trim_end_matches("...").trim_matches(['<', '>', '[', ']']).to_owned();
    let Some(long) = name.strip_prefix("--") else { return name };
    let short = short_of(words, long).map(|letter| format!("-{letter}"));
    let is_short = |short: &String| words.iter().any(|word| word.starts_with(short.as_str()));
    short.filter(is_short).unwrap_or(name)
}

fn short_of(words: &[String], long: &str) -> Option<char> {
    let definition = super::definition();
    let command = definition.find_subcommand(command(words)?)?;
    command.get_arguments().find(|arg| arg.get_long() == Some(long))?.get_short()
}

fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_word_is_seen() {
        let failure = bad_target("trace", &[String::new()], "no host name");
        assert_eq!(failure.message, "trace \"\": no host name");
    }
}
