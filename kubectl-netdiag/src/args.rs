//! The command line as values: text only, nothing here looks at the cluster, the terminal or the
//! clock.

use clap::{CommandFactory, Parser, Subcommand};

use crate::finding::Failure;

mod audit;
mod bytes;
mod cert;
mod connect;
pub(crate) mod diagnose;
pub(crate) mod dns;
mod duration;
mod finger;
mod held;
pub(crate) mod http;
mod kind;
mod kube;
mod listen;
mod meta;
pub(crate) mod object;
mod output;
mod ping;
mod scan;
mod sockets;
mod source;
mod tls;
mod trace;
mod usage;

pub(crate) use audit::AuditArgs;
pub(crate) use bytes::BytesFlags;
pub(crate) use cert::CertArgs;
pub(crate) use connect::ConnectArgs;
pub(crate) use diagnose::DiagnoseArgs;
pub(crate) use dns::{DnsArgs, Question, Shown, What, root_servers, trust_anchors};
pub(crate) use held::{Held, Holder, HolderKind};
pub(crate) use http::HttpArgs;
pub(crate) use kind::{KINDS, Kind, Workload};
pub(crate) use kube::{KubeFlags, Secret};
pub(crate) use listen::ListenArgs;
pub(crate) use meta::{DoctorArgs, ExplainArgs, RenderArgs, VersionArgs};
pub(crate) use object::{Object, Origin, Port, Target};
pub(crate) use output::{Colour, Format, OutputFlags};
pub(crate) use ping::PingArgs;
pub(crate) use scan::ScanArgs;
pub(crate) use sockets::{Place, SocketsArgs, SortBy};
pub(crate) use source::{Account, ProbeArgs, SourceFlags};
pub(crate) use tls::TlsArgs;
pub(crate) use trace::TraceArgs;

const HELP: &str = include_str!("args/help.txt");
const AFTER: &str = "kubectl netdiag options lists kubectl's flags, which work too.";

/// Real network probes from any pod or node, and what their answers mean.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-netdiag",
    bin_name = "kubectl netdiag",
    version,
    override_help = HELP,
    disable_help_subcommand = true,
    args_override_self = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

/// What was typed.
#[derive(Debug, PartialEq, Subcommand)]
pub(crate) enum Command {
    Diagnose(Box<DiagnoseArgs>),
    Ping(Box<PingArgs>),
    Trace(Box<TraceArgs>),
    Scan(Box<ScanArgs>),
    Dns(Box<DnsArgs>),
    Sockets(Box<SocketsArgs>),
    Connect(Box<ConnectArgs>),
    Tls(Box<TlsArgs>),
    Http(Box<HttpArgs>),
    Listen(Box<ListenArgs>),
    Cert(Box<CertArgs>),
    Doctor(Box<DoctorArgs>),
    Version(Box<VersionArgs>),
    Audit(Box<AuditArgs>),
    Explain(ExplainArgs),
    Render(RenderArgs),
    /// List kubectl's flags, which every command takes.
    Options,
}

impl Command {
    /// How the answer is to look.
    pub(crate) fn output(&self) -> OutputFlags {
        match self {
            Self::Diagnose(args) => args.output.clone(),
            Self::Ping(args) => args.output.clone(),
            Self::Trace(args) => args.output.clone(),
            Self::Scan(args) => args.output.clone(),
            Self::Dns(args) => args.output.clone(),
            Self::Sockets(args) => args.output.clone(),
            Self::Connect(args) => args.output.clone(),
            Self::Tls(args) => args.output.clone(),
            Self::Http(args) => args.output.clone(),
            Self::Listen(args) => args.output.clone(),
            Self::Cert(args) => args.output.clone(),
            Self::Doctor(args) => args.output.clone(),
            Self::Version(args) => args.output.clone(),
            Self::Audit(args) => args.output.clone(),
            Self::Explain(args) => args.output.clone(),
            Self::Render(args) => args.output.clone(),
            Self::Options => OutputFlags::default(),
        }
    }
}

impl Command {
    /// `-D`.
    pub(crate) fn has_timestamps(&self) -> bool {
        matches!(self, Self::Ping(args) if args.timestamps)
    }
}

/// Why there is no command to run.
#[derive(Debug, PartialEq)]
pub(crate) enum Stop {
    /// Help or version was asked for: for stdout, exit code 0.
    Say(String),
    Refused(Box<Failure>),
}

/// Parses the words after the program's name.
pub(crate) fn parse(words: &[String]) -> Result<Command, Stop> {
    let words = kube::spell_log_level(words);
    finger::check(&words).map_err(|failure| Stop::Refused(Box::new(failure)))?;
    let program = std::iter::once("kubectl-netdiag".to_owned());
    let cli = Cli::try_parse_from(program.chain(words.iter().cloned()))
        .map_err(|error| usage::stop(&error, &words))?;
    let command = cli.command.ok_or_else(|| Stop::Say(HELP.to_owned()))?;
    check(&command).map_err(|failure| Stop::Refused(Box::new(failure)))?;
    match command {
        Command::Options => Err(Stop::Say(kube::options())),
        other => Ok(other),
    }
}

/// What no single flag shows.
fn check(command: &Command) -> Result<(), Failure> {
    let draws = matches!(command, Command::Trace(_) | Command::Render(_));
    if command.output().format == Some(Format::Dot) && !draws {
        return Err(usage::bad_value("trace", "-o dot: only trace draws a graph".into()));
    }
    match command {
        Command::Diagnose(args) => args.check(),
        Command::Ping(args) => args.check(),
        Command::Trace(args) => args.check(),
        Command::Scan(args) => args.check(),
        Command::Dns(args) => args.question().map(drop),
        Command::Sockets(args) => args.check(),
        Command::Connect(args) => args.check(),
        Command::Tls(args) => args.check(),
        Command::Http(args) => args.check(),
        Command::Listen(args) => args.check(),
        Command::Cert(args) => args.check(),
        Command::Doctor(_)
        | Command::Version(_)
        | Command::Audit(_)
        | Command::Explain(_)
        | Command::Render(_)
        | Command::Options => Ok(()),
    }
}

/// The whole command line, for completion and for the tests of its help.
pub(crate) fn definition() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests;
