//! `sockets TARGET`.

use std::{
    net::IpAddr,
    num::{NonZeroU16, NonZeroU32},
    time::Duration,
};

use clap::{Args, ValueEnum};
use netdiag_wire::sockets::{
    MAX_INTERVAL_MS, MIN_INTERVAL_MS, SocketProtocol, SocketState, SocketsRequest, SocketsWatch,
    Which,
};

use super::{
    AFTER, KubeFlags, Object, Origin, OutputFlags, ProbeArgs, SourceFlags, Target, duration,
    usage::{bad_target, bad_value},
};
use crate::finding::Failure;

mod words;
use words::States;

/// As long as the counters of a full accept queue are watched.
const FULL_QUEUE_WAIT_MS: u32 = 2_000;

/// List the sockets of a pod, a node or this machine, and who is at their other end. Sends nothing.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(
    override_usage = "kubectl netdiag sockets TARGET [flags]",
    after_help = AFTER,
    mut_arg("from", |arg| arg.hide(true)),
    mut_arg("v4", |arg| arg.help("Sockets of IPv4 only")),
    mut_arg("v6", |arg| arg.help("Sockets of IPv6 only"))
)]
pub(crate) struct SocketsArgs {
    /// Whose: [NAMESPACE/]pod/NAME, node/NAME or local
    #[arg(value_name = "TARGET", required = true, num_args = 1..=2)]
    words: Vec<String>,
    #[command(flatten)]
    source: SourceFlags,
    /// All of them. Without -a, -l and --state, as ss: those with another end, but TIME-WAIT and
    /// SYN-RECV are only counted
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Those that listen, with their accept queues
    #[arg(short, long)]
    pub(crate) listening: bool,
    /// TCP; without -t, -u, -w and -x TCP, UDP and raw
    #[arg(short, long)]
    tcp: bool,
    /// UDP
    #[arg(short, long)]
    udp: bool,
    /// Raw sockets
    #[arg(short = 'w', long)]
    raw: bool,
    /// Unix sockets
    #[arg(short = 'x', long)]
    unix: bool,
    /// Whose they are: container, process, PID in the container; needs the right processes
    #[arg(short, long)]
    pub(crate) processes: bool,
    /// What TCP knows of each connection: rtt, cwnd, retransmits, mss, rates
    #[arg(short = 'i', long)]
    pub(crate) tcp_info: bool,
    /// The namespace's counters (netstat -s) instead: those that matter, all with -v
    #[arg(long)]
    pub(crate) stats: bool,
    /// Only in these states, by ss's names or netstat's: established, TIME_WAIT, ...
    #[arg(long, value_name = "STATE,...", value_delimiter = ',', value_parser = words::states)]
    state: Vec<States>,
    /// Only of this local port
    #[arg(long, value_name = "PORT", value_parser = port)]
    port: Option<NonZeroU16>,
    /// Only with this other end: ADDRESS, CIDR, [ADDRESS]:PORT
    #[arg(long, value_name = "PEER", value_parser = words::peer)]
    peer: Option<words::Peer>,
    /// In this order
    #[arg(long, value_name = "COLUMN", default_value = "local")]
    pub(crate) sort: SortBy,
    /// Again and again, with what changed; every second, or so many
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "1", value_parser = interval)]
    watch: Option<u32>,
    /// How often with --watch; without it until Ctrl-C
    #[arg(long, value_name = "N", requires = "watch", value_parser = count)]
    count: Option<NonZeroU32>,
    /// Do not look up who the peers are
    #[arg(long)]
    pub(crate) no_names: bool,
    /// End after this time with what is known; 30 s, with --watch never
    #[arg(long, value_name = "TIME", value_parser = duration::deadline)]
    deadline: Option<Duration>,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
    #[command(flatten)]
    pub(crate) kube: KubeFlags,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum SortBy {
    // By protocol, then by port.
    #[default]
    Local,
    Peer,
    State,
    RecvQ,
    SendQ,
    Process,
    Rtt,
    Retransmits,
}

/// What TARGET may be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    At(Origin),
    /// It has no sockets of its own; its pods do.
    Service(Object),
}

impl ProbeArgs for SocketsArgs {
    fn source(&self) -> &SourceFlags {
        &self.source
    }

    fn kube(&self) -> &KubeFlags {
        &self.kube
    }

    fn place(&self) -> Result<Option<Origin>, Failure> {
        match self.whose()? {
            Place::At(origin) => Ok(Some(origin)),
            Place::Service(service) => Err(self.bad(&format!("{service} has no sockets"))),
        }
    }

    /// Nobody is aimed at: it is looked at.
    fn target(&self) -> Result<Target, Failure> {
        Ok(Target::Host(self.words.join("/")))
    }

