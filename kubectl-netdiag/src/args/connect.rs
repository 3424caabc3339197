//! `connect TARGET:PORT`.

use std::{net::IpAddr, time::Duration};

use clap::Args;
use netdiag_wire::connect::stream::ConnectStreamRequest;

use super::{
    BytesFlags, KubeFlags, OutputFlags, Port, ProbeArgs, SourceFlags, Target, duration,
    usage::bad_target,
};
use crate::finding::Failure;

const PIPES: &str = "\
Pipe: where stdin is a pipe or a file with something in it, its bytes go to the peer, the
peer's bytes to stdout and the verdict to stderr. The end of stdin half-closes; then the peer's
end is waited for. With -o, with an empty stdin (</dev/null, as in scripts) and with one that
is open but silent for 1 s the port is only checked. -i takes any stdin for bytes.
kubectl netdiag options lists kubectl's flags, which work too.";

/// Connect to a port: a session as telnet has it, or a pipe as nc is.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(override_usage = "kubectl netdiag connect TARGET:PORT [--from SOURCE] [flags]", after_help = PIPES)]
pub(crate) struct ConnectArgs {
    /// [NAMESPACE/]KIND/NAME:PORT (pod, node, svc), an address or a host name, with :PORT
    #[arg(value_name = "TARGET", required = true, num_args = 1..=2)]
    words: Vec<String>,
    #[command(flatten)]
    pub(crate) source: SourceFlags,
    /// Send from this address of the source
    #[arg(short = 'S', long = "source", value_name = "ADDRESS")]
    source_address: Option<IpAddr>,
    /// End after this time with what is known; a session or a pipe has none by default
    #[arg(long, value_name = "TIME", value_parser = duration::deadline)]
    deadline: Option<Duration>,
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
        self.deadline
    }
}

impl ConnectArgs {
    fn parsed(&self) -> Result<(Target, Option<Port>), Failure> {
        Target::parse_with_port(&self.words).map_err(|why| bad_target("connect", &self.words, &why))
    }

    pub(crate) fn port(&self) -> Result<Port, Failure> {
        let (_, port) = self.parsed()?;
        port.ok_or_else(|| bad_target("connect", &self.words, "a port is missing: TARGET:PORT"))
    }

    /// The request of a session or a pipe.
    pub(crate) fn stream_request(&self, host: String, port: u16) -> ConnectStreamRequest {
        ConnectStreamRequest {
            family: self.source.family(),
            source_address: self.source_address,
            ..ConnectStreamRequest::to(host, port)
        }
    }

    /// What can be said of the flags without looking at anything else.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let target = match self.target()? {
            Target::Address(address) => Some(address),
            Target::Object(_) | Target::Host(_) => None,
        };
        self.port()?;
        self.source.check_addresses("connect", target, self.source_address)
    }
}
