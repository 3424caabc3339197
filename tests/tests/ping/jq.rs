//! The recipes of screens.md section 6, run through jq itself.

use anyhow::Result;
use netdiag_tests::command::{command, feed};
use netdiag_tests::{Cluster, Pair, Run, turn};

fn jq(run: &Run, flags: &[&str], program: &str) -> Result<String> {
    let mut jq = command("jq");
    jq.args(flags).arg(program);
    feed(jq, run.stdout.as_bytes())
}

#[test]
#[ignore = "needs a cluster: pings between two nodes"]
fn the_recipes_of_ping_work() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let json = pair.ping("-c 10 -i 0.02 -o json")?.exits(0);
    let average: f64 = jq(&json, &[], ".ping.rttUs.avg / 1000")?.trim().parse()?;
    assert!((0.001..100.0).contains(&average), "{average} ms");
    let ndjson = pair.ping("-c 3 -i 0.02 -o ndjson")?.exits(0);
    let filter = r#"select(.event == "replied") | .rttUs"#;
    let times = jq(&ndjson, &["-r", "--unbuffered"], filter)?;
    let times: Vec<u64> = times.lines().map(str::parse).collect::<Result<_, _>>()?;
    println!("average {average} ms; rttUs of three: {times:?}");
    assert_eq!(times.len(), 3);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: makes a Service"]
fn the_recipe_for_a_services_endpoints_works() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let dns = cluster.netdiag(["ping", "kube-system/svc/kube-dns", "-o", "json"])?.exits(0);
    let filter = r#".service.endpoints[] | select(.verdict != "ok") | .pod.name"#;
    assert_eq!(jq(&dns, &["-r"], filter)?, "");
    let filter = r#".service.endpoints[] | select(.verdict == "ok") | .pod.name"#;
    let pods = jq(&dns, &["-r"], filter)?;
    let listed = ["get", "pods", "-n", "kube-system", "-l", "k8s-app=kube-dns", "-o", "name"];
    let listed = cluster.kubectl(listed)?.replace("pod/", "");
    assert!(!pods.is_empty() && pods == listed, "{pods:?} {listed:?}");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: asks its agents"]
fn the_recipe_of_doctor_works() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let run = cluster.netdiag(["doctor", "-o", "json"])?.exits(0);
    assert_eq!(jq(&run, &["-r"], ".doctor.agents[] | select(.ready | not) | .node")?, "");
    let nodes = cluster.kubectl(["get", "nodes", "-o", "name"])?.replace("node/", "");
    assert_eq!(jq(&run, &["-r"], ".doctor.agents[] | select(.ready) | .node")?, nodes);
    Ok(())
}