    fn deadline(&self) -> Option<Duration> {
        let default = (self.watch.is_none()).then_some(Duration::from_secs(30));
        self.deadline.or(default)
    }
}

impl SocketsArgs {
    pub(crate) fn whose(&self) -> Result<Place, Failure> {
        let target = Target::parse(&self.words).map_err(|why| self.bad(&why))?;
        let elsewhere = |what: &str| {
            let why = format!("{what} cannot be looked into; name a pod, a node or local");
            Err(self.bad(&why))
        };
        match target {
            Target::Object(service) if Target::Object(service.clone()).service().is_some() => {
                Ok(Place::Service(service))
            }
            Target::Object(object) => Ok(Place::At(Origin::Object(object))),
            Target::Host(name) if name == "local" => Ok(Place::At(Origin::Local)),
            Target::Host(_) => elsewhere("a host name"),
            Target::Address(_) => elsewhere("an address"),
        }
    }

    fn bad(&self, why: &str) -> Failure {
        bad_target("sockets", &self.words, why)
    }

    /// Neither `-a`, nor `-l`, nor `--state`: then what is short-lived is counted, not listed.
    pub(crate) fn is_default_set(&self) -> bool {
        !self.all && !self.listening && self.state.is_empty()
    }

    pub(crate) fn request(&self) -> SocketsRequest {
        let which = self.which();
        SocketsRequest {
            protocols: self.protocols(),
            family: self.source.family(),
            which,
            states: self.states(),
            local_port: self.port,
            peer: self.peer.as_ref().and_then(|peer| peer.network.clone()),
            peer_port: self.peer.as_ref().and_then(|peer| peer.port),
            processes: self.processes,
            tcp_info: self.tcp_info,
            stats: self.stats,
            full_queue_wait_ms: (which != Which::Connected && self.watch.is_none())
                .then_some(FULL_QUEUE_WAIT_MS),
            watch: self.watch.map(|interval_ms| SocketsWatch { interval_ms, rounds: self.count }),
        }
    }

    /// Of counters alone those that listen are enough: their queues are what overflows.
    fn which(&self) -> Which {
        match (self.all, self.listening || (self.stats && self.state.is_empty())) {
            (true, _) => Which::All,
            (false, true) => Which::Listening,
            (false, false) if self.state.is_empty() => Which::Connected,
            (false, false) => Which::All,
        }
    }

    fn states(&self) -> Vec<SocketState> {
        let mut states: Vec<_> =
            self.state.iter().flat_map(|states| states.0.iter().copied()).collect();
        states.sort();
        states.dedup();
        states
    }

    /// Unix sockets cross no network: they are listed where they are asked for.
    fn protocols(&self) -> Vec<SocketProtocol> {
        let all = [
            (self.tcp, SocketProtocol::Tcp),
            (self.udp, SocketProtocol::Udp),
            (self.raw, SocketProtocol::Raw),
            (self.unix, SocketProtocol::Unix),
        ];
        let asked: Vec<_> = all.iter().filter(|(is, _)| *is).map(|(_, one)| *one).collect();
        match asked.is_empty() {
            true => vec![SocketProtocol::Tcp, SocketProtocol::Udp, SocketProtocol::Raw],
            false => asked,
        }
    }

    /// What no single value shows.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.whose()?;
        if let Some(from) = &self.source.from {
            let why = "sockets reads the table of TARGET itself; leave --from out";
            return Err(bad_value("sockets", format!("--from {from}: {why}")));
        }
        let network = self.peer.as_ref().and_then(|peer| peer.network.as_deref());
        let address = network.and_then(|text| text.parse::<IpAddr>().ok());
        if let Some(address) = address.filter(|address| !self.source.family().has(*address)) {
            let message = format!("--peer {address}: of the family that -4 or -6 leaves out");
            return Err(bad_value("sockets", message));
        }
        let request = self.request();
        let is_unix = request.protocols == [SocketProtocol::Unix];
        match is_unix && (request.local_port.is_some() || self.peer.is_some()) {
            true => Err(bad_value("sockets", "-x: a unix socket has no port and no peer".into())),
            false => request.check().map_err(|why| bad_value("sockets", why)),
        }
    }
}

fn port(text: &str) -> Result<NonZeroU16, String> {
    text.parse().map_err(|_| "the port must be 1 to 65535".to_owned())
}

fn count(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| format!("the count must be 1 to {}", u32::MAX))
}

fn interval(text: &str) -> Result<u32, String> {
    let ms = duration::parse(text)?.as_millis();
    let ms = u32::try_from(ms).ok().filter(|ms| (MIN_INTERVAL_MS..=MAX_INTERVAL_MS).contains(ms));
    ms.ok_or_else(|| "the interval must be 0.2 s to 1 h".to_owned())
}

#[cfg(test)]
mod tests;
