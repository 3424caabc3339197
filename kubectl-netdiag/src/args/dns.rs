//! `dns NAME [TYPE] [CLASS] [@SERVER[#PORT]] [+OPTION]`.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, ValueEnum};
use netdiag_wire::{
    Family,
    dns::{Class, DnsMode, DnsRequest, DnsServer, Libc, RecordType},
};

use super::{
    AFTER, KubeFlags, OutputFlags, ProbeArgs, SourceFlags, Target, duration, usage::bad_value,
};
use crate::finding::Failure;

mod anchors;
mod dig;
mod name;
mod set;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use anchors::{root_servers, trust_anchors};
use dig::DigFlags;
pub(crate) use name::Name;
pub(crate) use set::{Dig, Shown};
pub(crate) use words::What;
use words::Words;

/// Ask what a name means to the source, as its libc or as dig asks.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    override_usage = "kubectl netdiag dns NAME [TYPE] [CLASS] [@SERVER[#PORT]] [+OPTION] [--from SOURCE] [flags]",
    after_help = AFTER
)]
pub(crate) struct DnsArgs {
    /// A name, svc/NAME or pod/NAME; TYPE, CLASS, @SERVER and dig's +OPTIONs in any order.
    /// With @SERVER or a +OPTION it is asked as dig asks: without the search list
    #[arg(value_name = "NAME", num_args = 1.., required_unless_present_any = ["query", "reverse"])]
    words: Vec<String>,
    #[command(flatten)]
    source: SourceFlags,
    /// Type of record; TYPE123 is any. Without it A and AAAA, as dig A
    #[arg(short = 't', long = "type", value_name = "TYPE", value_parser = words::kind)]
    kind: Option<RecordType>,
    /// Class; without it IN
    #[arg(short, long, value_name = "CLASS", value_parser = str::parse::<Class>)]
    class: Option<Class>,
    /// The name, whatever it looks like
    #[arg(short, long, value_name = "NAME", conflicts_with = "reverse")]
    query: Option<String>,
    /// The name that an address has: PTR
    #[arg(short = 'x', long, value_name = "ADDRESS", value_parser = address)]
    reverse: Option<IpAddr>,
    /// Send from this address of the source, and port
    #[arg(short, long, value_name = "ADDRESS[#PORT]", value_parser = bind)]
    bind: Option<(IpAddr, Option<u16>)>,
    /// Port of the servers
    #[arg(short, long, value_name = "PORT", value_parser = words::port)]
    port: Option<u16>,
    /// Ask each nameserver, and each CoreDNS pod behind the Service
    #[arg(long)]
    every_server: bool,
    /// Whose way to walk the search list
    #[arg(long, value_name = "LIBC", default_value = "glibc")]
    libc: LibcName,
    /// Validate, and say where the chain of trust breaks (+dnssec only sets DO, as in dig)
    #[arg(long)]
    dnssec: bool,
    /// Trust these keys (BIND's trust-anchors) instead of the root's
    #[arg(long, value_name = "FILE")]
    pub(crate) trust_anchor: Option<PathBuf>,
    /// Begin +trace at these servers (BIND's hints file)
    #[arg(long, value_name = "FILE")]
    pub(crate) root_hints: Option<PathBuf>,
    /// dig's way and layout without a +OPTION
    #[arg(long)]
    dig: bool,
    #[command(flatten)]
    flags: DigFlags,
    /// End after this time with what is known
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration::deadline)]
    deadline: Duration,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
    #[command(flatten)]
    pub(crate) kube: KubeFlags,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum LibcName {
    Glibc,
    Musl,
}

/// The command line understood: what to ask, and how to show it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Question {
    pub(crate) what: What,
    pub(crate) dig: Dig,
    /// The body is dig's.
    pub(crate) is_dig: bool,
    pub(crate) mode: DnsMode,
    types: Vec<RecordType>,
    class: Class,
    pub(crate) servers: Vec<DnsServer>,
    libc: Libc,
    validate: bool,
    bind: Option<(IpAddr, Option<u16>)>,
    family: Family,
}

impl DnsArgs {
    pub(crate) fn question(&self) -> Result<Question, Failure> {
        self.read().map_err(|why| bad_value("dns", why))
    }

    fn read(&self) -> Result<Question, String> {
        let has_name = self.query.is_some() || self.reverse.is_some();
        let words = Words::sort(&self.words, has_name)?;
        let what = self.what(&words)?;
        let mut dig = Dig::default();
        let given = self.flags.0.iter().chain(&words.given);
        given.clone().try_for_each(|given| given.apply(&mut dig))?;
        dig.options.dnssec_ok |= self.dnssec;
        let servers = self.servers(words.servers)?;
        let is_dig = self.dig
            || self.dnssec
            || !servers.is_empty() && !self.every_server
            || given.clone().any(|given| !given.keeps_walk());
        let mode = self.mode(is_dig, &dig, &servers)?;
        let kind = self.kind.or(words.kind);
        let kind = kind.or_else(|| self.reverse.map(|_| RecordType::PTR));
        let types = match (kind, mode) {
            (Some(kind), _) => vec![kind],
            (None, DnsMode::Walk) => Vec::new(),
            (None, DnsMode::Ask | DnsMode::EveryServer | DnsMode::Iterate) => vec![RecordType::A],
        };
        let question = Question {
            what,
            dig,
            is_dig: is_dig && mode != DnsMode::EveryServer,
            mode,
            types,
            class: self.class.or(words.class).unwrap_or_default(),
            servers,
            libc: self.libc.into(),
            validate: self.dnssec,
            bind: self.bind,
            family: self.source.family(),
        };
        question.check()?;
        Ok(question)
    }

