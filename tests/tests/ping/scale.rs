//! A Service with a thousand endpoints: a sample is asked, and the API server a few times.

use anyhow::Result;
use netdiag_tests::{Fault, Node, Shop, turn};
use serde_json::json;

/// Addresses that the client's node says are nowhere.
const NOWHERE: &str = "10.250.0.0/16";
const SLICES: u16 = 10;
const EACH: u16 = 100;
/// However many endpoints there are: those of a Service that is well, and those of a closer look at
/// three endpoints that are not.
const MOST_REQUESTS: usize = 50;

#[test]
#[ignore = "needs a cluster: writes a thousand endpoints"]
fn a_thousand_endpoints_are_a_sample_and_a_few_requests() -> Result<()> {
    let _turn = turn::share();
    let shop = Shop::open()?;
    let _route = Fault::route(&shop.cluster, Node::First, &format!("unreachable {NOWHERE}"))?;
    shop.by_hand("few", [true, true])?;
    shop.service("crowd", &json!({"selector": null}))?;
    for slice in 0..SLICES {
        let endpoints = (0..EACH).map(|number| {
            let node = &shop.servers[usize::from(number % 2)].node;
            json!({"addresses": [format!("10.250.{slice}.{}", number + 1)], "nodeName": node})
        });
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": format!("crowd-{slice}"), "namespace": shop.cluster.namespace(),
                "labels": {"kubernetes.io/service-name": "crowd"}},
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
            "endpoints": endpoints.collect::<Vec<_>>(),
        });
        shop.cluster.apply(&slice.to_string())?;
    }
    let ping = |name: &str| {
        let place = shop.cluster.namespace();
        let line = format!("ping {place}/svc/{name} --from {} -v=6", shop.client.target());
        shop.cluster.netdiag(line.split_whitespace())
    };
    let few = ping("few")?;
    let run = ping("crowd")?.exits(1);
    println!("{}", run.stdout);
    let run = run.says("\n20 of 1,000 endpoints were asked, as many of each node as there are\n");
    let requests = |said: &str| said.lines().filter(|line| line.contains(" milliseconds")).count();
    let (small, large) = (requests(&few.stderr), requests(&run.stderr));
    println!("{small} requests for 2 endpoints, {large} for 1,000");
    assert!(small > 0 && large <= MOST_REQUESTS, "{small}, {large}: {}", run.stderr);
    Ok(())
}
