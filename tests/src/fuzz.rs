//! The fuzz targets: which tests they are, and running them for a while.
//!
//! Each is a property over bytes beside the code that reads them, with a corpus in `CRATE/fuzz/`,
//! on proptest: it needs neither nightly nor a sanitizer, and says the smallest input that fails.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command::{command, finish};
use crate::environment::checkout;

/// Tests of one program of tests, by what their names begin with.
pub struct Tests {
    /// Its crate's folder and its own name.
    pub of: &'static str,
    pub named: &'static [&'static str],
}

/// One reader of hostile bytes.
pub struct Target {
    pub number: u8,
    pub name: &'static str,
    pub tests: &'static [Tests],
}

const AGENT: &str = "agent/netdiag_agent";
const PROBE: &str = "probe/netdiag_probe";
const PLUGIN: &str = "kubectl-netdiag/kubectl-netdiag";
const WIRE: &str = "wire/netdiag_wire";
const HTTP: &str = "http/exchange";

const fn of(of: &'static str, named: &'static [&'static str]) -> Tests {
    Tests { of, named }
}

const fn target(number: u8, name: &'static str, tests: &'static [Tests]) -> Target {
    Target { number, name, tests }
}

/// In the order of the threat model's list.
pub const TARGETS: [Target; 16] = [
    target(1, "cgroup lines to a pod's UID", &[of(AGENT, &["broker::cgroup"])]),
    target(
        2,
        "/proc of a process, fdinfo, counters",
        &[
            of(AGENT, &["broker::process::fuzz"]),
            of(
                PROBE,
                &[
                    "sockets::processes::descriptors::tests::a",
                    "sockets::processes::named::tests::a",
                ],
            ),
            of(PROBE, &["sockets::counters::tests::whatever"]),
        ],
    ),
    target(3, "resolv.conf and hosts", &[of(PROBE, &["dns::resolv_conf", "dns::hosts"])]),
    target(4, "DNS messages", &[of(PROBE, &["dns::hostile::corpus"])]),
    target(5, "ICMP errors to the probe they quote", &[of(PROBE, &["packet::probe::b6"])]),
    target(
        6,
        "packets and segments",
        &[of(PROBE, &["packet::hostile", "packet::syn", "packet::saved_syn"])],
    ),
    target(7, "netlink answers", &[of(PROBE, &["sockets::hostile", "sockets::inet"])]),
    target(8, "heads of HTTP answers", &[of(HTTP, &["heads::"])]),
    target(9, "certificates and OCSP", &[of(PLUGIN, &["certificates::hostile"])]),
    target(10, "requests as JSON", &[of(AGENT, &["front::body"])]),
    target(11, "shapes of tokens", &[of(AGENT, &["front::token::fuzz"])]),
    target(12, "where may be sent", &[of(AGENT, &["worker::destination::spellings"])]),
    target(13, "frames from front to broker", &[of(AGENT, &["ipc::frame"])]),
    target(
        14,
        "streams from worker to front to plugin",
        &[
            of(AGENT, &["frames::", "front::head"]),
            of(WIRE, &["frame::"]),
            of(PLUGIN, &["saved::fuzz"]),
        ],
    ),
    target(
        15,
        "everything printed",
        &[of(WIRE, &["untrusted::"]), of(PLUGIN, &["render::hostile::b10_any"])],
    ),
    target(16, "audit lines", &[of(AGENT, &["front::audit::fuzz"])]),
];

/// What a target's run came to.
pub struct Tried {
    /// Runs of every test of the target; the corpus was replayed as often.
    pub runs: u32,
    /// Inputs that proptest was asked for of each property.
    pub cases: u64,
    pub properties: u32,
    pub took: Duration,
}

/// The programs of tests of the whole workspace, by folder and name. Compiled as `cargo test
/// --workspace` compiles them: one crate alone has fewer features of what it depends on, and would
/// be compiled once more with all that it uses.
pub struct Programs(BTreeMap<String, PathBuf>);

impl Programs {
    pub fn build() -> Result<Self> {
        let mut cargo = command("cargo");
        cargo.current_dir(checkout());
        cargo.args(["test", "--workspace", "--no-run", "--quiet", "--message-format=json"]);
        let said = finish(cargo)?;
        let messages = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Ok(Self(messages.filter_map(|message| built(&message)).collect()))
    }

    fn command(&self, tests: &Tests) -> Result<Command> {
        let program = self.0.get(tests.of).with_context(|| format!("no tests {}", tests.of))?;
        let (folder, _) = tests.of.split_once('/').context("FOLDER/NAME")?;
        let mut command = command(program);
        command.current_dir(checkout().join(folder));
        Ok(command)
    }
}

/// What one message of cargo's says was built, if it is a program of tests.
fn built(message: &Value) -> Option<(String, PathBuf)> {
    if message["profile"]["test"] != true {
        return None;
    }
    let folder = Path::new(message["manifest_path"].as_str()?).parent()?.file_name()?;
    let name = format!("{}/{}", folder.to_str()?, message["target"]["name"].as_str()?);
    Some((name, message["executable"].as_str()?.into()))
}

/// Replays the corpus and tries new inputs until the time is up; at least one run of each test.
pub fn run(programs: &Programs, target: &Target, time: Duration) -> Result<Tried> {
    let mut tried = Tried { runs: 0, cases: 0, properties: 0, took: Duration::ZERO };
    let share = time / target.tests.len() as u32;
    for tests in target.tests {
        let begin = Instant::now();
        // proptest's own default, as `make test` has it.
        let mut cases = 256_u64;
        let mut properties = 0;
        loop {
            let run = Instant::now();
            properties = properties.max(once(programs, tests, cases)?);
            tried.runs += 1;
            tried.cases += cases;
            if begin.elapsed() + run.elapsed() >= share {
                break;
            }
            if run.elapsed() * 3 < share.saturating_sub(begin.elapsed()) {
                cases *= 2;
            }
        }
        tried.properties += properties;
        tried.took += begin.elapsed();
    }
    Ok(tried)
}

/// How many tests passed; a failure shows what proptest found.
fn once(programs: &Programs, tests: &Tests, cases: u64) -> Result<u32> {
    let mut program = programs.command(tests)?;
    program.arg("--quiet").args(tests.named);
    program.env("PROPTEST_CASES", cases.to_string()).env("RUST_BACKTRACE", "0");
    let said = finish(program)?;
    let passed = said
        .lines()
        .find_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse().ok())
        .with_context(|| format!("no result of {}", tests.of))?;
    if passed == 0 {
        bail!("{} {:?}: no such test", tests.of, tests.named);
    }
    Ok(passed)
}
