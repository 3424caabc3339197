//! `make test`: everything that CI does, tier by tier, stopping at the first that fails; and
//! `make test-long`, which nothing waits for.

use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use netdiag_tests::command::{command, show};
use netdiag_tests::environment::{checkout, program};
use netdiag_tests::parts::Parts;
use netdiag_tests::progress::say;
use netdiag_tests::{build, root, tools};
use sha2::{Digest, Sha256};

/// Checks, tests and builds the whole project.
#[derive(Parser)]
struct Args {
    /// Only this tier, and what it needs.
    #[arg(long, value_enum)]
    only: Option<Tier>,
    /// What takes too long for every change, and nothing else.
    #[arg(long, conflicts_with = "only")]
    long: bool,
}

/// The tiers, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Tier {
    /// Formatting, clippy, licences and sources of dependencies.
    Lint,
    /// Unit tests, and those in throwaway network namespaces.
    Unit,
    /// The fuzz targets, 5 s each: their corpus, and as many new inputs as come in that time.
    Fuzz,
    /// The agent's image, the plugin, the parts of the cluster.
    Build,
    /// The end-to-end tests, on a cluster that is started for them.
    Cluster,
    /// Starting, crashing and stopping clusters of every shape.
    Lifecycle,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = if args.long { long() } else { run(args.only) };
    match done {
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
            Self::Fuzz => fuzz(5),
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

/// `make test-long`.
fn long() -> Result<()> {
    fuzz(20 * 60)?;
    show(command(program("sbom")?))?;
    same_image_twice()
}

/// T30: who builds the image anew gets the bytes that were published. Compiled twice from nothing, in
/// folders of different names.
fn same_image_twice() -> Result<()> {
    let digest = |name: &str| -> Result<String> {
        let folder = tempfile::Builder::new().prefix(name).tempdir()?;
        let image = std::fs::read(build::image_in(folder.path())?)?;
        Ok(Sha256::digest(image).iter().map(|byte| format!("{byte:02x}")).collect())
    };
    let [one, other] = [digest("one-")?, digest("another-one-")?];
    say(&format!("the image is {one} and {other}"));
    ensure!(one == other, "the same source built twice makes two images");
    Ok(())
}

fn fuzz(seconds: u64) -> Result<()> {
    let mut fuzz = command(program("fuzz")?);
    fuzz.args(["--seconds", &seconds.to_string()]);
    show(fuzz)
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
