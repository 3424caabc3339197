//! One document, whatever it is written in.

use anyhow::{Context, Result};
use netdiag_tests::{Pair, turn};
use serde_json::Value;

#[test]
#[ignore = "needs a cluster: connects between two nodes"]
fn json_ndjson_and_verdict_tell_the_same() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let connect = |form| pair.from_client(&format!("connect {}:8081 {form}", pair.server.target()));
    let json: Value = connect("--count 3 --interval 0.01 -o json")?.exits(1).json();
    let outcomes: Vec<&Value> = json["connect"]["attempts"]
        .as_array()
        .context("no attempts")?
        .iter()
        .map(|attempt| &attempt["outcome"])
        .collect();
    assert_eq!(outcomes, ["refused"; 3]);
    assert_eq!((&json["kind"], &json["verdict"]), (&"ConnectReport".into(), &"fail".into()));
    assert_eq!(json["findings"][0]["code"], "ND0602");
    assert_eq!(json["target"]["port"], 8081);
    let ndjson = connect("-o ndjson")?.exits(1).stdout;
    let lines: Vec<Value> = ndjson.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let events: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!(events, ["accepted", "started", "attempt", "end"]);
    assert_eq!(lines.last().context("no line")?["kind"], "ConnectReport");
    let verdict = connect("-o verdict")?.exits(1).stdout;
    assert!(verdict.starts_with("FAIL     ND0602  refused by "), "{verdict}");
    assert_eq!(verdict.lines().count(), 1, "{verdict}");
    assert_eq!(connect("--quiet")?.exits(1).stdout, "");
    Ok(())
}
