//! The way through an agent: token, stream, request, and what a refusal means here.

use std::{num::NonZeroU64, time::Duration};

use netdiag_wire::{ErrorBody, ErrorCode, Request};
use tokio::time::Instant;

use super::{Probe, Run};
use crate::{
    agent::{
        self, Answer, Broken, Connection, Lines, nonsense,
        refusal::{self, Asked},
    },
    args::{Account, Object, Secret, SourceFlags, Target},
    cluster::{Cluster, agents::Agent, tokens::Minted},
    code,
    finding::{Failure, Label, PeerKind},
    plan::{self, Aim, Start},
    session::{Session, Stopped},
};

/// Longest wait that an agent may ask for before it is asked again.
const MAX_RETRY: Duration = Duration::from_secs(10);

/// Who the agent is, whose token it gets, the stream to it.
pub(crate) struct Way<'a> {
    /// Of the probe.
    name: &'static str,
    cluster: &'a Cluster,
    pub(crate) start: Start,
    minted: Minted,
    /// Shows a right over the target, where the probe has use for one.
    target_token: Option<Secret>,
    connection: Option<Connection>,
    user: Option<String>,
}

/// What is looked up.
pub(crate) enum Route<'a> {
    /// A target, and where from; the default where nothing is said.
    Between(&'a Target, Option<&'a Object>),
    /// A place that is looked into.
    Within(&'a Object),
}

/// Looks both ends up and opens the way from the one to the other.
pub(crate) async fn open<'a>(
    name: &'static str,
    cluster: &'a Cluster,
    route: Route<'_>,
    source: &SourceFlags,
) -> Result<(Aim, Way<'a>), Failure> {
    let ends = async {
        match route {
            Route::Between(target, origin) => {
                plan::both_ends(cluster, target, origin, source.family()).await
            }
            Route::Within(place) => plan::place(cluster, place, source.family()).await,
        }
    };
    let (ends, user) = tokio::join!(ends, cluster.user());
    let (aim, start) = match (ends, &route) {
        (Err(failure), Route::Between(target, _)) if failure.code == Some(code::NO_AGENT) => {
            return Err(from_elsewhere(failure, name, cluster, target).await);
        }
        (ends, _) => ends?,
    };
    let (minted, connection) =
        mint(name, cluster, &aim, &start, source.service_account.as_ref()).await?;
    let connection = Some(connection);
    Ok((aim, Way { name, cluster, start, minted, target_token: None, connection, user }))
}

/// Mints the token while the stream is being opened.
async fn mint(
    name: &str,
    cluster: &Cluster,
    aim: &Aim,
    start: &Start,
    account: Option<&Account>,
) -> Result<(Minted, Connection), Failure> {
    let mint = cluster.mint(&start.agent, start.namespace.as_deref(), account);
    let (minted, connection) = tokio::join!(mint, agent::connect(cluster, &start.agent));
    match minted {
        Ok(minted) => Ok((minted, connection?)),
        Err(failure) if start.is_default && failure.code == Some(code::MAY_NOT_MINT) => {
            let command = command(name, &aim.peer.word());
            Err(plan::from_where(cluster, &command, &aim.peer, Vec::new()).await)
        }
        Err(failure) => Err(failure),
    }
}

/// ND0001 with a source that has an agent.
async fn from_elsewhere(
    failure: Failure,
    name: &str,
    cluster: &Cluster,
    target: &Target,
) -> Failure {
    let node = plan::elsewhere(cluster).await;
    failure.with(node.map(|node| {
        let mut command = command(name, &target.word(&cluster.namespace));
        command.extend(["--from".into(), format!("node/{node}")]);
        Label::Next(command)
    }))
}

