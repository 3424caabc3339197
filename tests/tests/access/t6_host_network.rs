//! T6: a hostNetwork pod is the node, so the right to the node counts.

use anyhow::Result;
use netdiag_tests::{Agent, Cluster, Node, turn};

use crate::door::{self, Door};
use crate::team::{self, Team};

#[test]
#[ignore = "needs a cluster: starts a hostNetwork pod"]
fn t6_host_network() -> Result<()> {
    let _turn = turn::alone();
    let cluster = Cluster::with_agents()?;
    let team = Team::create(&cluster, &["basic"])?;
    let place = team.name();
    let node = cluster.pod("on-host").in_namespace(place).on(Node::First).host_network().start()?;
    let own = cluster.pod("own").in_namespace(place).on(Node::First).start()?;
    let agent = Agent::on(&cluster, Node::First)?;
    let door = Door::open(&cluster, &agent)?;
    let from = |pod| door::from_pod(pod, &door::one_ping(own.ip()));

    let tenant = team.token(&cluster, &agent)?;
    assert!(door.ask_with(&tenant, "ping", &from(&own))?.ran(), "pods/ping is there");
    let workers = agent.at_rest()?;
    let refused = door.ask_with(&tenant, "ping", &from(&node))?;
    assert_eq!((refused.status, refused.code().as_str()), (403, "forbidden"), "{refused:?}");
    assert_eq!(refused.objects()[0]["missing"]["resource"], "nodes");
    assert_eq!(agent.workers()?, workers, "no worker");

    let operator = team::token(&cluster, "netdiag", "netdiag-operator", &agent.audience())?;
    let ran = door.ask_with(&operator, "ping", &from(&node))?;
    assert!(ran.ran(), "{ran:?}");
    println!("hostNetwork: tenant {} (nodes/ping), operator {}", refused.status, ran.status);
    Ok(())
}
