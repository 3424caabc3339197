//! Writes `target/image/netdiag-agent.tar`.

use std::process::ExitCode;

use netdiag_tests::build;
use netdiag_tests::progress::{say, show};

fn main() -> ExitCode {
    match build::image() {
        Ok(path) => {
            show(&path.display().to_string());
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&format!("image: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
