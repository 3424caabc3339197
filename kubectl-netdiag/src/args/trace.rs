//! `trace TARGET`.

use std::{net::IpAddr, time::Duration};

use clap::Args;
use netdiag_wire::trace::{MAX_FLOWS, MAX_QUERIES, TraceProtocol, TraceRequest};

use super::{
    AFTER, Kind, KubeFlags, Object, OutputFlags, Port, ProbeArgs, SourceFlags, Target, duration,
    usage::{bad_target, bad_value},
};
use crate::finding::Failure;

/// Find the path, and say where and by whom it ends.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(override_usage = "kubectl netdiag trace TARGET [--from SOURCE] [flags]", after_help = AFTER)]
pub(crate) struct TraceArgs {
    /// [NAMESPACE/]KIND/NAME[:PORT] (pod, node, svc, deploy, ...), an address or a host name, with [:PORT]
    #[arg(value_name = "TARGET", required = true, num_args = 1..=2)]
    words: Vec<String>,
    #[command(flatten)]
    pub(crate) source: SourceFlags,
    /// First TTL; also -M, in BSD's meaning (the method is -P)
    #[arg(short, long, short_alias = 'M', value_name = "N", default_value = "1", value_parser = first_ttl)]
    first_ttl: u8,
    /// Last TTL
    #[arg(short, long, value_name = "N", default_value = "30", value_parser = max_ttl)]
    max_ttl: u8,
    /// udp, tcp or icmp; tcp where TARGET has a port or declares one, else udp
    #[arg(short = 'P', long, value_name = "PROTOCOL", value_parser = protocol)]
    protocol: Option<TraceProtocol>,
    /// Echo requests: -P icmp
    #[arg(short = 'I', conflicts_with_all = ["tcp", "udp", "protocol"])]
    icmp: bool,
    /// TCP SYNs: -P tcp
    #[arg(short = 'T', conflicts_with_all = ["udp", "protocol"])]
    tcp: bool,
    /// UDP datagrams: -P udp
    #[arg(short = 'U', conflicts_with = "protocol")]
    udp: bool,
    /// Port, by number or by its name in TARGET; as TARGET:PORT
    #[arg(short, long, value_name = "PORT", value_parser = port)]
    port: Option<Port>,
    /// Probes to each TTL; 3, of several flows 1 each, as routers answer only so many a second
    #[arg(short, long, value_name = "N", value_parser = queries)]
    queries: Option<u8>,
    /// How long to wait for each answer; without it 10 times the longest round trip, at least 0.25 s
    #[arg(short, long, value_name = "TIME", value_parser = duration::wait)]
    wait: Option<u32>,
    /// Send from this address of the source
    #[arg(short = 'S', long = "source", value_name = "ADDRESS")]
    source_address: Option<IpAddr>,
    /// Length of the whole packet; without it as short as the protocol allows
    #[arg(long, value_name = "BYTES", value_parser = size)]
    size: Option<u16>,
    /// Forbid fragmentation
    #[arg(long)]
    df: bool,
    /// No names by reverse DNS
    #[arg(long)]
    no_names: bool,
    /// Walk so many flows and show where they part; 1, through a Service's address 3
    #[arg(long, value_name = "N", value_parser = flows)]
    flows: Option<u8>,
    /// The paths to all endpoints of a Service, not to some of each node
    #[arg(long)]
    pub(crate) all: bool,
    /// Find how large a packet passes, and where it shrinks
    #[arg(long)]
    mtu: bool,
    /// End after this time with what is known
    #[arg(long, value_name = "TIME", default_value = duration::DEADLINE, value_parser = duration::deadline)]
    deadline: Duration,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
    #[command(flatten)]
    pub(crate) kube: KubeFlags,
}

impl ProbeArgs for TraceArgs {
    fn source(&self) -> &SourceFlags {
        &self.source
    }

    fn kube(&self) -> &KubeFlags {
        &self.kube
    }

    fn target(&self) -> Result<Target, Failure> {
        self.parsed().map(|(target, _)| target)
    }

    fn deadline(&self) -> Option<Duration> {
        Some(self.deadline)
    }
}

impl TraceArgs {
    fn parsed(&self) -> Result<(Target, Option<Port>), Failure> {
        Target::parse_with_port(&self.words).map_err(|why| bad_target("trace", &self.words, &why))
    }

    /// Of TARGET or of `-p`.
    pub(crate) fn port(&self) -> Result<Option<Port>, Failure> {
        let (_, port) = self.parsed()?;
        match (port, &self.port) {
            (Some(port), Some(other)) if port != *other => {
                Err(bad_value("trace", format!("-p {other}: TARGET has another port, {port}")))
            }
            (port, flag) => Ok(port.or_else(|| flag.clone())),
        }
    }

    /// As it was asked for, by whichever flag.
    pub(crate) fn protocol(&self) -> Option<TraceProtocol> {
        match (self.icmp, self.tcp, self.udp) {
            (true, _, _) => Some(TraceProtocol::Icmp),
            (_, true, _) => Some(TraceProtocol::Tcp),
            (_, _, true) => Some(TraceProtocol::Udp),
            (false, false, false) => self.protocol,
        }
    }

