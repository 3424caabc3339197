//! The fixed list of facts that a node's agent tells whoever may send a probe from there.

use std::time::Duration;

use netdiag_wire::{
    Request, Source,
    facts::{FactsRequest, NodeFacts},
};

use crate::{
    agent::{
        self, Answer,
        refusal::{self, Asked},
    },
    args::Account,
    cluster::{Cluster, agents::Agent},
    code,
    finding::Failure,
};

/// The agent waits three seconds for its node at most.
const PATIENCE: Duration = Duration::from_secs(5);

/// Facts of the agent's node, for somebody who may probe from `source`, a pod of that node or the
/// node itself.
pub(crate) async fn ask(
    cluster: &Cluster,
    agent: &Agent,
    source: &Source,
    account: Option<&Account>,
) -> Result<NodeFacts, Failure> {
    let asked = exchange(cluster, agent, source, account);
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| {
        let message = format!("no facts of {} within {} s", agent.node, PATIENCE.as_secs());
        Err(Failure::new(code::AGENT_ENDED, message))
    })
}

async fn exchange(
    cluster: &Cluster,
    agent: &Agent,
    source: &Source,
    account: Option<&Account>,
) -> Result<NodeFacts, Failure> {
    let namespace = match source {
        Source::Pod { namespace, .. } => Some(namespace.as_str()),
        Source::Node { .. } => None,
    };
    let (minted, connection, user) = tokio::join!(
        cluster.mint(agent, namespace, account),
        agent::connect(cluster, agent),
        cluster.user(),
    );
    let (minted, connection) = (minted?, connection?);
    let source = source.clone();
    let request =
        Request { source, deadline_ms: None, claimed_user: user.clone(), probe: FactsRequest {} };
    match connection.facts(&minted.token, &request).await? {
        Answer::Stream(facts) => Ok(facts),
        Answer::Refused { error, .. } => {
            let account = &minted.account;
            let asked = Asked { probe: "facts", agent, namespace, account, user: user.as_deref() };
            Err(refusal::failure(&error, &asked))
        }
    }
}
