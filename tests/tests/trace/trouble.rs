//! Paths that end early: dropped, forbidden, narrow, nobody there; and what trace says of each.

use std::time::Duration;

use anyhow::{Result, ensure};
use netdiag_tests::lab::addresses;
use netdiag_tests::{Cluster, Fault, Node, Pair, turn, wait};
use serde_json::Value;

#[test]
#[ignore = "needs a cluster: drops packets on a node"]
fn a_path_that_dies_behind_the_last_node_says_so() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let rule = format!("ip daddr {} drop", pair.server.ip());
    let _fault = Fault::rule(&pair.cluster, Node::Second, &rule)?;
    let (far, to) = (&pair.server.node, pair.server.target());
    let run = pair.from_client(&format!("trace {to}"))?.exits(1);
    println!("{}", run.stdout);
    let run = run.says("\n3-30  *  ").says(" silence\n");
    let claim = format!(
        "\nFAIL     ND0303  the path ends after hop 2, {far}, the pod's own node; no answer from {to}\n"
    );
    let run = run.says(&claim).says("  seen   3 datagrams to each of 28 further hops, waited ");
    let report: Value = pair.from_client(&format!("trace {to} -o json"))?.exits(1).json();
    assert_eq!(report["findings"][0]["code"], "ND0303");
    assert_eq!(report["trace"]["flows"][0]["end"]["kind"], "silence");
    assert_eq!(report["trace"]["flows"][0]["end"]["afterTtl"], 2);
    drop(run);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: rejects packets on a node"]
fn who_forbids_it_is_a_row_and_the_verdict() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let (far, ip) = (&pair.server.node, pair.server.ip());
    let rule = format!("ip daddr {ip} reject with icmp type admin-prohibited");
    let _fault = Fault::rule(&pair.cluster, Node::Second, &rule)?;
    for flag in ["-U", "-T", "-I"] {
        // A client that was not traced from yet: each has its own share of what a router says.
        let client = pair.cluster.pod(&format!("client{}", flag.to_lowercase())).on(Node::First);
        let from = client.start()?.target();
        let run = pair.cluster.netdiag(["trace", &ip.to_string(), flag, "--from", &from])?.exits(1);
        println!("{}", run.stdout);
        let run = run.says(&format!("{far}: rejected, administratively prohibited\n"));
        let _ = run.says(&format!("\nFAIL     ND0304  rejected by {far} at hop 3: "));
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: drops what a router says"]
fn a_silent_middle_hop_is_no_finding() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let _fault = Fault::rule(
        &pair.cluster,
        Node::First,
        "ip saddr 10.89.0.12 icmp type time-exceeded drop",
    )?;
    let run = pair.from_client(&format!("trace {}", pair.server.target()))?.exits(0);
    println!("{}", run.stdout);
    let run = run.says("*  ").says("does not answer; later hops do\n");
    let _ = run.says("\nOK       reached in 3 hops, ");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: denies what comes in"]
fn a_policy_that_denies_looks_like_a_path_that_ends() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let client = cluster.pod("client").on(Node::First).start()?;
    let server = cluster.pod("server").on(Node::Second).distroless(8080).start()?;
    cluster.apply(&format!(
        "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, \
         metadata: {{name: deny, namespace: {}}}, \
         spec: {{podSelector: {{matchLabels: {{app: server}}}}, policyTypes: [Ingress]}}}}",
        cluster.namespace()
    ))?;
    let (from, to) = (client.target(), server.target());
    wait::until("the policy holds", Duration::from_secs(20), || {
        let run = cluster.netdiag(["ping", &to, "--from", &from, "-c", "1", "-W", "0.2"])?;
        ensure!(run.code == Some(1), "{}", run.stdout);
        Ok(())
    })?;
    let run = cluster.netdiag(["trace", &to, "--from", &from])?.exits(1);
    println!("{}", run.stdout);
    // The stand-in drops on every node, so already on the source's.
    let _ = run.says("\nFAIL     ND0303  the path ends after hop 1, node-1, ").says("  unless ");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: traces to an address that nobody has"]
fn nobody_home_is_heard_from_the_last_router() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let nobody = addresses::pods(Node::Second.number()).replace(".0/24", ".250");
    let run = pair.from_client(&format!("trace {nobody} -T -w 4"))?.exits(1);
    println!("{}", run.stdout);
    let _ = run.says(&format!("\nFAIL     ND0304  rejected by {} at hop 3: ", pair.server.node));
    Ok(())
}

#[test]
#[ignore = "needs a cluster: narrows a route of a node"]
fn a_narrow_link_is_found_and_named() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let (near, ip) = (&pair.client.node, pair.server.ip());
    let via = addresses::node(Node::Second.number());
    let _fault = Fault::route(&pair.cluster, Node::First, &format!("{ip}/32 via {via} mtu 1200"))?;
    let run = pair.from_client(&format!("trace {} --mtu", pair.server.target()))?;
    println!("{}", run.stdout);
    let run = run.says("\nHOP  ADDRESS ").says(" PASSES  WHAT\n").says("  1200  ");
    assert!(run.stdout.contains(near.as_str()), "{}", run.stdout);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: drops large packets on a node"]
fn a_black_hole_for_large_packets_is_found_to_the_byte() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let rule = format!("ip daddr {} meta length > 1300 drop", pair.server.ip());
    let _fault = Fault::rule(&pair.cluster, Node::Second, &rule)?;
    let run = pair.from_client(&format!("trace {} --mtu", pair.server.target()))?.exits(1);
    println!("{}", run.stdout);
    let run = run.says("\nFAIL     ND0306  MTU black hole between ");
    let _ = run.says(": 1300 bytes pass, 1301 are lost in silence\n");
    Ok(())
}
