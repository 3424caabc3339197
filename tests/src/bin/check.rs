//! `make test`: everything that CI does, tier by tier, stopping at the first that fails.

use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use netdiag_tests::command::{command, show};
use netdiag_tests::environment::{checkout, program};
use netdiag_tests::parts::Parts;
use netdiag_tests::progress::say;
use netdiag_tests::{build, root, tools};

/// Checks, tests and builds the whole project.
#[derive(Parser)]
struct Args {
    /// Only this tier, and what it needs.
    #[arg(long, value_enum)]
    only: Option<Tier>,
}

/// The tiers, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Tier {
    /// Formatting, clippy, licences and sources of dependencies.
    Lint,
    /// Unit tests, and those in throwaway network namespaces.
    Unit,
    /// The agent's image, the plugin, the parts of the cluster.
    Build,
    /// The end-to-end tests, on a cluster that is started for them.
    Cluster,
    /// Starting, crashing and stopping clusters of every shape.
    Lifecycle,
}

fn main() -> ExitCode {
    match run(Args::parse().only) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("FAILED: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(only: Option<Tier>) -> Result<()> {
    let mut done = Vec::new();
    if only != Some(Tier::Lint) {
        tools::install()?;
        root::ask()?;
    }
    for &tier in Tier::value_variants() {
        if only.is_some_and(|only| only != tier) {
            continue;
        }
        say(&format!("== {tier:?}"));
        let begin = Instant::now();
        let outcome = tier.run();
        done.push(format!("{tier:?} {:.0} s", begin.elapsed().as_secs_f32()));
        outcome.with_context(|| format!("{tier:?} (so far: {})", done.join(", ")))?;
    }
    say(&format!("passed: {}", done.join(", ")));
    Ok(())
}

impl Tier {
    fn run(self) -> Result<()> {
        match self {
            Self::Lint => lint(),
            Self::Unit => test("test --workspace --no-fail-fast"),
            Self::Build => {
                Parts::build()?;
                build::plugin()?;
                build::image().map(drop)
            }
            Self::Cluster => {
                cluster("up")?;
                let outcome = test("test -p netdiag-tests --no-fail-fast -- --ignored");
                cluster("down")?;
                outcome
            }
            Self::Lifecycle => test("test -p netdiag-tests --test lifecycle"),
        }
    }
}

fn lint() -> Result<()> {
    cargo("fmt --all --check")?;
    cargo("clippy --workspace --all-targets -- -D warnings")?;
    let mut deny = command(tools::cargo_deny()?);
    deny.current_dir(checkout()).args(["check", "licenses", "bans", "sources"]);
    show(deny)
}

fn cargo(line: &str) -> Result<()> {
    show(cargo_command(line))
}

/// Tests are built by this user and run by root.
fn test(line: &str) -> Result<()> {
    let mut cargo = cargo_command(line);
    cargo.envs(root::cargo_runner());
    show(cargo)
}

fn cargo_command(line: &str) -> Command {
    let mut cargo = command("cargo");
    cargo.current_dir(checkout()).args(line.split_whitespace());
    cargo
}

fn cluster(verb: &str) -> Result<()> {
    let mut cluster = root::as_root(program("cluster")?);
    cluster.arg(verb);
    show(cluster)
}
