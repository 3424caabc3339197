//! `connect TARGET:PORT`.

use std::{
    net::IpAddr,
    num::{NonZeroU16, NonZeroU32},
    time::Duration,
};

use clap::Args;
use netdiag_wire::{
    Untrusted,
    connect::{
        ConnectProtocol, ConnectRequest, MAX_SEND, MIN_INTERVAL_US, stream::ConnectStreamRequest,
    },
};

use super::{
    BytesFlags, Kind, KubeFlags, OutputFlags, Port, ProbeArgs, SourceFlags, Target, duration,
    usage::{bad_target, bad_value},
};
use crate::finding::Failure;

/// Bounds a check that is made once.
const DEADLINE: Duration = Duration::from_secs(30);

/// Microseconds for the listener at the other end to say that it is it.
const LISTENS: u32 = 1_000_000;
/// The datagram to a listener of ours.
const HELLO: &str = "netdiag";

const PIPES: &str = "\
Pipe: where stdin is a pipe or a file with something in it, its bytes go to the peer, the
peer's bytes to stdout and the verdict to stderr. The end of stdin half-closes; then the peer's
end is waited for. With -o, with an empty stdin (</dev/null, as in scripts) and with one that
is open but silent for 1 s the port is only checked. -i --raw --lf takes any stdin for bytes, as they are.
kubectl netdiag options lists kubectl's flags, which work too.";

/// Check a port: who takes, refuses or rejects a connection; or talk to it (-i), as in a pipe.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(override_usage = "kubectl netdiag connect TARGET:PORT [--from SOURCE] [flags]", after_help = PIPES)]
pub(crate) struct ConnectArgs {
    /// [NAMESPACE/]KIND/NAME:PORT (pod, node, svc, deploy, ...), an address or a host name, with
    /// :PORT; PORT may be a word of its own, as nc has it, and a name that the pod or svc declares
    #[arg(value_name = "TARGET", required = true, num_args = 1..=2)]
    words: Vec<String>,
    #[command(flatten)]
    pub(crate) source: SourceFlags,
    /// Send from this address of the source
    #[arg(short = 'S', long = "source", value_name = "ADDRESS")]
    source_address: Option<IpAddr>,
    /// Send a datagram that fits the port; open only if something answers
    #[arg(short, long, conflicts_with_all = ["interactive", "crlf", "lf"])]
    udp: bool,
    /// Data of the datagram; \n \r \t \0 \\ and \xHH are bytes
    #[arg(long, value_name = "TEXT", value_parser = data, requires = "udp")]
    send: Option<Untrusted>,
    /// Try so many times
    #[arg(long, value_name = "N", value_parser = count)]
    count: Option<NonZeroU32>,
    /// Time from one try to the next
    #[arg(long, value_name = "TIME", default_value = "1", value_parser = interval)]
    interval: u32,
    /// Try again and again for this time
    #[arg(long = "for", value_name = "TIME", value_parser = duration::deadline)]
    for_time: Option<Duration>,
    /// How long to wait for an answer; without it 3.1 s, or 2 s with --udp
    #[arg(short, long, value_name = "TIME", value_parser = duration::wait)]
    wait: Option<u32>,
    /// How long the other end may take to speak first
    #[arg(long, value_name = "TIME", default_value = "0.1", value_parser = banner)]
    banner: u32,
    /// Send from this port of the source
    #[arg(short = 'p', long, value_name = "PORT", value_parser = source_port)]
    source_port: Option<NonZeroU16>,
    /// Type of service: 0 to 255, or 0x00 to 0xff
    #[arg(short = 'T', long, value_name = "TOS", value_parser = tos)]
    tos: Option<u8>,
    /// Do not look up who an address is
    #[arg(long)]
    pub(crate) no_names: bool,
    /// End after this time with what is known: 30 s; none for --count, --for, a session or a pipe
    #[arg(long, value_name = "TIME", value_parser = duration::deadline)]
    deadline: Option<Duration>,
    /// Talk inside TLS, which ends in this process; the certificate is not verified
    #[arg(long, conflicts_with = "udp")]
    pub(crate) tls: bool,
    /// Listen at the target's end (a pod or node) while this lasts, and tell how it arrives there
    #[arg(
        long,
        conflicts_with_all = ["interactive", "crlf", "lf", "raw", "tls", "count", "for_time", "send"]
    )]
    pub(crate) listen: bool,
    #[command(flatten)]
    pub(crate) bytes: BytesFlags,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
    #[command(flatten)]
    pub(crate) kube: KubeFlags,
}

impl ProbeArgs for ConnectArgs {
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
        let is_once = self.count.is_none() && self.for_time.is_none();
        self.deadline.or(is_once.then_some(DEADLINE))
    }
}

impl ConnectArgs {
    /// Whether a flag says that bytes are to pass.
    pub(crate) fn wants_bytes(&self) -> bool {
        self.bytes.wants_bytes() || self.tls
    }

    fn parsed(&self) -> Result<(Target, Option<Port>), Failure> {
        let bad = |why: String| bad_target("connect", &self.words, &why);
        match self.words.as_slice() {
            // nc's two words; kubectl's have a kind for the first.
            [target, port] if target.contains('/') || is_number(port) => {
                let target = Target::parse(std::slice::from_ref(target)).map_err(bad)?;
                Ok((target, Some(Port::parse(port).map_err(bad)?)))
            }
            words => Target::parse_with_port(words).map_err(bad),
        }
    }

    /// What was typed; an object's may be asked for by the ports that it declares.
    pub(crate) fn port(&self) -> Result<Option<Port>, Failure> {
        self.parsed().map(|(_, port)| port)
    }

