//! Every node and its agent, as `version` and `doctor` report them.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt, stream};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{ResourceExt, api::ListParams};
use netdiag_wire::About;
use tokio::time::{Instant, timeout};

use crate::{
    agent,
    cluster::{
        Cluster,
        agents::{self, Agent, Fleet},
    },
    code,
    finding::{Code, Failure, Label},
};

/// Agents asked at a time.
const CONCURRENCY: usize = 16;
/// One agent's answer may take this long.
const PATIENCE: Duration = Duration::from_secs(10);
/// Objects of one page.
const PAGE: u32 = 500;

/// A node and what became of asking its agent.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) node: String,
    /// The agent pod's name.
    pub(crate) agent: Option<String>,
    pub(crate) state: State,
}

#[derive(Debug)]
pub(crate) enum State {
    Ready {
        agent: Box<Agent>,
        about: About,
        took: Duration,
        clock_off_ms: i64,
    },
    /// No pod; why, where the API tells.
    None(Option<String>),
    /// There is one that cannot be used, or that does not answer.
    Bad(Failure),
    /// The user may not reach it.
    Closed(Failure),
}

/// What could be learned of nodes and agents.
pub(crate) struct Survey {
    /// By node name.
    pub(crate) rows: Vec<Row>,
    /// Why nodes without an agent are not known.
    pub(crate) nodes_hidden: Option<Failure>,
    /// Why agents are not known.
    pub(crate) agents_hidden: Option<Failure>,
    pub(crate) is_installed: bool,
}

/// Asks every agent, or that of one node.
pub(crate) async fn survey(cluster: &Cluster, only: Option<&str>) -> Result<Survey, Failure> {
    let (nodes, pods, fleet) =
        tokio::join!(nodes(cluster, only), pods(cluster, only), cluster.fleet());
    let ((nodes, nodes_hidden), (pods, agents_hidden)) = (nodes?, pods?);
    let mut names: Vec<String> = nodes.iter().map(ResourceExt::name_any).collect();
    names.extend(pods.iter().filter_map(agents::node_of).map(str::to_owned));
    names.sort();
    names.dedup();
    let known = Known { nodes, pods, fleet: fleet?, agents_hidden };
    let rows = stream::iter(names).map(|node| row(cluster, node, &known));
    let mut rows: Vec<Row> = rows.buffer_unordered(CONCURRENCY).collect().await;
    rows.sort_by(|a, b| a.node.cmp(&b.node));
    let is_installed = !matches!(known.fleet, Fleet::Absent) || !known.pods.is_empty();
    Ok(Survey { rows, nodes_hidden, agents_hidden: known.agents_hidden, is_installed })
}

/// What the API tells of nodes and agents.
struct Known {
    nodes: Vec<Node>,
    pods: Vec<Pod>,
    fleet: Fleet,
    agents_hidden: Option<Failure>,
}

type Listed<T> = Result<(Vec<T>, Option<Failure>), Failure>;

async fn nodes(cluster: &Cluster, only: Option<&str>) -> Listed<Node> {
    let mut how = ListParams::default().limit(PAGE);
    if let Some(node) = only {
        how = how.fields(&format!("metadata.name={node}"));
    }
    let mut nodes = Vec::new();
    loop {
        match cluster.ask(cluster.nodes().list(&how)).await {
            Ok(page) => {
                nodes.extend(page.items);
                match page.metadata.continue_.filter(|token| !token.is_empty()) {
                    Some(token) => how = how.continue_token(&token),
                    None => return Ok((nodes, None)),
                }
            }
            Err(refusal) if refusal.is_forbidden() => {
                return Ok((nodes, Some(refusal.failure("list nodes"))));
            }
            Err(refusal) => return Err(refusal.failure("list nodes")),
        }
    }
}

async fn pods(cluster: &Cluster, only: Option<&str>) -> Listed<Pod> {
    match cluster.agent_pods(only, 0).await {
        Ok(pods) => Ok((pods, None)),
        Err(refusal) if refusal.is_forbidden() => {
            Ok((Vec::new(), Some(cluster.may_not_reach(&refusal).await)))
        }
        Err(refusal) => Err(refusal.failure("list the agents")),
    }
}

async fn row(cluster: &Cluster, node: String, known: &Known) -> Row {
    let here = known.pods.iter().find(|pod| agents::node_of(pod) == Some(node.as_str()));
    let agent = here.map(ResourceExt::name_any);
    let state = match (agents::choose(&known.pods, &node, &known.fleet), &known.agents_hidden) {
        (Some(Ok(agent)), _) => ask(cluster, agent).await,
        (Some(Err(failure)), _) => State::Bad(failure),
        (None, Some(hidden)) => State::Closed(hidden.clone()),
        (None, None) => State::None(taint(&node, known)),
    };
    Row { node, agent, state }
}

/// The taint that keeps the agent off the node.
fn taint(node: &str, known: &Known) -> Option<String> {
    let Fleet::Seen(set) = &known.fleet else { return None };
    let node = known.nodes.iter().find(|known| known.name_any() == node)?;
    agents::untolerated(node.spec.as_ref()?.taints.as_deref()?, set)
}

async fn ask(cluster: &Cluster, agent: Agent) -> State {
    let start = Instant::now();
    let asked = async { agent::connect(cluster, &agent).await?.about().await };
    let answer = timeout(PATIENCE, asked).await.unwrap_or_else(|_| {
        let message = format!("no answer of {} within {} s", agent.name, PATIENCE.as_secs());
        Err(Failure::new(code::AGENT_ENDED, message))
    });
    let took = start.elapsed();
    match answer {
        // The stream takes most of the time, so the answer's instant is nearer to its end.
        Ok(about) => {
            let now = jiff::Timestamp::now().as_millisecond();
            let clock_off_ms = about.now_at.as_millisecond() - now;
            State::Ready { agent: agent.into(), clock_off_ms, about, took }
        }
        Err(failure) if failure.code == Some(code::MISSING_RIGHT) => State::Closed(failure),
        Err(failure) => State::Bad(failure),
    }
}

impl Survey {
    /// Versions of the agents that answered, each with how many have it.
    pub(crate) fn versions(&self) -> BTreeMap<String, usize> {
        let mut versions = BTreeMap::new();
        for about in self.rows.iter().filter_map(Row::about) {
            *versions.entry(about.version.to_string()).or_default() += 1;
        }
        versions
    }
}

impl Row {
    pub(crate) fn about(&self) -> Option<&About> {
        match &self.state {
            State::Ready { about, .. } => Some(about),
            State::None(_) | State::Bad(_) | State::Closed(_) => None,
        }
    }

    /// The agent that answered.
    pub(crate) fn reached(&self) -> Option<&Agent> {
        match &self.state {
            State::Ready { agent, .. } => Some(agent),
            State::None(_) | State::Bad(_) | State::Closed(_) => None,
        }
    }

    pub(crate) fn version(&self) -> String {
        self.about().map_or_else(|| "-".into(), |about| about.version.to_string())
    }
}

/// What every other check hangs on: the code and sentence of a node that has no agent.
pub(crate) fn missing(node: &str, why: Option<&str>) -> (Code, String, Option<Label>) {
    let sentence = format!("{node} has no agent: nothing can be sent from its pods");
    let advice = why.map(|taint| {
        Label::AdminText(format!("add {taint} to the chart's tolerations, then helm upgrade"))
    });
    (code::NO_AGENT, sentence, advice)
}
