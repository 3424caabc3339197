//! dig's words in whatever order: name, type, class, `@SERVER[#PORT]`, `+option`.

use std::net::IpAddr;

use netdiag_wire::dns::{Class, DnsServer, RecordType};

use super::{dig::Given, name::Name};
use crate::{
    args::{
        kind::Kind,
        object::{Object, Target},
    },
    near,
};

/// What is asked about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    Name(Name),
    /// A Service or a pod, whose name the cluster's DNS has.
    Object(Object),
}

/// The words as they fall.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) names: Vec<String>,
    pub(super) kind: Option<RecordType>,
    pub(super) class: Option<Class>,
    pub(super) servers: Vec<DnsServer>,
    pub(super) given: Vec<Given>,
}

impl Words {
    /// `has_name`: by `-q` or `-x`, so that every plain word is a type or a class.
    pub(super) fn sort(words: &[String], has_name: bool) -> Result<Self, String> {
        let mut sorted = Self::default();
        let is_plain = |word: &&String| !word.starts_with(['@', '+']);
        // A Service may be called `a` or `mx`: where no word is a name for certain, the first is.
        let mut name_is_first = !has_name && words.iter().filter(is_plain).all(|w| is_number(w));
        for word in words {
            if word.starts_with('+') {
                sorted.given.extend(Given::plus(word)?);
            } else if let Some(server) = word.strip_prefix('@') {
                sorted.servers.push(server_of(server).map_err(|why| format!("{word}: {why}"))?);
            } else if std::mem::take(&mut name_is_first) || !sorted.take(word) {
                sorted.names.push(word.clone());
            }
        }
        Ok(sorted)
    }

    /// Whether the word is a type or a class that was not there yet.
    fn take(&mut self, word: &str) -> bool {
        match (word.parse(), word.parse()) {
            (Ok(kind), _) if self.kind.is_none() => self.kind = Some(kind),
            (_, Ok(class)) if self.class.is_none() => self.class = Some(class),
            _ => return false,
        }
        true
    }
}

/// A type or a class.
fn is_number(word: &str) -> bool {
    word.parse::<RecordType>().is_ok() || word.parse::<Class>().is_ok()
}

/// What the plain words name, where nothing else does.
pub(super) fn what(names: &[String]) -> Result<What, String> {
    match names {
        [] => Err("NAME is missing".into()),
        [word] if word.contains('/') && !word.ends_with(".arpa") && !word.ends_with(".arpa.") => {
            object(&names[..1])
        }
        [word] => Name::parse(word).map(What::Name),
        [kind, _] if matches!(kind.as_str(), "svc" | "service" | "pod") => object(names),
        [first, others @ ..] => {
            let word = others.iter().find(|word| !word.contains(['.', '/'])).unwrap_or(first);
            Err(format!("{word:?} is no class and {}", no_kind(word)))
        }
    }
}

/// For `-t`.
pub(super) fn kind(word: &str) -> Result<RecordType, String> {
    word.parse().map_err(|_| no_kind(word))
}

fn no_kind(word: &str) -> String {
    let kinds = (0..=300).map(|number| RecordType(number).to_string());
    let kinds: Vec<String> = kinds.filter(|kind| !kind.starts_with("TYPE")).collect();
    let upper = word.to_ascii_uppercase();
    match near::nearest(&upper, kinds.iter().map(String::as_str)) {
        Some(kind) => format!("no type of record; there is {kind}"),
        None => "no type of record; TYPE123 is any by its number".into(),
    }
}

fn object(words: &[String]) -> Result<What, String> {
    match Target::parse(words)? {
        Target::Object(object) if matches!(object.kind, Kind::Node | Kind::Workload(_)) => {
            Err(format!("{object} has no name in the cluster's DNS; svc and pod have"))
        }
        Target::Object(object) => Ok(What::Object(object)),
        Target::Address(_) | Target::Host(_) => Err("must be a name, svc/NAME or pod/NAME".into()),
    }
}

/// `ADDRESS`, `[ADDRESS]`, `NAME`, each with `#PORT`.
fn server_of(text: &str) -> Result<DnsServer, String> {
    let (host, port) = match text.split_once('#') {
        Some((host, digits)) => (host, Some(port(digits)?)),
        None => (text, None),
    };
    let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = host.parse::<IpAddr>() {
        let address = one_host(address)?;
        return Ok(DnsServer { host: address.to_string(), port });
    }
    if host.contains('/') {
        return Err("must be an address or a name; of a Service, its address".into());
    }
    let name = Name::parse(host)?;
    Ok(DnsServer { host: name.asked, port })
}

fn one_host(address: IpAddr) -> Result<IpAddr, String> {
    match Target::parse(&[address.to_string()])? {
        Target::Address(address) => Ok(address),
        Target::Object(_) | Target::Host(_) => Err("no address of one host".into()),
    }
}

pub(super) fn port(digits: &str) -> Result<u16, String> {
    let port = digits.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| "the port must be 1 to 65535".into())
}
