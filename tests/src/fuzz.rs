//! The fuzz targets: which tests they are, and running them for a while.
//!
//! Each is a property over bytes beside the code that reads them, with a corpus in `CRATE/fuzz/`,
//! on proptest: it needs neither nightly nor a sanitizer, and says the smallest input that fails.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::command::{command, finish};
use crate::environment::checkout;

/// Tests of one crate, by what their names begin with.
pub struct Tests {
    pub of: &'static str,
    pub named: &'static [&'static str],
}

/// One reader of hostile bytes.
pub struct Target {
    pub number: u8,
    pub name: &'static str,
    pub tests: &'static [Tests],
}

const AGENT: &str = "-p netdiag-agent --lib";
const PROBE: &str = "-p netdiag-probe --lib";
const PLUGIN: &str = "-p kubectl-netdiag --bin kubectl-netdiag";
const WIRE: &str = "-p netdiag-wire --lib";
const HTTP: &str = "-p netdiag-http --test exchange";

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

/// Replays the corpus and tries new inputs until the time is up; at least one run of each test.
pub fn run(target: &Target, time: Duration) -> Result<Tried> {
    let mut tried = Tried { runs: 0, cases: 0, properties: 0, took: Duration::ZERO };
    let share = time / target.tests.len() as u32;
    for tests in target.tests {
        finish(cargo(tests, &["--no-run"]))?;
        let begin = Instant::now();
        // proptest's own default, as `make test` has it.
        let mut cases = 256_u64;
        let mut properties = 0;
        loop {
            let run = Instant::now();
            properties = properties.max(once(tests, cases)?);
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
fn once(tests: &Tests, cases: u64) -> Result<u32> {
    let mut cargo = cargo(tests, &["--"]);
    cargo.args(tests.named);
    cargo.env("PROPTEST_CASES", cases.to_string()).env("RUST_BACKTRACE", "0");
    let said = finish(cargo)?;
    let passed = said
        .lines()
        .find_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse().ok())
        .with_context(|| format!("no result of {}", tests.of))?;
    if passed == 0 {
        bail!("{} {:?}: no such test", tests.of, tests.named);
    }
    Ok(passed)
}

fn cargo(tests: &Tests, words: &[&str]) -> Command {
    let mut cargo = command("cargo");
    cargo.current_dir(checkout()).args(["test", "--quiet"]).args(tests.of.split(' ')).args(words);
    cargo
}
