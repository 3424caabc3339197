//! Every kind of path through the pod network: who is on it, and that it is the one traceroute sees.

use anyhow::Result;
use netdiag_tests::{Cluster, Netns, Node, Pair, turn};
use serde_json::Value;

use crate::beside::{self, Hops};

#[test]
#[ignore = "needs a cluster: traces between two nodes"]
fn across_nodes_each_router_is_named() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let (near, far) = (&pair.client.node, &pair.server.node);
    let (from, to) = (pair.client.target(), pair.server.target());
    for (flags, means, what) in [("-U", "UDP", ""), ("-T", "TCP", ": refused"), ("-I", "ICMP", "")]
    {
        let run = pair.from_client(&format!("trace {to} {flags}"))?.exits(0);
        println!("{}", run.stdout);
        let header = run.stdout.lines().next().unwrap_or_default();
        assert!(header.starts_with(&format!("{from} ({}, {near}) -> {to}", pair.client.ip())));
        assert!(header.ends_with(&format!(", {far}), {means}")), "{header}");
        let run = run.says(&format!(" {near}, gateway of its pods\n"));
        let run = run.says(&format!(" {far}\n")).says(&format!(" {to}{what}\n"));
        let _ = run.says("\nOK       reached in 3 hops, ");
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: traces to a pod that declares a port"]
fn a_declared_port_is_traced_by_tcp() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let client = cluster.pod("client").on(Node::First).start()?;
    let server = cluster.pod("server").on(Node::Second).distroless(8080).start()?;
    let (from, to) = (client.target(), server.target());
    let header = format!("-> {to}:8080 ({}, {}), TCP\n", server.ip(), server.node);
    for target in [to.clone(), format!("{to}:http"), format!("{to}:8080")] {
        let run = cluster.netdiag(["trace", &target, "--from", &from])?.exits(0);
        println!("{}", run.stdout);
        let _ = run.says(&header).says("\nOK       reached in 3 hops, ");
    }
    let by_address = format!("{}:8080", server.ip());
    let run = cluster.netdiag(["trace", &by_address, "--from", &from])?.exits(0);
    let _ = run.says(", TCP\n").says("reached in 3 hops");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: traces on one node"]
fn on_one_bridge_no_node_is_in_between() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let client = cluster.pod("client").on(Node::First).start()?;
    let server = cluster.pod("server").on(Node::First).start()?;
    let (from, to) = (client.target(), server.target());
    let run = cluster.netdiag(["trace", &to, "--from", &from])?.exits(0);
    println!("{}", run.stdout);
    let run = run.says("(same bridge: no node in between)\n");
    let _ = run.says("\nOK       reached in 1 hop, ");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: traces to and from nodes"]
fn nodes_are_ends_too() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let (near, far) = (format!("node/{}", pair.client.node), format!("node/{}", pair.server.node));
    let (client, server) = (pair.client.target(), pair.server.target());
    for (from, to, hops) in [
        (&client, &near, "1 hop"),
        (&client, &far, "2 hops"),
        (&near, &server, "2 hops"),
        (&near, &far, "1 hop"),
        (&far, &server, "1 hop"),
    ] {
        let run = pair.cluster.netdiag(["trace", to, "--from", from])?.exits(0);
        println!("{}", run.stdout);
        let _ = run.says(&format!("\nOK       reached in {hops}, "));
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: runs traceroute in a pod's network"]
fn it_is_the_path_that_traceroute_sees() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let inside = Netns::of_pod(&pair.client)?;
    let to = pair.server.ip().to_string();
    for flag in ["-U", "-T", "-I"] {
        let ours: Value = pair
            .from_client(&format!("trace {to} {flag} -p 8080 -o json").replace("-I -p 8080", "-I"))?
            .json();
        let theirs = inside.run(|| beside::traceroute(&to, flag))?;
        println!("{flag}: {theirs:?}");
        let ours = Hops::of_report(&ours);
        assert!(ours.cover(&theirs), "{flag}: {ours:?}");
    }
    Ok(())
}
