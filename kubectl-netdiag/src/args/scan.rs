//! `scan TARGET`.

use std::{net::IpAddr, num::NonZeroU32, time::Duration};

use clap::{ArgAction, Args};
use netdiag_wire::scan::{
    Discovery, Ports, ScanMethod, ScanProtocol, ScanRequest, targets as expand,
};

use super::{
    AFTER, KubeFlags, OutputFlags, ProbeArgs, SourceFlags, Target, duration,
    usage::{bad_target, bad_value},
};
use crate::{finding::Failure, plan::DeclaredPort};

mod ports;

use ports::{PortList, is as is_protocol, usual};

/// Which ports are open, closed or filtered, and what is known of them.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(override_usage = "kubectl netdiag scan TARGET [--from SOURCE] [flags]", after_help = AFTER)]
pub(crate) struct ScanArgs {
    /// [NAMESPACE/]KIND/NAME (pod, node, deploy, ...), an address, a host name, or a CIDR
    #[arg(value_name = "TARGET", required = true, num_args = 1..=2)]
    words: Vec<String>,
    #[command(flatten)]
    pub(crate) source: SourceFlags,
    /// Which ports: numbers, ranges, names (80,8000-8100,https), - for all; without it the most used; adds up
    #[arg(short, long, value_name = "PORTS", value_parser = PortList::parse, allow_hyphen_values = true)]
    ports: Vec<PortList>,
    /// The N most used ports, by netdiag's own list
    #[arg(long, value_name = "N", value_parser = top_ports, conflicts_with = "ports")]
    top_ports: Option<usize>,
    /// Leave these ports out; adds up
    #[arg(long, value_name = "PORTS", value_parser = PortList::parse, allow_hyphen_values = true)]
    exclude_ports: Vec<PortList>,
    /// UDP instead of TCP; with --tcp both
    #[arg(long)]
    udp: bool,
    /// TCP, which is the default, beside --udp
    #[arg(long)]
    tcp: bool,
    /// Send nothing to these addresses and CIDRs
    #[arg(long, value_name = "ADDRESS,...", value_delimiter = ',')]
    exclude: Vec<String>,
    /// At most so many probes a second
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: Option<NonZeroU32>,
    /// Ask what is open what it is: protocol, product, version, operating system
    #[arg(short = 'A', long)]
    pub(crate) identify: bool,
    /// By whole connections instead of half-open ones
    #[arg(long, conflicts_with = "udp")]
    connect: bool,
    /// Only find out which addresses are up; no port is asked
    #[arg(long, conflicts_with_all = ["ports", "top_ports", "udp", "tcp", "identify", "connect"])]
    discover: bool,
    /// Every address counts as up
    #[arg(long, conflicts_with = "discover")]
    no_discovery: bool,
    /// Send from this address of the source
    #[arg(short = 'S', long = "source", value_name = "ADDRESS")]
    source_address: Option<IpAddr>,
    /// End after this time with what is known
    #[arg(long, value_name = "TIME", value_parser = duration::deadline)]
    deadline: Option<Duration>,
    /// Less: open ports only; -qq: the verdict only
    #[arg(short = 'q', action = ArgAction::Count)]
    pub(crate) brief: u8,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
    #[command(flatten)]
    pub(crate) kube: KubeFlags,
}

impl ProbeArgs for ScanArgs {
    fn source(&self) -> &SourceFlags {
        &self.source
    }

    fn kube(&self) -> &KubeFlags {
        &self.kube
    }

    fn target(&self) -> Result<Target, Failure> {
        match self.network()? {
            Some(network) => Ok(Target::Host(network.to_owned())),
            None => Target::parse(&self.words).map_err(|why| bad_target("scan", &self.words, &why)),
        }
    }

    fn deadline(&self) -> Option<Duration> {
        self.deadline
    }
}

impl ScanArgs {
    /// The CIDR that TARGET is, if it is one, with nothing wrong in it.
    pub(crate) fn network(&self) -> Result<Option<&str>, Failure> {
        let [word] = self.words.as_slice() else { return Ok(None) };
        let is_network = word.split_once('/').is_some_and(|(address, length)| {
            address.parse::<IpAddr>().is_ok() && length.bytes().all(|b| b.is_ascii_digit())
        });
        if !is_network {
            return Ok(None);
        }
        let expanded = expand(std::slice::from_ref(word), &self.exclude);
        expanded.map(|_| Some(word.as_str())).map_err(|why| self.wrong(&why))
    }

