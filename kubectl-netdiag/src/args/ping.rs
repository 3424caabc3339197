//! `ping TARGET`.

use std::{
    net::IpAddr,
    num::{NonZeroU8, NonZeroU32},
    time::Duration,
};

use clap::Args;
use netdiag_wire::{
    Family,
    ping::{FASTEST_INTERVAL_US, MAX_SIZE, PingRequest, PingTarget},
};

use super::{
    AFTER, KubeFlags, Origin, OutputFlags, Target, duration,
    kube::is_namespace,
    usage::{bad_target, bad_value},
};
use crate::finding::Failure;

/// Send ICMP echo requests, and explain what comes back.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(override_usage = "kubectl netdiag ping TARGET [--from SOURCE] [flags]", after_help = AFTER)]
pub(crate) struct PingArgs {
    /// [NAMESPACE/]KIND/NAME (pod, node, svc), an address, or a host name
    #[arg(value_name = "TARGET", required = true, num_args = 1..=2)]
    words: Vec<String>,
    /// Where from: [NAMESPACE/]pod/NAME, node/NAME or local; $NETDIAG_FROM
    #[arg(long, value_name = "SOURCE", value_parser = Origin::parse)]
    pub(crate) from: Option<Origin>,
    /// How many echo requests; without it until Ctrl-C
    #[arg(short, long, value_name = "N", value_parser = count)]
    count: Option<NonZeroU32>,
    /// Time from one to the next; below 0.2 s needs the right fast-ping
    #[arg(short, long, value_name = "TIME", default_value = "1", value_parser = interval)]
    interval: u32,
    /// Stop at the first reply
    #[arg(long)]
    once: bool,
    /// Send from this address of the source
    #[arg(short = 'S', long, value_name = "ADDRESS")]
    source: Option<IpAddr>,
    /// How long to wait for each reply; later ones still count, as late
    #[arg(short = 'W', long, value_name = "TIME", default_value = "1", value_parser = wait)]
    wait: u32,
    /// Data bytes
    #[arg(long, value_name = "BYTES", default_value = "56", value_parser = size)]
    size: u16,
    /// Time to live
    #[arg(short, long, value_name = "N", value_parser = ttl)]
    ttl: Option<NonZeroU8>,
    /// Forbid fragmentation
    #[arg(long)]
    df: bool,
    /// End after this time with what is known
    #[arg(short = 'w', long, value_name = "TIME", value_parser = deadline)]
    pub(crate) deadline: Option<Duration>,
    /// Print the time of day before each line
    #[arg(short = 'D')]
    pub(crate) timestamps: bool,
    /// No line per reply, as ping's -q
    #[arg(short = 'q')]
    pub(crate) brief: bool,
    /// IPv4 only
    #[arg(short = '4', conflicts_with = "v6")]
    v4: bool,
    /// IPv6 only
    #[arg(short = '6')]
    v6: bool,
    /// Send echoes to a Service's address all the same
    #[arg(long)]
    pub(crate) icmp: bool,
    /// Act as this ServiceAccount at the agent: [NAMESPACE/]NAME
    #[arg(long, value_name = "NAME", value_parser = account)]
    pub(crate) service_account: Option<Account>,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
    #[command(flatten)]
    pub(crate) kube: KubeFlags,
}

/// A ServiceAccount whose token is to be minted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Account {
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
}

impl PingArgs {
    pub(crate) fn target(&self) -> Result<Target, Failure> {
        Target::parse(&self.words).map_err(|why| bad_target("ping", &self.words, &why))
    }

    pub(crate) fn family(&self) -> Family {
        match (self.v4, self.v6) {
            (true, _) => Family::V4,
            (_, true) => Family::V6,
            (false, false) => Family::Any,
        }
    }

    /// The request for these hosts.
    pub(crate) fn request(&self, hosts: impl IntoIterator<Item = String>) -> PingRequest {
        PingRequest {
            targets: hosts.into_iter().map(|host| PingTarget { host }).collect(),
            count: self.count,
            interval_us: self.interval,
            wait_us: self.wait,
            size: self.size,
            ttl: self.ttl,
            dont_fragment: self.df,
            once: self.once,
            source_address: self.source,
            family: self.family(),
        }
    }

    /// What no single value shows: the target's form, and family against addresses.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let target = self.target()?;
        if let Target::Address(address) = target {
            self.check_family("ping", address)?;
        }
        if let Some(address) = self.source {
            self.check_family("-S", address)?;
        }
        if let (Some(source), Target::Address(to)) = (self.source, target)
            && source.is_ipv4() != to.is_ipv4()
        {
            return Err(bad_value(
                "ping",
                format!("-S {source}: cannot send to {to}, another family"),
            ));
        }
        Ok(())
    }

    fn check_family(&self, what: &str, address: IpAddr) -> Result<(), Failure> {
        let (flag, other) = match (self.family(), address) {
            (Family::V4, IpAddr::V6(_)) => ("-4", "an IPv6"),
            (Family::V6, IpAddr::V4(_)) => ("-6", "an IPv4"),
            (Family::Any | Family::V4 | Family::V6, _) => return Ok(()),
        };
        Err(bad_value("ping", format!("{what} {address}: {other} address, and {flag} was given")))
    }
}

fn count(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| format!("the count must be 1 to {}", u32::MAX))
}

fn interval(text: &str) -> Result<u32, String> {
    let us = duration::micros(text)?;
    if us < FASTEST_INTERVAL_US {
        return Err(
            "the interval must be at least 0.002 s, and 0.2 s without the right fast-ping".into()
        );
    }
    Ok(us)
}

fn wait(text: &str) -> Result<u32, String> {
    let us = duration::micros(text)?;
    if !(1_000..=3_600_000_000).contains(&us) {
        return Err("the wait must be 0.001 s to 1 h".into());
    }
    Ok(us)
}

fn size(text: &str) -> Result<u16, String> {
    let size = text.parse().ok().filter(|size| *size <= MAX_SIZE);
    size.ok_or_else(|| format!("the size must be 0 to {MAX_SIZE}"))
}

fn ttl(text: &str) -> Result<NonZeroU8, String> {
    text.parse().map_err(|_| "the TTL must be 1 to 255".to_owned())
}

fn deadline(text: &str) -> Result<Duration, String> {
    let time = duration::parse(text)?;
    if time < Duration::from_millis(1) {
        Err("the deadline must be at least 0.001 s".into())
    } else {
        Ok(time)
    }
}

fn account(text: &str) -> Result<Account, String> {
    let (namespace, name) = match text.split_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, text),
    };
    if namespace.is_some_and(|n| !is_namespace(n)) || name.is_empty() || name.contains('/') {
        return Err("must be [NAMESPACE/]NAME of a ServiceAccount".into());
    }
    Ok(Account { namespace: namespace.map(str::to_owned), name: name.to_owned() })
}
