//! One binary, three processes: which one this is, its first argument says.

use std::process::ExitCode;

fn main() -> ExitCode {
    netdiag_agent::run(std::env::args_os())
}
