//! dig's `+options`, each of which is also a `--flag`, and what they set.

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};

use super::set::Dig;
use crate::near;

/// Whether an option has a value, and what that is called.
#[derive(Clone, Copy, Debug)]
pub(super) enum Takes {
    Nothing,
    May(&'static str),
    Must(&'static str),
}

/// One option of dig that is here.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) word: &'static str,
    also: &'static [&'static str],
    takes: Takes,
    /// As `--flags`: the word itself, another for it, or `no` and the word.
    flags: &'static [&'static str],
    help: &'static str,
}

const fn known(
    word: &'static str,
    takes: Takes,
    flags: &'static [&'static str],
    help: &'static str,
) -> Known {
    Known { word, also: &[], takes, flags, help }
}

impl Known {
    const fn also(mut self, also: &'static [&'static str]) -> Self {
        self.also = also;
        self
    }
}

use Takes::{May, Must, Nothing};

const KNOWN: [Known; 30] = [
    known("tcp", Nothing, &["tcp"], "Ask over TCP").also(&["vc"]),
    known("tls", Nothing, &["tls"], "Ask over TLS (DoT, port 853)"),
    known("https", May("PATH"), &["https"], "Ask over HTTPS (DoH, port 443)"),
    known("tls-ca", Must("FILE"), &["tls-ca"], "Trust these certificates (PEM) over TLS"),
    known("tls-hostname", Must("NAME"), &["tls-hostname"], "Name in the server's certificate"),
    known("ignore", Nothing, &["ignore"], "Keep a truncated answer"),
    known("dnssec", Nothing, &["do"], "Set DO, as dig's +dnssec does: get signatures too")
        .also(&["do"]),
    known("recurse", Nothing, &["norecurse"], "Ask for no recursion").also(&["rdflag"]),
    known("cdflag", Nothing, &["cdflag"], "Set CD: the server is not to validate").also(&["cd"]),
    known("adflag", Nothing, &["noadflag"], "Leave AD out of the question").also(&["ad"]),
    known("edns", May("VERSION"), &["noedns"], "No OPT record"),
    known("bufsize", May("BYTES"), &["bufsize"], "UDP size offered; without it 1232"),
    known("timeout", Must("TIME"), &["timeout"], "Wait so long for each try; without it 5"),
    known("tries", Must("N"), &["tries"], "Try so often over UDP; without it 3"),
    known("retry", Must("N"), &["retry"], "Try so often again over UDP"),
    known("subnet", Must("ADDRESS/LENGTH"), &["subnet"], "Client subnet to tell (RFC 7871)")
        .also(&["client"]),
    known("nsid", Nothing, &["nsid"], "Ask which server answers"),
    known("cookie", May("HEX"), &["cookie", "nocookie"], "Cookie to send; --nocookie sends none"),
    known("trace", Nothing, &["trace"], "From the root servers down"),
    known("short", Nothing, &["short"], "Print the answers and nothing else"),
    known("identify", Nothing, &[], ""),
    known("all", Nothing, &[], ""),
    known("cmd", Nothing, &[], ""),
    known("comments", Nothing, &[], ""),
    known("question", Nothing, &[], ""),
    known("answer", Nothing, &[], ""),
    known("authority", Nothing, &[], ""),
    known("additional", Nothing, &[], ""),
    known("stats", Nothing, &[], ""),
    known("ttlid", Nothing, &[], "").also(&["ttl"]),
];

/// What dig has and is not here; their `no` forms say what is so anyway.
const NOT_HERE: [&str; 36] = [
    "aaflag",
    "aaonly",
    "besteffort",
    "class",
    "defname",
    "dns64prefix",
    "domain",
    "ednsflags",
    "ednsopt",
    "expandaaaa",
    "expire",
    "fail",
    "header-only",
    "http-plain",
    "http-plain-get",
    "https-get",
    "keepalive",
    "keepopen",
    "mapped",
    "multiline",
    "ndots",
    "nssearch",
    "onesoa",
    "opcode",
    "padding",
    "qid",
    "qr",
    "raflag",
    "rrcomments",
    "search",
    "showsearch",
    "tcflag",
    "ttlunits",
    "unknownformat",
    "yaml",
    "zflag",
];

/// An option as it was given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Given {
    /// As it was typed, for errors.
    typed: String,
    word: &'static str,
    is_on: bool,
    value: Option<String>,
}

