//! `cluster up|down|build|status|env|import|agents`: the test cluster by hand.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::{Parser, Subcommand};
use netdiag_tests::lab::owner::{self, Note};
use netdiag_tests::lab::settings::Settings;
use netdiag_tests::lab::{cgroup, cleanup, images, start, state};
use netdiag_tests::parts::Parts;
use netdiag_tests::progress::{say, show};
use netdiag_tests::{Cluster, command, netpol, root, tools};

/// A real Kubernetes cluster on this machine, for tests.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a cluster, or keep the one that is up with the same settings.
    Up(Settings),
    /// End and remove the cluster, whole or half started.
    Down {
        /// Also that of another checkout.
        #[arg(long)]
        force: bool,
    },
    /// Build the parts that the cache lacks.
    Build,
    /// Say what is running, or what is left behind.
    Status,
    /// Print the shell lines that point kubectl at the cluster.
    Env,
    /// Import an image archive into every node.
    Import { archive: PathBuf },
    /// Install the chart with the image of `make image`, unless it runs already.
    Agents,
    /// Enforce NetworkPolicies; `up` starts this.
    #[command(hide = true)]
    NetpolStandIn,
}

fn main() -> ExitCode {
    match run(Args::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("cluster: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Up(_) | Command::Down { .. } | Command::Import { .. } | Command::Agents
            if !root::is_root() =>
        {
            again_as_root()
        }
        Command::Up(settings) => up(&settings),
        Command::Down { force } => down(force),
        Command::Build => Parts::build().map(drop),
        Command::Status => status(),
        Command::Env => env(),
        Command::Import { archive } => import(&archive),
        Command::Agents => Cluster::with_agents().map(drop),
        Command::NetpolStandIn => netpol::run(),
    }
}

/// The parts are built before, by the user whose cache they go to.
fn again_as_root() -> Result<()> {
    tools::install()?;
    Parts::build()?;
    root::ask()?;
    let mut again = root::as_root(std::env::current_exe()?);
    again.args(std::env::args_os().skip(1));
    command::show(again)
}

fn up(settings: &Settings) -> Result<()> {
    tools::install()?;
    let begin = Instant::now();
    start::up(settings)?;
    say(&format!("cluster of {} nodes is up after {:.1?}", settings.nodes, begin.elapsed()));
    env()
}

fn down(force: bool) -> Result<()> {
    let _lock = owner::lock()?;
    if !force {
        owner::check()?;
    }
    cleanup::down()?;
    say("cluster is down, nothing is left");
    Ok(())
}

fn status() -> Result<()> {
    match Note::read() {
        Some(note) if note.ready => show(&format!(
            "cluster of {}: {:?}, {} processes",
            note.checkout.display(),
            note.settings,
            cgroup::processes().len()
        )),
        Some(note) => show(&format!("half a cluster of {}", note.checkout.display())),
        None => show("no cluster"),
    }
    for left in cleanup::leftovers()? {
        show(&format!("  {left}"));
    }
    Ok(())
}

fn env() -> Result<()> {
    show(&format!("export KUBECONFIG={}", state::kubeconfig().display()));
    show(&format!("export PATH={}:$PATH", Parts::build()?.folder("kubernetes").display()));
    Ok(())
}

fn import(archive: &std::path::Path) -> Result<()> {
    let note = Note::read().ok_or_else(|| anyhow::anyhow!("no cluster is up"))?;
    note.settings.numbers().try_for_each(|number| images::import(number, archive))
}