    pub(crate) fn flows(&self) -> Option<u8> {
        self.flows
    }

    /// The Service whose endpoints are traced; sizes and graphs are of one path.
    pub(crate) fn service(&self, is_graph: bool) -> Option<Object> {
        match self.parsed().ok()?.0 {
            Target::Object(object) if object.kind == Kind::Service => {
                (!self.mtu && !is_graph).then_some(object)
            }
            Target::Object(_) | Target::Address(_) | Target::Host(_) => None,
        }
    }

    /// The same for another host.
    pub(crate) fn towards(&self, host: &str) -> Self {
        Self { words: vec![host.to_owned()], ..self.clone() }
    }

    fn queries(&self) -> u8 {
        self.queries.unwrap_or(if self.flows.is_some_and(|flows| flows > 1) { 1 } else { 3 })
    }

    /// A sweep of sizes wants datagrams: a SYN carries no data.
    pub(crate) fn is_sweep(&self) -> bool {
        self.mtu
    }

    /// The request for this host.
    pub(crate) fn request(
        &self,
        host: String,
        protocol: TraceProtocol,
        port: Option<u16>,
    ) -> TraceRequest {
        TraceRequest {
            port,
            first_ttl: self.first_ttl,
            max_ttl: self.max_ttl,
            queries: self.queries(),
            wait_us: self.wait,
            size: self.size,
            dont_fragment: self.df,
            flows: self.flows.unwrap_or(1),
            mtu: self.mtu,
            no_names: self.no_names,
            source_address: self.source_address,
            family: self.source.family(),
            ..TraceRequest::to(host, protocol)
        }
    }

    /// What no single value shows.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let (target, _) = self.parsed()?;
        let address = match target {
            Target::Address(address) => Some(address),
            Target::Object(_) | Target::Host(_) => None,
        };
        self.source.check_addresses("trace", address, self.source_address)?;
        if self.all && self.service(false).is_none() {
            return Err(bad_value(
                "trace",
                "--all: only a Service (svc/NAME) has endpoints".into(),
            ));
        }
        self.check_numbers().map_err(|message| bad_value("trace", message))?;
        match (self.protocol(), self.port()?) {
            (Some(TraceProtocol::Icmp), Some(port)) => Err(bad_value(
                "trace",
                format!("-P icmp: an echo has no port; leave {port} out, or the protocol"),
            )),
            _ => Ok(()),
        }
    }

    fn check_numbers(&self) -> Result<(), String> {
        let (first, max) = (self.first_ttl, self.max_ttl);
        if first > max {
            return Err(format!("-f {first}: the first TTL must be at most the last, -m {max}"));
        }
        if let Some(flows) = self.flows.filter(|flows| self.mtu && *flows > 1) {
            return Err(format!("--flows {flows}: --mtu sweeps one flow"));
        }
        if let Some(size) = self.size.filter(|_| self.mtu) {
            return Err(format!("--size {size}: --mtu chooses the sizes itself"));
        }
        // The agent's own bound; what it says of the values is not named by flags.
        let bound = self.request("a".into(), TraceProtocol::Udp, None).check();
        bound.map_err(|_| {
            let (flows, queries) = (self.flows.unwrap_or(1), self.queries());
            format!("--flows {flows} -q {queries}: too many probes at once with -m {max}")
        })
    }
}

fn first_ttl(text: &str) -> Result<u8, String> {
    ttl(text, "first")
}

fn max_ttl(text: &str) -> Result<u8, String> {
    ttl(text, "maximum")
}

fn ttl(text: &str, which: &str) -> Result<u8, String> {
    let ttl = text.parse().ok().filter(|ttl| *ttl > 0);
    ttl.ok_or_else(|| format!("the {which} TTL must be 1 to 255"))
}

fn protocol(text: &str) -> Result<TraceProtocol, String> {
    match text.to_ascii_lowercase().as_str() {
        "udp" => Ok(TraceProtocol::Udp),
        "tcp" => Ok(TraceProtocol::Tcp),
        "icmp" => Ok(TraceProtocol::Icmp),
        _ => Err("the protocol must be udp, tcp or icmp".into()),
    }
}

/// The flag and its value are named already.
fn port(text: &str) -> Result<Port, String> {
    Port::parse(text).map_err(|why| match why.split_once(": ") {
        Some((_, why)) => why.to_owned(),
        None => why,
    })
}

fn queries(text: &str) -> Result<u8, String> {
    let queries = text.parse().ok().filter(|n| (1..=MAX_QUERIES).contains(n));
    queries.ok_or_else(|| format!("the number of probes must be 1 to {MAX_QUERIES}"))
}

fn flows(text: &str) -> Result<u8, String> {
    let flows = text.parse().ok().filter(|n| (1..=MAX_FLOWS).contains(n));
    flows.ok_or_else(|| format!("the number of flows must be 1 to {MAX_FLOWS}"))
}

fn size(text: &str) -> Result<u16, String> {
    let size = text.parse().ok().filter(|size| *size >= 28);
    size.ok_or_else(|| "the size must be 28 to 65535, with the IP header".to_owned())
}

#[cfg(test)]
mod tests;
