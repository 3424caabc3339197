//! `trace svc/NAME`: the paths to its endpoints, and flows through its own address.

use std::time::Duration;

use anyhow::{Result, ensure};
use netdiag_tests::{Fault, Node, Run, Shop, turn, wait};
use serde_json::{Value, json};

/// Until every node has heard of a change.
const SPREAD: Duration = Duration::from_secs(30);

fn trace(shop: &Shop, target: &str) -> Result<Run> {
    let (place, from) = (shop.cluster.namespace(), shop.client.target());
    shop.cluster.netdiag(format!("trace {place}/{target} --from {from}").split_whitespace())
}

#[test]
#[ignore = "needs a cluster: makes Services, and drops packets on a node"]
fn its_endpoints_are_a_tree_and_its_address_is_crossed_by_flows() -> Result<()> {
    let _turn = turn::share();
    let shop = Shop::open()?;
    shop.service("web", &json!({}))?;
    let address = shop.address("web")?;
    let well = "\nOK       3 of 3 flows through the Service arrive, and both endpoints are reached directly\n";
    let run = wait::until("the Service is well", SPREAD, || {
        let run = trace(&shop, "svc/web")?;
        ensure!(run.stdout.contains(well), "{run:?}");
        Ok(run)
    })?;
    let node = &shop.client.node;
    let run = run
        .exits(0)
        .says(&format!("/svc/web:http ({address} TCP 80)\npaths to its 2 endpoints, TCP 8080:\n"))
        .says(&format!("  pod/one on {node}: open\n"))
        .says(&format!("  {node}, gateway of its pods\n"))
        .says("  pod/two: open\n")
        .says(&format!("flows through {address}, rewritten by {node} at or before hop 1:\n"));
    let _ = run.says("\n   SOURCE PORT  HOPS ");

    // The only two are not equally far, so every flow's is known.
    let run = trace(&shop, "svc/web --flows 48")?.exits(0);
    let went = |to: &str| run.stdout.matches(to).count();
    let near = went("  pod/one (the only endpoint 1 hop away)\n");
    let far = went("  pod/two (the only endpoint 3 hops away)\n");
    assert_eq!((near + far, near > 0, far > 0), (48, true, true), "{}", run.stdout);
    let report: Value = trace(&shop, "svc/web -o json")?.exits(0).json();
    assert_eq!(report["kind"], "ServiceTraceReport");
    assert_eq!(report["service"]["through"]["flows"].as_array().map(Vec::len), Some(3));
    assert_eq!(report["service"]["endpoints"].as_array().map(Vec::len), Some(2));

    shop.service("crowd", &json!({"clusterIP": "None"}))?;
    let run = trace(&shop, "svc/crowd")?.exits(0);
    assert!(!run.stdout.contains("flows through"), "{}", run.stdout);
    let _ = run.says("\nOK       both endpoints are reached\n");
    let run = trace(&shop, "svc/web -I")?.exits(0);
    let _ = run
        .says("paths to its 2 endpoints, ICMP:\n")
        .says("\nOK       both endpoints are reached\n");

    {
        let rule = format!("ip daddr {} drop", shop.servers[1].ip());
        let _fault = Fault::rule(&shop.cluster, Node::Second, &rule)?;
        let run = trace(&shop, "svc/web")?.exits(1).says("  *  silence: pod/two\n");
        let _ = run.says("\nFAIL     ND0303  1 of 2 endpoints: the path ends after hop 2, ");
    }
    {
        let rule = format!("ct original ip daddr {address} drop");
        let _fault = Fault::rule(&shop.cluster, Node::First, &rule)?;
        let run = trace(&shop, "svc/web")?.exits(1);
        let claim = format!(
            "\nFAIL     ND0201  3 of 3 flows through {address} do not arrive, though both endpoints are reached directly\n"
        );
        let _ = run.says(&claim);
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: makes Services"]
fn what_cannot_be_traced_says_why() -> Result<()> {
    let _turn = turn::share();
    let shop = Shop::open()?;
    shop.service("web", &json!({}))?;
    shop.service("typo", &json!({"selector": {"app": "sever"}}))?;
    let place = shop.cluster.namespace();
    for (target, error) in [
        ("svc/web:81", format!("ND0030  {place}/svc/web has no port 81; it declares http (80)")),
        (
            "svc/web:grpc",
            format!("ND0030  {place}/svc/web has no port grpc; it declares http (80)"),
        ),
        (
            "svc/web:80 -U",
            format!("ND0030  {place}/svc/web has no UDP port 80; it declares http (80)"),
        ),
        ("svc/wbe", format!("ND0020  no svc \"wbe\" in {place}; there are svc/web, svc/typo")),
        ("pod/one --all", "ND0030  --all: only a Service (svc/NAME) has endpoints".into()),
    ] {
        let run = trace(&shop, target)?.exits(2);
        assert!(run.stderr.contains(&error), "{target}: {}", run.stderr);
    }
    let run = trace(&shop, "svc/typo")?.exits(1);
    let _ = run.says("flows through ").says("FAIL     ND0101  ");
    Ok(())
}
