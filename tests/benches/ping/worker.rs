//! How long a worker takes to start, on the cluster, by what front and worker write anyway.

use std::time::Duration;

use anyhow::{Context, Result};
use netdiag_tests::command::finish;
use netdiag_tests::{Cluster, Pod};
use serde_json::Value;

/// From the audit line before the order to the worker's first event: the broker's search and fork,
/// entering, opening, dropping, the cage.
pub(crate) fn start(cluster: &Cluster, source: &Pod, target: &Pod) -> Result<Duration> {
    let (from, to) = (source.target(), target.ip().to_string());
    let words = ["ping", &to, "-c", "1", "--from", &from, "-o", "ndjson"];
    let stream = finish(cluster.netdiag_command(words)?)?;
    let lines: Vec<Value> = stream
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .context(words.join(" "))?;
    let [accepted, first, ..] = &lines[..] else { anyhow::bail!("too few events: {stream}") };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let ordered = audited(cluster, &text(&accepted["agent"]), &text(&accepted["probeId"]))?;
    between(&ordered, &text(&first["at"])).with_context(|| format!("{ordered} and {first}"))
}

/// When the start of this probe was written.
fn audited(cluster: &Cluster, agent: &str, probe: &str) -> Result<String> {
    let words = ["logs", "-n", "netdiag", agent, "-c", "front", "--tail=50"];
    let log = cluster.kubectl(words)?;
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut starts = lines.filter(|line| line["audit"] == "start" && line["probeId"] == probe);
    let start = starts.next().with_context(|| format!("no audit line of {probe}: {log}"))?;
    Ok(start["time"].as_str().context("a line without time")?.to_owned())
}

/// Two instants of one minute or of two that follow each other: what counts is under a second.
fn between(earlier: &str, later: &str) -> Result<Duration> {
    let seconds = |text: &str| -> Result<f64> {
        let clock = text.trim_end_matches('Z').rsplit('T').next().context("no clock time")?;
        clock.split(':').try_fold(0.0, |sum, part| Ok(sum * 60.0 + part.parse::<f64>()?))
    };
    let difference = seconds(later)? - seconds(earlier)?;
    Ok(Duration::try_from_secs_f64(difference.rem_euclid(86_400.0))?)
}
