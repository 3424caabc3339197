//! What a network does to echoes, made on the nodes' own forwarding, and what ping says of it.

use anyhow::Result;
use netdiag_tests::{Fault, Node, Pair, lab::addresses, turn};
use serde_json::Value;

#[test]
#[ignore = "needs a cluster: drops packets on a node"]
fn one_echo_in_five_is_lost() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let echoes = format!("ip daddr {} icmp type echo-request", pair.server.ip());
    let rule = format!("{echoes} numgen inc mod 5 == 4 drop");
    let _fault = Fault::rule(&pair.cluster, Node::First, &rule)?;
    let run = pair.ping("-c 50 -i 0.02 -W 0.5")?.exits(0);
    println!("{}", run.stdout);
    let run = run.says("\nWARN     ND0301  10 of 50 echoes lost (20 %)\n");
    let run = run.says("\n  seen   lost icmp_seq 5, 10, 15, 20, 25, 30, 35, 40, 45, 50\n");
    let run = run.says(" ms over the 40 in time\n").says("\nsilence: icmp_seq=5, waited 0.5");
    assert_eq!(run.stdout.matches("64 bytes from").count(), 40);
    let run = pair.ping("-c 10 -i 0.02 -W 0.5 --fail-on warn -o json")?.exits(1);
    let report: Value = run.json();
    assert_eq!(report["verdict"], "warn");
    assert_eq!(report["ping"]["lostSeqs"], serde_json::json!([5, 10]));
    Ok(())
}

#[test]
#[ignore = "needs a cluster: rejects packets on a node"]
fn a_rejection_says_by_whom_and_why() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let far = &pair.server.node;
    for (kind, line, claim) in [
        (
            "admin-prohibited",
            "administratively prohibited",
            "a filter there forbids it (prohibited)",
        ),
        ("port-unreachable", "port unreachable", "a rule there rejects echoes (port unreachable)"),
        ("net-unreachable", "net unreachable", "it has no route to SERVER"),
        (
            "host-unreachable",
            "host unreachable",
            "it says SERVER cannot be reached (host unreachable, at once)",
        ),
    ] {
        let ip = pair.server.ip().to_string();
        let rule = format!("ip daddr {ip} icmp type echo-request reject with icmp type {kind}");
        let _fault = Fault::rule(&pair.cluster, Node::Second, &rule)?;
        let run = pair.ping("-c 1")?.exits(1);
        println!("{}", run.stdout);
        let run = run.says(&format!("\nrejected: icmp_seq=1 {line} after "));
        let claim = claim.replace("SERVER", &ip);
        let _ = run.says(&format!("\nFAIL     ND0304  rejected by {far}: {claim}\n"));
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: drops packets on a node"]
fn silence_is_waited_for_as_long_as_was_asked() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let rule = format!("ip daddr {} icmp type echo-request drop", pair.server.ip());
    let _fault = Fault::rule(&pair.cluster, Node::Second, &rule)?;
    let run = pair.ping("-c 2 -i 0.2 -W 0.2")?.exits(1);
    println!("{}", run.stdout);
    let run =
        run.says("\nsilence: icmp_seq=1, waited 0.2").says("\nsilence: icmp_seq=2, waited 0.2");
    let run = run.says(
        "\nFAIL     ND0302  silence: 0 of 2 echoes replied, and nobody on the way said why\n",
    );
    let (server, far) = (pair.server.target(), &pair.server.node);
    let next = format!("\n  next   kubectl netdiag ping {server} --from node/{far} -c 3\n");
    let _ = run
        .says("\n  seen   the pod runs: Ready because it has no readinessProbe (Pod, ")
        .says(&next);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: narrows a route of a node"]
fn a_narrow_link_says_how_narrow() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let (near, ip) = (&pair.client.node, pair.server.ip());
    let via = addresses::node(Node::Second.number());
    let route = format!("{ip}/32 via {via} mtu 1200");
    let _fault = Fault::route(&pair.cluster, Node::First, &route)?;
    let run = pair.ping("-c 1 --df --size 1300")?.exits(1);
    println!("{}", run.stdout);
    let run = run.says("\nrejected: icmp_seq=1 fragmentation needed (MTU 1200) after ");
    let run = run.says(&format!(
        "\nFAIL     ND0304  rejected by {near}: its next link takes 1200 bytes, and --df forbids fragments\n"
    ));
    let next = format!(
        "\n  next   kubectl netdiag ping {} --from {} --df --size 1172\n",
        pair.server.target(),
        pair.client.target()
    );
    let _ = run.says(&next);
    let _ = pair.ping("-c 1 --df --size 1172")?.exits(0);
    let _ = pair.ping("-c 1 --size 1300")?.exits(0);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: pings an address that nobody has"]
fn nobody_home_is_heard_from_the_last_router() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let far = &pair.server.node;
    let nobody = addresses::pods(Node::Second.number()).replace(".0/24", ".250");
    let run = pair.ping_to(&nobody, "-c 1")?.exits(1);
    println!("{}", run.stdout);
    let run = run.says("\nsilence: icmp_seq=1, waited 1.");
    let run = run.says("\nrejected: icmp_seq=1 host unreachable after 3.");
    let _ = run.says(&format!(
        "\nFAIL     ND0304  rejected by {far}: it finds nobody to hand {nobody} to (ARP unanswered)\n"
    ));
    Ok(())
}
