//! A tenant: a namespace with netdiag-user, bound to the rights that the chart ships.

use anyhow::Result;
use netdiag_tests::{Agent, Cluster, Namespace};

use crate::grant::Grant;

pub(crate) struct Team {
    pub(crate) namespace: Namespace,
}

impl Team {
    /// With these of the chart's roles for pods: `basic`, `ping`.
    pub(crate) fn create(cluster: &Cluster, rights: &[&str]) -> Result<Self> {
        let team = Self { namespace: cluster.another_namespace(&[])? };
        cluster.kubectl(["create", "serviceaccount", "netdiag-user", "-n", team.name()])?;
        for right in rights {
            let role = format!("--clusterrole=netdiag-pods-{right}");
            let account = format!("--serviceaccount={}:netdiag-user", team.name());
            let name = format!("netdiag-user-{right}");
            let words = ["create", "rolebinding", &name, "-n", team.name(), &role, &account];
            cluster.kubectl(words)?;
        }
        Ok(team)
    }

    pub(crate) fn name(&self) -> &str {
        self.namespace.name()
    }

    /// Lets a person act as this team's netdiag-user.
    pub(crate) fn admit(&self, cluster: &Cluster, user: &str) -> Result<()> {
        let (name, user) = (format!("mint-{user}"), format!("--user={user}"));
        let role = "--clusterrole=netdiag-mint";
        cluster.kubectl(["create", "rolebinding", &name, "-n", self.name(), role, &user]).map(drop)
    }

    /// A token for one agent, as the plugin mints it.
    pub(crate) fn token(&self, cluster: &Cluster, agent: &Agent) -> Result<String> {
        token(cluster, self.name(), "netdiag-user", &agent.audience())
    }
}

/// Lets a person reach agents, and read objects of every namespace as `view` does.
pub(crate) fn introduce(cluster: &Cluster, user: &str) -> Result<[Grant; 2]> {
    let name = format!("{}-{user}", cluster.namespace());
    let subject = format!("--user={user}");
    let reach = ["rolebinding", &name, "-n", "netdiag", "--role=netdiag-reach", &subject];
    let view = ["clusterrolebinding", &name, "--clusterrole=view", &subject];
    Ok([Grant::create(cluster, &reach)?, Grant::create(cluster, &view)?])
}

/// As the API server mints it for ten minutes.
pub(crate) fn token(
    cluster: &Cluster,
    namespace: &str,
    account: &str,
    audience: &str,
) -> Result<String> {
    let audience = format!("--audience={audience}");
    let words = ["create", "token", account, "-n", namespace, &audience, "--duration=600s"];
    Ok(cluster.kubectl(words)?.trim().to_owned())
}
