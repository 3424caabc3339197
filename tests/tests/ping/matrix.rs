//! Echoes between all nodes, and to one target from all of them.

use anyhow::Result;
use netdiag_tests::{Fault, Node, Pair, turn};
use serde_json::Value;

#[test]
#[ignore = "needs a cluster: drops a node's replies"]
fn every_node_is_asked_from_every_node() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let netdiag = |line: &str| pair.cluster.netdiag(line.split_whitespace());
    let (one, two) = (pair.client.node.clone(), pair.server.node.clone());
    let head = "2 nodes (each from its own namespace) -> each other\n";
    let run = netdiag("ping nodes")?.exits(0).says(head).says(&format!("FROM    {one}"));
    let _ = run.says("\nOK       all 2 pairs answer each echo; slowest ");
    let report: Value = netdiag("ping nodes -o json")?.exits(0).json();
    assert_eq!(report["kind"], "PingMatrixReport", "{report}");
    for item in report["items"].as_array().into_iter().flatten() {
        assert_eq!(item["pings"][0]["ping"]["replied"], 3, "{report}");
    }

    let to = pair.server.target();
    let run = netdiag(&format!("ping {to} --from nodes"))?.exits(0);
    let run = run.says(&format!("2 nodes (each from its own namespace) -> {to} ("));
    let _ = run.says("\nOK       all 2 pairs answer each echo; slowest ");
    let run = netdiag(&format!("ping nodes --from {}", pair.client.target()))?.exits(0);
    let _ = run.says(" -> 2 nodes\n").says("\nOK       all 2 pairs answer each echo; slowest ");

    let _fault = Fault::of_node(&pair.cluster, Node::Second, "icmp type echo-reply drop")?;
    let run = netdiag("ping nodes")?.exits(1);
    let claim = format!("\nFAIL     ND0302  1 of 2 pairs: silence: {one} -> {two}\n");
    let run = run.says(&claim).says(&format!("  seen   {two} -> {one} is answered: "));
    let _ = run.says(&format!("  next   kubectl netdiag trace node/{two} --from node/{one}\n"));
    Ok(())
}

#[test]
#[ignore = "needs a cluster: is refused by it"]
fn what_is_no_matrix_is_refused() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    for (line, error) in [
        (
            "ping nodes --from local",
            "ND0030  --from local: nodes are asked from nodes, or from a pod",
        ),
        ("trace node/x --from nodes", "ND0030  --from nodes: only ping asks from every node"),
        ("ping nodes -6", "no node has an address of that family"),
        ("ping pod/gone --from nodes", "ND0020  no pod \"gone\" in "),
    ] {
        let run = pair.cluster.netdiag(line.split_whitespace())?.exits(2);
        assert!(run.stderr.contains(error), "{line}: {}", run.stderr);
    }
    Ok(())
}