    /// What the contract says of `targets` and `exclude`, as the words that were typed.
    fn wrong(&self, why: &str) -> Failure {
        match why.split_once(": ") {
            Some(("targets", why)) => bad_value("scan", format!("scan {why}")),
            Some((field, why)) => bad_value("scan", format!("--{field} {why}")),
            None => bad_value("scan", why.to_owned()),
        }
    }

    /// The request for this host; `declared` are the ports of the object that it is.
    pub(crate) fn request(
        &self,
        host: String,
        declared: &[DeclaredPort],
    ) -> Result<ScanRequest, Failure> {
        let request = ScanRequest {
            exclude: self.exclude.clone(),
            udp: self.ports(ScanProtocol::Udp, self.udp, declared)?,
            method: if self.connect { ScanMethod::Connect } else { ScanMethod::Auto },
            discovery: match (self.discover, self.no_discovery) {
                (true, _) => Discovery::Always,
                (_, true) => Discovery::Never,
                (false, false) => Discovery::Auto,
            },
            identify: self.identify,
            rate: self.rate,
            source_address: self.source_address,
            family: self.source.family(),
            ..ScanRequest::to(host, self.ports(ScanProtocol::Tcp, self.tcp || !self.udp, declared)?)
        };
        request.check().map_err(|why| self.wrong(&why))?;
        Ok(request)
    }

    /// What was asked, for the same of another target.
    pub(crate) fn flags(&self) -> Vec<String> {
        let ports = PortList::joined(&self.ports).map(|ports| match ports.text() {
            "-" => vec!["-p-".to_owned()],
            text => vec!["-p".to_owned(), text.to_owned()],
        });
        let top = self.top_ports.map(|most| vec!["--top-ports".to_owned(), most.to_string()]);
        let bare = [
            (self.udp, "--udp"),
            (self.tcp && self.udp, "--tcp"),
            (self.identify, "-A"),
            (self.connect, "--connect"),
        ];
        let bare = bare.into_iter().filter(|(is, _)| *is).map(|(_, flag)| flag.to_owned());
        ports.into_iter().chain(top).flatten().chain(bare).collect()
    }

    fn ports(
        &self,
        protocol: ScanProtocol,
        is_wanted: bool,
        declared: &[DeclaredPort],
    ) -> Result<Ports, Failure> {
        if !is_wanted || self.discover {
            return Ok(Ports::default());
        }
        let named = |flag: &str, lists: &[PortList]| match PortList::joined(lists) {
            Some(list) => list
                .resolve(protocol, declared)
                .map(Some)
                .map_err(|why| bad_value("scan", format!("{flag}: {why}"))),
            None => Ok(None),
        };
        let ports = named("-p", &self.ports)?;
        let ports = ports.unwrap_or_else(|| self.usual_ports(protocol, declared));
        let left = match named("--exclude-ports", &self.exclude_ports)? {
            Some(excluded) => ports.without(&excluded),
            None => ports,
        };
        match left.is_empty() {
            true => Err(bad_value("scan", "--exclude-ports: leaves no port".into())),
            false => Ok(left),
        }
    }

    /// The list's, and what the target itself declares.
    fn usual_ports(&self, protocol: ScanProtocol, declared: &[DeclaredPort]) -> Ports {
        let usual = usual(protocol, self.top_ports);
        if self.top_ports.is_some() {
            return usual;
        }
        let declared = declared.iter().filter(|port| is_protocol(port.protocol, protocol));
        usual.iter().chain(declared.map(|port| port.number)).collect()
    }

    /// What no single value shows.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let target = self.target()?;
        let address = match &target {
            Target::Address(address) => Some(*address),
            Target::Object(_) | Target::Host(_) => None,
        };
        self.source.check_addresses("scan", address, self.source_address)?;
        match target {
            // Its own names for ports are known when it is found.
            Target::Object(_) => Ok(()),
            other => self.request(other.word(""), &[]).map(drop),
        }
    }
}

fn top_ports(text: &str) -> Result<usize, String> {
    let most = usual(ScanProtocol::Tcp, None).len();
    let number = text.parse().ok().filter(|n| (1..=most).contains(n));
    number.ok_or_else(|| format!("the list has 1 to {most} ports"))
}

fn rate(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| "the rate must be 1 or more probes a second".into())
}

#[cfg(test)]
mod tests;
