//! `kubectl netdiag`: parses, runs and is the only place that reads the environment, holds stdout
//! and exits.

mod args;
mod code;
mod diagnose;
mod explain;
mod finding;
mod render;
fn main() {}
