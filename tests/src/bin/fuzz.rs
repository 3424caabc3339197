//! The fuzz targets, each for a while: `fuzz --seconds 60`, `fuzz --only 4`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use netdiag_tests::fuzz::{Programs, TARGETS, run};
use netdiag_tests::progress::say;

/// Runs the fuzz targets.
#[derive(Parser)]
struct Args {
    /// For each target.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Only the target of this number.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=16))]
    only: Option<u8>,
}

fn main() -> ExitCode {
    match fuzz(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("fuzz: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn fuzz(args: &Args) -> Result<()> {
    let time = Duration::from_secs(args.seconds);
    let programs = Programs::build()?;
    for target in TARGETS.iter().filter(|target| args.only.is_none_or(|only| only == target.number))
    {
        let (number, name) = (target.number, target.name);
        let tried =
            run(&programs, target, time).with_context(|| format!("target {number}, {name}"))?;
        say(&format!(
            "{number:2} {name}: {} tests, {} runs, {} inputs each, {:.0} s",
            tried.properties,
            tried.runs,
            tried.cases,
            tried.took.as_secs_f32()
        ));
    }
    Ok(())
}
