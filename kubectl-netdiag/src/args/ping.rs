//! `ping TARGET`.

use std::{
    net::IpAddr,
    num::{NonZeroU8, NonZeroU32},
    time::Duration,
};

use clap::Args;
use netdiag_wire::ping::{FASTEST_INTERVAL_US, MAX_SIZE, PingRequest, PingTarget};

use super::{
    AFTER, KubeFlags, OutputFlags, ProbeArgs, SourceFlags, Target, duration, usage::bad_target,
};
use crate::finding::Failure;

/// Send ICMP echo requests, and explain what comes back.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(override_usage = "kubectl netdiag ping TARGET [--from SOURCE] [flags]", after_help = AFTER)]
pub(crate) struct PingArgs {
    /// [NAMESPACE/]KIND/NAME (pod, node, svc, deploy, ...), an address, a host name, or nodes (all)
    #[arg(value_name = "TARGET", required = true, num_args = 1..=2)]
    words: Vec<String>,
    #[command(flatten)]
    pub(crate) source: SourceFlags,
    /// How many echo requests; without it until Ctrl-C
    #[arg(short, long, value_name = "N", value_parser = count)]
    count: Option<NonZeroU32>,
    /// Time from one to the next: 1 s, of many nodes 0.2 s; below that needs the right fast-ping
    #[arg(short, long, value_name = "TIME", value_parser = interval)]
    interval: Option<u32>,
    /// Stop at the first reply
    #[arg(long)]
    once: bool,
    /// Send from this address of the source
    #[arg(short = 'S', long = "source", value_name = "ADDRESS")]
    source_address: Option<IpAddr>,
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
    #[arg(short = 'w', long, value_name = "TIME", value_parser = duration::deadline)]
    pub(crate) deadline: Option<Duration>,
    /// Print the time of day before each line
    #[arg(short = 'D')]
    pub(crate) timestamps: bool,
    /// No line per reply, as ping's -q
    #[arg(short = 'q')]
    pub(crate) brief: bool,
    /// Send echoes to a Service's address all the same
    #[arg(long)]
    pub(crate) icmp: bool,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
    #[command(flatten)]
    pub(crate) kube: KubeFlags,
}

/// As ping's.
const INTERVAL_US: u32 = 1_000_000;
/// TARGET for all nodes.
const NODES: &str = "nodes";

impl PingArgs {
    /// Every node is a target.
    pub(crate) fn is_of_nodes(&self) -> bool {
        self.words == [NODES]
    }

    /// Somebody said how fast.
    pub(crate) fn is_paced(&self) -> bool {
        self.interval.is_some()
    }

    /// The same question about a host.
    pub(crate) fn towards(&self, host: &str) -> Self {
        Self { words: vec![host.to_owned()], ..self.clone() }
    }
}

impl ProbeArgs for PingArgs {
    fn source(&self) -> &SourceFlags {
        &self.source
    }

    fn kube(&self) -> &KubeFlags {
        &self.kube
    }

    fn target(&self) -> Result<Target, Failure> {
        Target::parse(&self.words).map_err(|why| bad_target("ping", &self.words, &why))
    }

    fn deadline(&self) -> Option<Duration> {
        self.deadline
    }
}

impl PingArgs {
    /// The request for these hosts.
    pub(crate) fn request(&self, hosts: impl IntoIterator<Item = String>) -> PingRequest {
        PingRequest {
            targets: hosts.into_iter().map(|host| PingTarget { host }).collect(),
            count: self.count,
            interval_us: self.interval.unwrap_or(INTERVAL_US),
            wait_us: self.wait,
            size: self.size,
            ttl: self.ttl,
            dont_fragment: self.df,
            once: self.once,
            source_address: self.source_address,
            family: self.source.family(),
        }
    }

    /// What no single value shows: the target's form, and family against addresses.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let target = match self.target()? {
            Target::Address(address) => Some(address),
            Target::Object(_) | Target::Host(_) => None,
        };
        self.source.check_addresses("ping", target, self.source_address)
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
