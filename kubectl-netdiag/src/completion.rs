//! Shell completion as kubectl asks its plugins for it: the program `kubectl_complete-netdiag`, a link
//! to this one, gets the words so far and answers a line for each that could come next, `value` TAB
//! `description`, and last `:DIRECTIVE` (Cobra's `ShellCompDirective`).

use std::{
    ffi::{OsStr, OsString},
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use clap::FromArgMatches;
use clap_complete::{ArgValueCompleter, CompletionCandidate, engine};

mod live;
mod wanted;

use crate::{
    args::{self, KubeFlags},
    cluster::{self, Part, Surroundings},
    explain,
};
use wanted::{Kinds, Wanted};

/// The name under which kubectl looks for it.
const PROGRAM: &str = "kubectl_complete-netdiag";
/// Who presses TAB does not wait longer; credential plugins and the API server are within it.
const PATIENCE: Duration = Duration::from_millis(900);
/// More are of no use on a terminal.
const MAX_LINES: usize = 500;
/// Of Cobra: add no space after the word; offer no file names.
const NO_SPACE: u8 = 2;
const NO_FILES: u8 = 4;

/// Whether this program was started as the completion.
pub(crate) fn is_asked(program: Option<&OsStr>) -> bool {
    program.and_then(|program| Path::new(program).file_stem()) == Some(OsStr::new(PROGRAM))
}

/// All that can come in the last of `words`, which may be empty; nothing of what goes wrong is said,
/// as it would be printed into the line that is being typed.
pub(crate) fn answer(words: &[OsString], surroundings: &Surroundings) -> String {
    let asked = Arc::new(Asked::new(words, surroundings));
    let mut command = args::definition().mut_subcommands(|sub| offer(sub, &asked));
    let line: Vec<OsString> =
        std::iter::once("kubectl-netdiag".into()).chain(words.to_vec()).collect();
    let at = line.len() - 1;
    let mut found = engine::complete(&mut command, line, at, None).unwrap_or_default();
    // Flags come once a dash is typed, as with kubectl's own commands.
    let is_flag = |word: &OsStr| word.as_encoded_bytes().starts_with(b"-");
    if !words.last().is_some_and(|word| is_flag(word)) {
        found.retain(|one| !is_flag(one.get_value()));
    }
    lines(&found)
}

/// What was typed before, for those who look at the cluster.
struct Asked {
    kube: KubeFlags,
    /// The word before the last.
    before: Option<String>,
    surroundings: Surroundings,
}

impl Asked {
    fn new(words: &[OsString], surroundings: &Surroundings) -> Self {
        let typed = words.split_last().map(|(_, typed)| typed).unwrap_or_default();
        let last = typed.last().and_then(|word| word.to_str());
        Self {
            kube: kube_flags(typed),
            before: last.map(str::to_owned),
            surroundings: surroundings.clone(),
        }
    }

    /// Of the cluster, within [`PATIENCE`]: reading a kubeconfig may start a program that hangs.
    fn live(self: &Arc<Self>, wanted: Vec<Wanted>) -> Vec<CompletionCandidate> {
        let (sender, receiver) = mpsc::channel();
        let asked = self.clone();
        thread::spawn(move || {
            let found = live::find(&asked.kube, &asked.surroundings, &wanted);
            // Nobody waits for it any more when it comes too late.
            let _ = sender.send(found);
        });
        receiver.recv_timeout(PATIENCE).unwrap_or_default()
    }
}

/// kubectl's flags among words that need make no whole command yet.
fn kube_flags(words: &[OsString]) -> KubeFlags {
    let line = std::iter::once(OsString::from("kubectl-netdiag")).chain(words.to_vec());
    let matches = args::definition().ignore_errors(true).try_get_matches_from(line);
    let flags = matches.ok().and_then(|matches| {
        let (_, matches) = matches.subcommand()?;
        // explain and render ask no cluster.
        matches.try_contains_id("namespace").ok()?;
        KubeFlags::from_arg_matches(matches).ok()
    });
    flags.unwrap_or_default()
}

/// Gives those arguments that name something of the cluster their candidates.
fn offer(command: clap::Command, asked: &Arc<Asked>) -> clap::Command {
    let kinds = Kinds::of(command.get_name());
    command.mut_args(|argument| {
        let asked = asked.clone();
        let value =
            argument.get_value_names().and_then(|names| names.first()).map(|name| name.as_str());
        match (argument.get_id().as_str(), value) {
            (_, Some("TARGET" | "TARGET:PORT" | "URL|TARGET" | "CERT")) => {
                objects(argument, asked, kinds)
            }
            (_, Some("SOURCE")) => objects(argument, asked, Kinds::SOURCES),
            (_, Some("CODE")) => argument.add(ArgValueCompleter::new(codes)),
            ("namespace" | "agent_namespace", _) => {
                argument.add(ArgValueCompleter::new(move |typed: &OsStr| {
                    begun(asked.live(vec![Wanted::Namespaces { end: "" }]).into_iter(), typed)
                }))
            }
            ("context", _) => configured(argument, asked, Part::Contexts),
            ("cluster", _) => configured(argument, asked, Part::Clusters),
            ("user", _) => configured(argument, asked, Part::Users),
            _ => argument,
        }
    })
}

fn configured(argument: clap::Arg, asked: Arc<Asked>, part: Part) -> clap::Arg {
    argument.add(ArgValueCompleter::new(move |typed: &OsStr| {
        let names = cluster::kubeconfig_names(part, &asked.kube, &asked.surroundings);
        begun(names.into_iter().map(|name| candidate(name, "")), typed)
    }))
}

/// Those that go on from what is typed.
fn begun(
    all: impl Iterator<Item = CompletionCandidate>,
    typed: &OsStr,
) -> Vec<CompletionCandidate> {
    let begin = typed.as_encoded_bytes();
    all.filter(|one| one.get_value().as_encoded_bytes().starts_with(begin)).collect()
}

fn objects(argument: clap::Arg, asked: Arc<Asked>, kinds: Kinds) -> clap::Arg {
    argument.add(ArgValueCompleter::new(move |typed: &OsStr| {
        let Some(typed) = typed.to_str() else { return Vec::new() };
        let (fixed, wanted) = wanted::of(typed, asked.before.as_deref(), kinds);
        let fixed = fixed.into_iter().map(|(word, what)| candidate(word, what));
        let live = if wanted.is_empty() { Vec::new() } else { asked.live(wanted) };
        begun(fixed.chain(live), typed.as_ref())
    }))
}

fn codes(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_str().unwrap_or_default().to_uppercase();
    let all = explain::titles().filter(|(code, _)| code.starts_with(&typed));
    all.map(|(code, title)| candidate(code, title)).collect()
}

fn candidate(word: impl Into<String>, what: impl Into<String>) -> CompletionCandidate {
    let (word, what) = (word.into(), what.into());
    CompletionCandidate::new(word).help((!what.is_empty()).then(|| what.into()))
}

/// As Cobra reads them; names come from the cluster, so whatever could steer a terminal is left out.
fn lines(found: &[CompletionCandidate]) -> String {
    let mut directive = NO_FILES;
    let mut text = String::new();
    let values = found.iter().filter_map(|one| Some((one.get_value().to_str()?, one)));
    for (value, one) in
        values.filter(|(value, _)| !value.contains(char::is_control)).take(MAX_LINES)
    {
        if value.ends_with(['/', ':']) {
            directive |= NO_SPACE;
        }
        let help = one.get_help().map(ToString::to_string).unwrap_or_default();
        let first = help.lines().next().unwrap_or_default();
        let tab = if first.is_empty() { "" } else { "\t" };
        text += &format!("{value}{tab}{first}\n");
    }
    text + &format!(":{directive}\n")
}

#[cfg(test)]
mod tests;