    pub(crate) fn protocol(&self) -> ConnectProtocol {
        if self.udp { ConnectProtocol::Udp } else { ConnectProtocol::Tcp }
    }

    /// Of a session or a pipe.
    pub(crate) fn bytes_deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// A flag or a form that only a check has.
    pub(crate) fn is_check(&self) -> bool {
        self.udp
            || self.listen
            || self.count.is_some()
            || self.for_time.is_some()
            || self.output.format.is_some()
    }

    /// The request of a check.
    pub(crate) fn request(&self, host: String, port: u16) -> ConnectRequest {
        ConnectRequest {
            protocol: self.protocol(),
            count: self.count,
            interval_us: self.interval,
            for_us: self.for_time.map(|time| time.as_micros().try_into().unwrap_or(u64::MAX)),
            wait_us: self.wait,
            banner_us: if self.listen { self.banner.max(LISTENS) } else { self.banner },
            family: self.source.family(),
            source_address: self.source_address,
            source_port: self.source_port.map(NonZeroU16::get),
            tos: self.tos,
            send: if self.listen && self.udp { Some(HELLO.into()) } else { self.send.clone() },
            ..ConnectRequest::to(host, port)
        }
    }

    /// The request of a session or a pipe.
    pub(crate) fn stream_request(&self, host: String, port: u16) -> ConnectStreamRequest {
        ConnectStreamRequest {
            family: self.source.family(),
            source_address: self.source_address,
            source_port: self.source_port.map(NonZeroU16::get),
            wait_us: self.wait.unwrap_or(ConnectStreamRequest::to("", port).wait_us),
            ..ConnectStreamRequest::to(host, port)
        }
    }

    /// What can be said of the flags without looking at anything else.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let (target, port) = self.parsed()?;
        if port.is_none() && !matches!(target, Target::Object(_)) {
            let why = "a port is missing: TARGET:PORT";
            return Err(bad_target("connect", &self.words, why));
        }
        if let (Target::Address(_) | Target::Host(_), Some(Port::Name(name))) = (&target, &port) {
            let why = format!("only an object has names for its ports; give {name} as a number");
            return Err(bad_target("connect", &self.words, &why));
        }
        let is_again = self.count.is_some_and(|count| count.get() > 1) || self.for_time.is_some();
        if self.source_port.is_some() && is_again && !self.udp {
            let message = "-p with --count or --for: the try before still has the port, so the \
                           next one could not be sent; leave -p out";
            return Err(bad_value("connect", message.into()));
        }
        if self.wants_bytes() && self.is_check() {
            let message = "-i, --crlf, --lf, --tls: a session or a pipe; without them the port is \
                           checked, with --count, --for and -o";
            return Err(bad_value("connect", message.into()));
        }
        if self.listen {
            self.check_far_end(&target)?;
        }
        let target = match target {
            Target::Address(address) => Some(address),
            Target::Object(_) | Target::Host(_) => None,
        };
        self.source.check_addresses("connect", target, self.source_address)
    }
}

impl ConnectArgs {
    /// There must be a namespace to listen in, with an agent.
    fn check_far_end(&self, target: &Target) -> Result<(), Failure> {
        let what = match target {
            Target::Object(object) if matches!(object.kind, Kind::Pod | Kind::Node) => {
                return Ok(());
            }
            Target::Object(object) if object.kind == Kind::Service => {
                "a Service has no network of its own"
            }
            Target::Object(_) => "a workload has many networks",
            Target::Address(_) | Target::Host(_) => "an address alone does not say whose it is",
        };
        let why = format!("--listen: {what}; name the pod or node to listen in: pod/NAME:PORT");
        Err(bad_target("connect", &self.words, &why))
    }
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

fn count(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| format!("the count must be 1 to {}", u32::MAX))
}

fn interval(text: &str) -> Result<u32, String> {
    let us = duration::micros(text)?;
    match (MIN_INTERVAL_US..=3_600_000_000).contains(&us) {
        true => Ok(us),
        false => Err("the interval must be 0.01 s to 1 h".into()),
    }
}

fn banner(text: &str) -> Result<u32, String> {
    let us = duration::micros(text)?;
    if us <= 60_000_000 { Ok(us) } else { Err("the wait must be 0 s to 60 s".into()) }
}

fn source_port(text: &str) -> Result<NonZeroU16, String> {
    text.parse().map_err(|_| "the source port must be 1 to 65535".to_owned())
}

fn tos(text: &str) -> Result<u8, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => u8::from_str_radix(hex, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| "the type of service must be 0 to 255, or 0x00 to 0xff".to_owned())
}

/// Text with escapes.
fn data(text: &str) -> Result<Untrusted, String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        if *byte != b'\\' {
            bytes.push(*byte);
            continue;
        }
        let (escaped, behind) = escaped(rest).ok_or("after \\ comes n, r, t, 0, \\ or xHH")?;
        bytes.push(escaped);
        rest = behind;
    }
    match bytes.len() {
        0..=MAX_SEND => Ok(bytes.into()),
        more => Err(format!("{more} bytes, must be at most {MAX_SEND}")),
    }
}

fn escaped(rest: &[u8]) -> Option<(u8, &[u8])> {
    let (letter, behind) = rest.split_first()?;
    let byte = match letter {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'0' => 0,
        b'\\' => b'\\',
        b'x' => {
            let (hex, behind) = behind.split_at_checked(2)?;
            return Some((u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok()?, behind));
        }
        _ => return None,
    };
    Some((byte, behind))
}

#[cfg(test)]
mod tests;
