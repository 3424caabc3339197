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

    /// Whether both are as long, and whoever answered the other answered here too: a router that
    /// has said enough for this second is silent to either of them.
    pub(crate) fn cover(&self, other: &Self) -> bool {
        let pairs = || self.0.iter().zip(&other.0);
        self.0.len() == other.0.len() && pairs().all(|(ours, theirs)| ours.is_superset(theirs))
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
