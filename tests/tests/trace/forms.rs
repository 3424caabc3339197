//! The same trace for programs: JSON, events, a graph to draw; and read back from a file.

use anyhow::Result;
use netdiag_tests::command::{command, feed};
use netdiag_tests::{Pair, turn};
use serde_json::Value;

#[test]
#[ignore = "needs a cluster: traces in every format"]
fn every_format_says_the_same() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let to = pair.server.target();
    let report: Value = pair.from_client(&format!("trace {to} -o json"))?.exits(0).json();
    assert_eq!((&report["kind"], &report["verdict"]), (&"TraceReport".into(), &"ok".into()));
    assert_eq!(report["trace"]["hops"][1]["answers"][0]["address"], "10.89.0.12");
    assert_eq!(report["trace"]["flows"][0]["end"]["kind"], "reached");
    let nodes = report["trace"]["graph"]["nodes"].as_array().map_or(0, Vec::len);
    assert_eq!(nodes, 4, "the source and three hops: {report:#}");

    let stream = pair.from_client(&format!("trace {to} -o ndjson"))?.exits(0);
    let last: Value = serde_json::from_str(stream.stdout.lines().last().unwrap_or_default())?;
    assert_eq!(last["kind"], "TraceReport");
    let events = |name: &str| stream.stdout.matches(&format!(r#""event":"{name}""#)).count();
    assert_eq!((events("started"), events("hop"), events("end")), (1, 3, 1));

    let verdict = pair.from_client(&format!("trace {to} -o verdict"))?.exits(0);
    assert!(verdict.stdout.starts_with("OK       reached in 3 hops, "), "{}", verdict.stdout);

    let mut render = pair.cluster.netdiag_command(["render", "-"])?;
    render.env("KUBECONFIG", "/nonexistent");
    let shown = feed(render, stream.stdout.as_bytes())?;
    println!("{shown}");
    assert!(shown.contains("OK       reached in 3 hops, "), "{shown}");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: draws a trace"]
fn graphviz_draws_it() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let graph = pair.from_client(&format!("trace {} -o dot", pair.server.target()))?.exits(0);
    println!("{}", graph.stdout);
    let mut dot = command("dot");
    dot.arg("-Tsvg");
    let drawn = feed(dot, graph.stdout.as_bytes())?;
    assert!(drawn.contains("<svg") && drawn.contains("10.89.0.12"), "{drawn}");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: walks eight flows"]
fn flows_that_agree_are_one_path() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let run = pair.from_client(&format!("trace {} --flows 8", pair.server.target()))?.exits(0);
    println!("{}", run.stdout);
    let _ = run.says("x8").says("\nOK       ");
    Ok(())
}
