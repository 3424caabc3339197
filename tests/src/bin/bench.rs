//! `make bench`: builds what is measured, then runs the benchmarks on a cluster.

use std::process::ExitCode;

use anyhow::Result;
use netdiag_tests::command::{command, show};
use netdiag_tests::environment::checkout;
use netdiag_tests::parts::Parts;
use netdiag_tests::progress::say;
use netdiag_tests::{build, root, tools};

fn main() -> ExitCode {
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Result<()> {
    tools::install()?;
    root::ask()?;
    Parts::build()?;
    build::plugin()?;
    build::image()?;
    // The engines alone, built as they are shipped.
    bench_of(&["-p", "netdiag-probe"])?;
    // Only the clock around other programs is ours: a build for release would measure the same.
    bench_of(&["-p", "netdiag-tests", "--profile", "dev"])
}

fn bench_of(flags: &[&str]) -> Result<()> {
    let mut cargo = command("cargo");
    cargo.current_dir(checkout()).arg("bench").args(flags);
    cargo.args(["--bench", "*"]).envs(root::cargo_runner());
    show(cargo)
}