    fn what(&self, words: &Words) -> Result<What, String> {
        let name = match (&self.query, self.reverse) {
            (Some(query), _) => Name::parse(query).map_err(|why| format!("-q {query}: {why}"))?,
            (None, Some(address)) => Name::reverse(address),
            (None, None) => return words::what(&words.names),
        };
        match words.names.first() {
            Some(word) => Err(format!("{word:?} is no type and no class, and there is a name")),
            None => Ok(What::Name(name)),
        }
    }

    fn servers(&self, mut servers: Vec<DnsServer>) -> Result<Vec<DnsServer>, String> {
        match self.port {
            Some(port) if servers.is_empty() => return Err(format!("-p {port}: needs @SERVER")),
            Some(port) => servers.iter_mut().for_each(|server| {
                server.port.get_or_insert(port);
            }),
            None => {}
        }
        Ok(servers)
    }

    fn mode(&self, is_dig: bool, dig: &Dig, servers: &[DnsServer]) -> Result<DnsMode, String> {
        let first = servers.first().map(|server| &server.host);
        match (dig.has_trace, self.every_server) {
            (true, true) => Err("+trace does not go with --every-server".into()),
            (true, false) => match first {
                Some(server) => Err(format!(
                    "@{server}: +trace begins at the root servers; --root-hints FILE names others"
                )),
                None => Ok(DnsMode::Iterate),
            },
            (false, true) if self.dnssec => Err("--dnssec does not go with --every-server".into()),
            (false, true) => Ok(DnsMode::EveryServer),
            (false, false) if self.root_hints.is_some() => Err("--root-hints: needs +trace".into()),
            (false, false) => Ok(if is_dig { DnsMode::Ask } else { DnsMode::Walk }),
        }
    }
}

impl ProbeArgs for DnsArgs {
    fn source(&self) -> &SourceFlags {
        &self.source
    }

    fn kube(&self) -> &KubeFlags {
        &self.kube
    }

    /// A name needs nobody to look it up; whom an object is, the probe asks itself.
    fn target(&self) -> Result<Target, Failure> {
        Ok(Target::Host(match self.question()?.what {
            What::Name(name) => name.asked,
            What::Object(object) => object.to_string(),
        }))
    }

    fn deadline(&self) -> Option<Duration> {
        Some(self.deadline)
    }
}

impl Question {
    /// The name in its own script, where it is asked in another.
    pub(crate) fn unicode(&self) -> Option<String> {
        match &self.what {
            What::Name(name) => name.unicode.clone(),
            What::Object(_) => None,
        }
    }

    /// What the name means is known: a Service's is `NAME.NAMESPACE.svc`, within the cluster.
    pub(crate) fn request(&self, name: &str, in_cluster: bool) -> DnsRequest {
        DnsRequest {
            types: self.types.clone(),
            class: self.class,
            mode: self.mode,
            in_cluster,
            servers: self.servers.clone(),
            libc: self.libc,
            options: self.dig.options.clone(),
            validate: self.validate,
            source_address: self.bind.map(|(address, _)| address).filter(|a| !a.is_unspecified()),
            source_port: self.bind.and_then(|(_, port)| port),
            family: self.family,
            ..DnsRequest::walk(name)
        }
    }

    /// Families that cannot meet, and bounds of the request.
    fn check(&self) -> Result<(), String> {
        if let (What::Name(name), DnsMode::Walk | DnsMode::EveryServer) = (&self.what, self.mode)
            && let Ok(address) = name.asked.parse::<IpAddr>()
        {
            return Err(format!("{address}: an address; -x {address} asks for the name it has"));
        }
        for server in &self.servers {
            let Ok(address) = server.host.parse::<IpAddr>() else { continue };
            match (self.family, address) {
                (Family::V4, IpAddr::V6(_)) => {
                    return Err(format!("@{address}: an IPv6 address, and -4 was given"));
                }
                (Family::V6, IpAddr::V4(_)) => {
                    return Err(format!("@{address}: an IPv4 address, and -6 was given"));
                }
                (Family::Any | Family::V4 | Family::V6, _) => {}
            }
            if let Some((bind, _)) = self.bind
                && bind.is_ipv4() != address.is_ipv4()
            {
                return Err(format!("-b {bind}: cannot send to {address}, another family"));
            }
        }
        self.request(".", false).check()
    }
}

impl From<LibcName> for Libc {
    fn from(name: LibcName) -> Self {
        match name {
            LibcName::Glibc => Self::Glibc,
            LibcName::Musl => Self::Musl,
        }
    }
}

fn address(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| "must be an IPv4 or IPv6 address".to_owned())
}

/// dig's `ADDRESS[#PORT]`.
fn bind(text: &str) -> Result<(IpAddr, Option<u16>), String> {
    if let Ok(with_port) = text.parse::<SocketAddr>() {
        return Err(format!("must be {}#{}", with_port.ip(), with_port.port()));
    }
    match text.split_once('#') {
        Some((host, port)) => Ok((address(host)?, Some(words::port(port)?))),
        None => Ok((address(text)?, None)),
    }
}
