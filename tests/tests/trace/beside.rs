//! Who answered at which distance, as netdiag and as traceroute have it.

use std::collections::BTreeSet;

use anyhow::Result;
use netdiag_tests::command::{command, finish};
use serde_json::Value;

/// The addresses that answered at each TTL, from 1.
#[derive(Debug, PartialEq)]
pub(crate) struct Hops(Vec<BTreeSet<String>>);

impl Hops {
    /// Of a `TraceReport`.
    pub(crate) fn of_report(report: &Value) -> Self {
        let hops = report["trace"]["hops"].as_array().into_iter().flatten();
        let addresses = |hop: &Value| {
            let answers = hop["answers"].as_array().into_iter().flatten();
            answers.filter_map(|answer| Some(answer["address"].as_str()?.to_owned())).collect()
        };
        Self(hops.map(addresses).collect())
    }
}

/// Asks one hop at a time, so that no rate limit of a router's silences it.
pub(crate) fn traceroute(to: &str, flag: &str) -> Result<Hops> {
    let mut traceroute = command("traceroute");
    traceroute.args(["-n", flag, "-q", "1", "-N", "1", "-w", "2", "-m", "8", to]);
    let said = finish(traceroute)?;
    let hop = |line: &str| {
        let words = line.split_whitespace().skip(1);
        words.filter(|word| word.parse::<std::net::IpAddr>().is_ok()).map(Into::into).collect()
    };
    Ok(Hops(said.lines().skip(1).map(hop).collect()))
}