impl Way<'_> {
    /// Whose token the agent got.
    pub(crate) fn account(&self) -> (String, String) {
        self.minted.account.clone()
    }

    /// Mints the token for the target's namespace; without the right to that it goes without.
    pub(super) async fn show_right(&mut self, aim: &Aim, account: Option<&Account>) {
        let namespace = match aim.peer.kind {
            PeerKind::Pod => aim.peer.namespace.as_deref(),
            PeerKind::Node => None,
            PeerKind::Service
            | PeerKind::Workload(_)
            | PeerKind::Address
            | PeerKind::Host
            | PeerKind::Local => return,
        };
        let minted = self.cluster.mint(&self.start.agent, namespace, account).await;
        self.target_token = minted.ok().map(|minted| minted.token);
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            probe: self.name,
            agent: &self.start.agent,
            namespace: self.start.namespace.as_deref(),
            account: &self.minted.account,
            user: self.user.as_deref(),
        }
    }

    /// Sends the request; where the agent is busy, once more after the wait that it asks for.
    pub(crate) async fn ask<R: Clone, S>(
        &mut self,
        aim: &Aim,
        (request, deadline): (&R, Option<Instant>),
        session: &mut Session<'_>,
        send: impl AsyncFn(Connection, &Secret, &Request<R>) -> Result<Answer<S>, Failure>,
    ) -> Result<S, Stopped> {
        loop {
            let is_first = self.connection.is_some();
            let connection = self.connection().await?;
            let body = self.body(request.clone(), deadline);
            let connection = connection.showing(self.target_token.clone());
            let (error, wait) = match send(connection, &self.minted.token, &body).await? {
                Answer::Stream(stream) => return Ok(stream),
                Answer::Refused { error, retry_after } => (error, retry_after),
            };
            if !is_first || error.code != ErrorCode::TooMany {
                return Err(self.refused(&error, aim).await.into());
            }
            let wait = wait.unwrap_or(Duration::from_secs(1)).min(MAX_RETRY);
            let (node, seconds) = (&self.start.agent.node, wait.as_secs_f64());
            writeln!(session.err, "the agent on {node} is busy; asking again in {seconds} s")?;
            tokio::time::sleep(wait).await;
        }
    }

    /// Sends the request; an agent that is busy refuses it.
    pub(crate) async fn ask_once<R: Clone, S>(
        &mut self,
        aim: &Aim,
        request: &R,
        send: impl AsyncFn(Connection, &Secret, &Request<R>) -> Result<Answer<S>, Failure>,
    ) -> Result<S, Failure> {
        let connection = self.connection().await?;
        match send(connection, &self.minted.token, &self.body(request.clone(), None)).await? {
            Answer::Stream(stream) => Ok(stream),
            Answer::Refused { error, .. } => Err(self.refused(&error, aim).await),
        }
    }

    /// The one that was opened beside the token, or another.
    async fn connection(&mut self) -> Result<Connection, Failure> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => agent::connect(self.cluster, &self.start.agent).await,
        }
    }

    fn body<R>(&self, probe: R, deadline: Option<Instant>) -> Request<R> {
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let left = left.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1));
        Request {
            source: self.start.source.clone(),
            deadline_ms: left.and_then(NonZeroU64::new),
            claimed_user: self.user.clone(),
            probe,
        }
    }

    /// The block of what the agent refuses, with what the cluster knows about it.
    pub(crate) async fn refused(&self, error: &ErrorBody, aim: &Aim) -> Failure {
        let failure = refusal::failure(error, &self.asked());
        let is_node = error.missing.as_ref().is_some_and(|m| m.resource.as_bytes() == b"nodes");
        let is_missing = |right: &str| {
            error.missing.as_ref().is_some_and(|m| m.right.as_bytes() == right.as_bytes())
        };
        match error.code {
            ErrorCode::Forbidden if is_node && self.start.is_default => {
                let seen =
                    failure.labels.into_iter().filter(|label| matches!(label, Label::Seen(_)));
                let command = command(self.name, &aim.peer.word());
                plan::from_where(self.cluster, &command, &aim.peer, seen.collect()).await
            }
            ErrorCode::Forbidden if is_missing("files") => {
                let server = self.cluster.dns_address().await;
                let from = ["--from".to_owned(), self.start.peer.word()];
                failure.with(server.map(|server| {
                    let mut command = command(self.name, &aim.host);
                    command.push(format!("@{server}"));
                    Label::Next(command.into_iter().chain(from).collect())
                }))
            }
            ErrorCode::NameResolution if aim.peer.kind == PeerKind::Host => {
                let meant = self.cluster.bearing_name(&aim.host).await;
                let chosen = (!self.start.is_default).then(|| self.start.peer.word());
                let from = chosen.into_iter().flat_map(|from| ["--from".to_owned(), from]);
                failure.with(meant.map(|object| {
                    Label::Next(command(self.name, &object).into_iter().chain(from).collect())
                }))
            }
            _ => failure,
        }
    }
}

impl<'a, P: Probe<'a>> Run<'_, P> {
    /// Sends the request; where the agent is busy, once more after the wait that it asks for.
    pub(crate) async fn ask(
        &self,
        way: &mut Way<'_>,
        session: &mut Session<'_>,
    ) -> Result<Lines, Stopped> {
        let (aim, request) = (&self.ends.aim, self.probe.request());
        let asked =
            way.ask(aim, (request, self.deadline), session, async |connection, token, request| {
                connection.probe(P::NAME, token, request).await
            });
        match asked.await {
            Err(Stopped::Failure(failure)) => {
                Err(self.probe.explain(&self.ends, *failure).await.into())
            }
            asked => asked,
        }
    }
}

/// Who ended, in words; an error where the agent broke the protocol.
pub(crate) fn cut_off_cause(broken: &Broken, agent: &Agent) -> Result<String, Failure> {
    let node = &agent.node;
    match broken {
        Broken::Silent => Ok(format!("the agent on {node} sent {broken}")),
        Broken::Closed(None) => Ok(format!("the agent on {node} ended")),
        Broken::Closed(Some(why)) => Ok(format!("the agent on {node} ended: {why}")),
        Broken::Protocol(what) => Err(nonsense(agent, what)),
    }
}

fn command(name: &str, target: &str) -> Vec<String> {
    ["kubectl", "netdiag", name, target].map(str::to_owned).to_vec()
}
