//! The DaemonSet's one binary: front answers, broker finds and starts, a worker probes.
//!
//! A library so that its integration tests reach the frames between the three.

use std::{ffi::OsString, process::ExitCode};

use clap::{Parser, Subcommand};

pub mod broker;
mod frames;
pub mod front;
pub mod ipc;
pub mod local;
pub mod worker;

#[derive(Parser)]
#[command(name = "netdiag-agent", version)]
struct Args {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Answers the plugin; holds the API token and no capability.
    Front(Box<front::Args>),
    /// Finds pods' namespaces and starts workers; holds the capabilities and no token.
    Broker(broker::Args),
    /// One probe in one namespace; started by broker only.
    #[command(hide = true)]
    Worker(worker::Args),
    /// Break-glass: root on the node probes without front; `kubectl netdiag render -` reads the
    /// output.
    Local(local::Args),
    /// Whether this installation works: API reachable, reviews allowed, no right beyond need.
    Selftest(front::SelftestArgs),
    /// The liveness probe of both containers.
    Live(front::LiveArgs),
}

/// Runs the process that the arguments name, to its end.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let ended = match Args::parse_from(args).role {
        Role::Front(args) => front::run(*args),
        Role::Broker(args) => broker::run(&args),
        Role::Worker(args) => return worker::run(args),
        Role::Local(args) => local::run(args),
        Role::Selftest(args) => front::selftest(&args),
        Role::Live(args) => front::live(&args),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "netdiag-agent: {cause:#}");
            ExitCode::from(2)
        }
    }
}
