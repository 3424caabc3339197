//! `listen PORT`.

use std::{net::IpAddr, time::Duration};

use clap::Args;
use netdiag_wire::listen::ListenRequest;

use super::{BytesFlags, KubeFlags, OutputFlags, SourceFlags, duration, usage::bad_value};
use crate::finding::Failure;

const BYTES: &str = "\
Without -i and with nothing in stdin, the listener only tells who connects: what comes is
counted and thrown away. -i, or a pipe or file as stdin, passes bytes as nc -l does: the peer's
to stdout, everything else to stderr.
kubectl netdiag options lists kubectl's flags, which work too.";

/// Listen on a port inside a pod's or a node's network (nc -l), and tell who connects and how it
/// looked on arrival. Needs the right listen there.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(override_usage = "kubectl netdiag listen PORT --from SOURCE [flags]", after_help = BYTES)]
pub(crate) struct ListenArgs {
    /// A port's number, 1 to 65535
    #[arg(value_name = "PORT")]
    port: String,
    #[command(flatten)]
    pub(crate) source: SourceFlags,
    /// Datagrams instead of connections
    #[arg(short, long)]
    udp: bool,
    /// Only on this address of the source; all of them without it
    #[arg(short = 'S', long, value_name = "ADDRESS")]
    address: Option<IpAddr>,
    /// Go on after the first connection; the next waits until it has ended
    #[arg(short = 'k', long = "keep-open")]
    keep: bool,
    /// Answer everybody with this text as it stands, and close; $'hello\n' has a line end
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["interactive", "crlf", "lf"])]
    answer: Option<String>,
    /// End after this time with what is known; never by default
    #[arg(long, value_name = "TIME", value_parser = duration::deadline)]
    pub(crate) deadline: Option<Duration>,
    #[command(flatten)]
    pub(crate) bytes: BytesFlags,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
    #[command(flatten)]
    pub(crate) kube: KubeFlags,
}

impl ListenArgs {
    pub(crate) fn request(&self) -> Result<ListenRequest, Failure> {
        let port: u16 = self.port.parse().unwrap_or_default();
        if port == 0 {
            return Err(bad_value(
                "listen",
                format!("{:.100}: the port must be 1 to 65535", self.port),
            ));
        }
        let request = ListenRequest {
            udp: self.udp,
            address: self.address,
            keep: self.keep,
            answer: self.answer.as_deref().map(Into::into),
            ..ListenRequest::on(port)
        };
        request.check().map_err(|why| bad_value("listen", why))?;
        Ok(request)
    }

    /// What can be said of the flags without looking at anything else.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.request()?;
        self.source.check_addresses("listen", None, self.address)
    }
}