impl Given {
    /// Reads `+[no]WORD[=VALUE]`, where a beginning is enough that no other word has.
    pub(super) fn plus(typed: &str) -> Result<Option<Self>, String> {
        let (word, value) = match typed.trim_start_matches('+').split_once('=') {
            Some((word, value)) => (word, Some(value)),
            None => (typed.trim_start_matches('+'), None),
        };
        let word = word.to_ascii_lowercase();
        if word.strip_prefix("no").is_some_and(|rest| NOT_HERE.contains(&rest)) {
            return Ok(None);
        }
        let (known, is_on) = match word.strip_prefix("no").map(find) {
            Some(Ok(known)) => (known, false),
            _ => (find(&word).map_err(|why| format!("{typed}: {why}"))?, true),
        };
        match (known.takes, value) {
            (Nothing, Some(_)) => return Err(format!("{typed}: +{} takes no value", known.word)),
            (Must(value), None) if is_on => {
                return Err(format!("{typed}: must be +{}={value}", known.word));
            }
            _ => {}
        }
        let value = value.map(str::to_owned);
        Ok(Some(Self { typed: typed.to_owned(), word: known.word, is_on, value }))
    }

    pub(super) fn apply(&self, dig: &mut Dig) -> Result<(), String> {
        let set = dig.set(self.word, self.is_on, self.value.as_deref());
        set.map_err(|why| format!("{}: {why}", self.typed))
    }

    /// A flag that leaves the search list as it is.
    pub(super) fn keeps_walk(&self) -> bool {
        self.typed.starts_with("--") && matches!(self.word, "short" | "timeout" | "tries" | "retry")
    }
}

fn find(word: &str) -> Result<&'static Known, String> {
    let is = |known: &&Known| known.word == word || known.also.contains(&word);
    if let Some(known) = KNOWN.iter().find(is) {
        return Ok(known);
    }
    if NOT_HERE.contains(&word) {
        return Err("dig has it, but it is not here".into());
    }
    let begun = |known: &&Known| !word.is_empty() && known.word.starts_with(word);
    let begun: Vec<&Known> = KNOWN.iter().filter(begun).collect();
    match begun[..] {
        [known] => Ok(known),
        [] => {
            let words = KNOWN.iter().flat_map(|known| known.also.iter().chain([&known.word]));
            let near = near::nearest(word, words.copied());
            let near = near.map(|near| format!("; there is +{near}")).unwrap_or_default();
            Err(format!("no option of dig{near}"))
        }
        _ => {
            let words: Vec<String> = begun.iter().map(|known| format!("+{}", known.word)).collect();
            Err(format!("may be {}", words.join(" or ")))
        }
    }
}

/// The options that were given as `--flags`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DigFlags(pub(super) Vec<Given>);

impl clap::Args for DigFlags {
    fn augment_args(command: Command) -> Command {
        let flags =
            KNOWN.iter().flat_map(|known| known.flags.iter().map(move |flag| (known, flag)));
        flags.fold(command, |command, (known, flag)| command.arg(known.arg(flag)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for DigFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let of_known = |known: &'static Known| {
            known.flags.iter().filter_map(move |flag| known.given(flag, matches))
        };
        Ok(Self(KNOWN.iter().flat_map(of_known).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Known {
    fn arg(&self, flag: &'static str) -> Arg {
        let arg = Arg::new(flag).long(flag).help(self.help).help_heading("dig's, also as +OPTION");
        match self.value_of(flag) {
            Nothing => arg.action(ArgAction::SetTrue),
            Must(value) => arg.value_name(value),
            May(value) => arg
                .value_name(value)
                .num_args(0..=1)
                .require_equals(flag != "bufsize")
                .default_missing_value(""),
        }
    }

    /// A flag that turns something off has no value.
    fn value_of(&self, flag: &str) -> Takes {
        if self.is_off(flag) { Nothing } else { self.takes }
    }

    fn is_off(&self, flag: &str) -> bool {
        flag.strip_prefix("no") == Some(self.word)
    }

    fn given(&self, flag: &'static str, matches: &ArgMatches) -> Option<Given> {
        let is_on = !self.is_off(flag);
        let (typed, value) = match self.value_of(flag) {
            Nothing if !matches.get_flag(flag) => return None,
            Nothing => (format!("--{flag}"), None),
            May(_) | Must(_) => {
                let value = matches.get_one::<String>(flag)?.clone();
                let typed = format!("--{flag} {value}").trim_end().to_owned();
                (typed, Some(value).filter(|value| !value.is_empty()))
            }
        };
        Some(Given { typed, word: self.word, is_on, value })
    }
}
