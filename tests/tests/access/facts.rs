//! Facts of a node for a tenant: any right of a probe on a pod there is enough, none is not.

use anyhow::Result;
use netdiag_tests::{Cluster, Node, turn};
use serde_json::Value;

use crate::team::{self, Team};

#[test]
#[ignore = "needs a cluster: makes tenants"]
fn a_tenant_learns_what_carries_services_where_its_pods_are() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let user = cluster.user(&format!("{}-dana", cluster.namespace()), &[])?;
    let _grants = team::introduce(&cluster, &user.name)?;
    let doctor = |team: &Team| {
        let words = ["doctor", "-n", team.name(), "-o", "json"];
        Ok::<Value, anyhow::Error>(cluster.netdiag_as(&user, words)?.exits(0).json())
    };
    for (rights, nodes) in [(&["dns"][..], 1), (&[], 0)] {
        let team = Team::create(&cluster, rights)?;
        team.admit(&cluster, &user.name)?;
        let pod = cluster.pod("client").in_namespace(team.name()).on(Node::Second).start()?;
        let report = doctor(&team)?;
        let told = report["doctor"]["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert_eq!(told.len(), nodes, "{rights:?}: {report:#}");
        for node in told {
            assert_eq!(node["node"], pod.node.as_str());
            assert!(node["facts"]["kubeProxy"]["mode"].is_string(), "{node:#}");
        }
    }
    Ok(())
}
