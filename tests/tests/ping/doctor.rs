//! `doctor` and `version`: where all is well, and for somebody who may little.

use anyhow::Result;
use netdiag_tests::{Cluster, Node, Pair, turn};
use serde_json::Value;

#[test]
#[ignore = "needs a cluster: asks its agents"]
fn doctor_finds_everything_well() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let (cluster, place) = (&pair.cluster, pair.cluster.namespace());
    let run = cluster.netdiag(["doctor", "-n", place])?.exits(0);
    println!("{}", run.stdout);
    let plugin = env!("CARGO_PKG_VERSION");
    let well = format!(
        "OK       2 of 2 nodes have a ready agent {plugin}; admin may use every probe in {place} and on nodes\n"
    );
    let run = run.says(&format!(" as admin; plugin {plugin}; agents in namespace netdiag\nNODE "));
    let run = run.says(" ms away\n").says(&format!("\nYOU MAY    PODS IN {place}  NODES\n"));
    let run = run.says(&well).says("\nOK       API server v1.");
    assert_eq!(run.stderr, "");
    let run = cluster.netdiag(["doctor", "-n", place, "-o", "verdict"])?.exits(0);
    assert_eq!(run.stdout, well);
    let report: Value = cluster.netdiag(["doctor", "-n", place, "-o", "json"])?.exits(0).json();
    assert_eq!((&report["kind"], &report["verdict"]), (&"DoctorReport".into(), &"ok".into()));
    assert_eq!(report["doctor"]["rights"][0]["right"], "ping");
    // Narrowed to what that target needs.
    let run = cluster.netdiag(["doctor", &pair.server.target()])?.exits(0);
    assert!(!run.stdout.contains(&format!("\n{} ", pair.client.node)), "{}", run.stdout);
    let _ = run.says(&format!("\n{} ", pair.server.node)).says(&format!("PODS IN {place}"));
    Ok(())
}

#[test]
#[ignore = "needs a cluster: asks its agents"]
fn version_names_every_agent() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let plugin = env!("CARGO_PKG_VERSION");
    let run = cluster.netdiag(["version"])?.exits(0);
    let end = format!("\nOK       plugin {plugin} and 2 agents understand each other\n");
    assert!(run.stdout.starts_with(&format!("plugin {plugin}\nNODE ")), "{}", run.stdout);
    assert!(run.stdout.ends_with(&end), "{}", run.stdout);
    let report: Value = cluster.netdiag(["version", "-o", "json"])?.exits(0).json();
    for (at, node) in [Node::First, Node::Second].into_iter().enumerate() {
        let agent = &report["version"]["agents"][at];
        assert_eq!(agent["node"], node.name(&cluster)?.as_str());
        assert_eq!(agent["version"], plugin);
    }
    let client = cluster.netdiag(["version", "--client"])?.exits(0);
    assert_eq!(client.stdout, format!("plugin {plugin}\n"));
    Ok(())
}

#[test]
#[ignore = "needs a cluster: makes somebody without rights"]
fn doctor_tells_somebody_without_rights_how_to_get_them() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let place = cluster.namespace();
    let alice = cluster.user("alice", &[])?;
    let run = cluster.netdiag_as(&alice, ["doctor"])?;
    println!("{}\n{}", run.stdout, run.stderr);
    // What is not hers may be meant: it is no failure.
    let run = run.exits(0).says(" as alice; plugin ").says("ping       no ");
    let run = run.says(
        "\nSKIP     ND0012  alice may not reach the agents in netdiag; an admin gives it by:\n",
    );
    let reach = "  admin  kubectl create rolebinding netdiag-reach-alice -n netdiag --role=netdiag-reach --user=alice\n";
    let mint = format!(
        "  admin  kubectl create rolebinding netdiag-mint-alice -n {place} --clusterrole=netdiag-mint --user=alice\n"
    );
    let run = run.says(reach).says(&mint);
    for line in run.stdout.lines().filter_map(|line| line.strip_prefix("  admin  kubectl ")) {
        let dry = line.split(' ').chain(["--dry-run=server"]);
        cluster.kubectl(dry)?;
    }
    let report: Value = cluster.netdiag_as(&alice, ["doctor", "-o", "json"])?.exits(0).json();
    assert!(report["skipped"].as_array().is_some_and(|skipped| !skipped.is_empty()), "{report}");
    Ok(())
}
