//! What could come next, from what is typed of `[NAMESPACE/]KIND/NAME[:PORT]`.

use crate::args::KINDS;

/// Kinds of objects that a word may name, and what else it may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Kinds {
    words: &'static [&'static str],
    has_ports: bool,
    /// Words that are whole by themselves.
    more: &'static [(&'static str, &'static str)],
}

/// What must be asked of the cluster.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Wanted {
    Namespaces {
        /// What follows each.
        end: &'static str,
    },
    /// All of a kind, each behind what was typed before it.
    Names { kind: &'static str, namespace: Option<String>, begin: String },
    /// Ports that this object declares.
    Ports { kind: &'static str, namespace: Option<String>, name: String, begin: String },
}

type Fixed = Vec<(String, String)>;

/// What holds certificates; as of all kinds, the first word of each is the one that is offered.
const HOLDERS: [&[&str]; 2] = [&["secret", "secrets"], &["configmap", "configmaps", "cm"]];

/// What has a network to send from, or pods that have.
const PLACES: [&str; 7] = ["pod", "node", "deploy", "sts", "ds", "rs", "job"];
const TARGETS: [&str; 8] = ["pod", "svc", "node", "deploy", "sts", "ds", "rs", "job"];

impl Kinds {
    pub(super) const SOURCES: Self = Self {
        words: &PLACES,
        has_ports: false,
        more: &[("local", "this machine"), ("nodes", "every node, of ping svc")],
    };

    /// Of a command's TARGET.
    pub(super) fn of(command: &str) -> Self {
        let (words, has_ports): (&[&str], bool) = match command {
            "sockets" => (&PLACES, false),
            "cert" => (&["secret", "configmap"], false),
            "trace" | "connect" | "tls" | "http" => (&TARGETS, true),
            _ => (&TARGETS, false),
        };
        Self { words, has_ports, more: &[] }
    }

    fn find(self, word: &str) -> Option<&'static str> {
        let mut kinds = KINDS.iter().map(|(_, names)| *names).chain(HOLDERS);
        let names = kinds.find(|names| names.contains(&word))?;
        self.words.contains(&names[0]).then_some(names[0])
    }

    fn offered(self, begin: &str, end: &str) -> Fixed {
        self.words.iter().map(|word| (format!("{begin}{word}{end}"), String::new())).collect()
    }
}

/// Words that need no cluster, and what to ask it for. `before` is the word before this one, which
/// may be the kind (`ping pod web`).
pub(super) fn of(typed: &str, before: Option<&str>, kinds: Kinds) -> (Fixed, Vec<Wanted>) {
    if let Some(kind) = before.and_then(|word| kinds.find(word)) {
        return (Fixed::new(), named(kinds, kind, None, typed, ""));
    }
    match *typed.split('/').collect::<Vec<_>>() {
        [_] => {
            let mut fixed = kinds.offered("", "/");
            fixed.extend(kinds.more.iter().map(|(word, what)| ((*word).into(), (*what).into())));
            // A name of a namespace is a second thought: only once something of it is typed.
            let namespaces = (!typed.is_empty()).then_some(Wanted::Namespaces { end: "/" });
            (fixed, namespaces.into_iter().collect())
        }
        [first, rest] => match kinds.find(first) {
            Some(kind) => (Fixed::new(), named(kinds, kind, None, rest, &format!("{first}/"))),
            None => (kinds.offered(&format!("{first}/"), "/"), Vec::new()),
        },
        [namespace, word, rest] => {
            let begin = format!("{namespace}/{word}/");
            let kind = kinds.find(word).filter(|kind| *kind != "node");
            let wanted = kind.map(|kind| named(kinds, kind, Some(namespace), rest, &begin));
            (Fixed::new(), wanted.unwrap_or_default())
        }
        _ => (Fixed::new(), Vec::new()),
    }
}

/// Names, or behind a name its ports.
fn named(
    kinds: Kinds,
    kind: &'static str,
    namespace: Option<&str>,
    rest: &str,
    begin: &str,
) -> Vec<Wanted> {
    let namespace = namespace.map(str::to_owned);
    vec![match rest.split_once(':').filter(|_| kinds.has_ports) {
        Some((name, _)) => {
            let begin = format!("{begin}{name}:");
            Wanted::Ports { kind, namespace, name: name.to_owned(), begin }
        }
        None => Wanted::Names { kind, namespace, begin: begin.to_owned() },
    }]
}
