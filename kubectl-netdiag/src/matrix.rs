//! `ping nodes` and `ping TARGET --from nodes`: echoes between many sources and many targets.

use std::{collections::BTreeMap, net::IpAddr};

use futures_util::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use netdiag_wire::{
    Family,
    ping::{MIN_INTERVAL_US, PingFold, PingReport, PingRequest},
};
use serde::Serialize;

use crate::{
    args::{Kind, Object, Origin, PingArgs, ProbeArgs, Target},
    cluster::{
        Cluster,
        facts::{self, of_family},
    },
    code, diagnose,
    finding::{Failure, Finding, Peer, PeerKind, Severity, worst},
    plan::target,
    probe::{
        interruption,
        way::{self, Route},
        within,
    },
    render::{self, Document, MatrixView},
    session::{Clock, Session, Stopped},
};

/// Echoes to each target where nothing is said.
const COUNT: u32 = 3;
/// Sources that are asked at once.
const AT_ONCE: usize = 8;

/// Every source with what each target, in their order, answered it.
pub(crate) struct Matrix {
    pub(crate) targets: Vec<Peer>,
    pub(crate) rows: Vec<Row>,
}

pub(crate) struct Row {
    pub(crate) from: Peer,
    /// One for each target; none for the source itself.
    pub(crate) answers: Vec<Option<PingReport>>,
}

/// The part of `-o json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RowReport<'a> {
    source: &'a Peer,
    pings: Vec<PairReport<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PairReport<'a> {
    target: &'a Peer,
    ping: &'a PingReport,
}

/// What is asked, from where.
struct Question<'a> {
    args: &'a PingArgs,
    cluster: &'a Cluster,
    sources: Vec<Object>,
    targets: Vec<Peer>,
}

/// Whether it takes more than one source or more than one target.
pub(crate) fn is_wanted(args: &PingArgs, origin: Option<&Origin>) -> bool {
    args.is_of_nodes() || origin == Some(&Origin::Nodes)
}

/// Runs the command; the verdict makes the exit code.
pub(crate) async fn run(
    args: &PingArgs,
    origin: Option<&Origin>,
    session: &mut Session<'_>,
) -> Result<Severity, Stopped> {
    let clock = Clock::now();
    let cluster = Cluster::open(args.kube(), &session.surroundings)?;
    let deadline = args.deadline().map(|deadline| clock.deadline(deadline));
    let looking = within(deadline, look_up(args, origin, &cluster));
    let (question, all) = session.waiting("asking the API server", looking).await?;
    let waiting = format!("asking {} sources", question.sources.len());
    let asking = stream::iter(&question.sources).map(async |source| {
        let asked = within(deadline, question.ask(source)).await;
        (source.to_string(), asked)
    });
    let asking = asking.buffered(AT_ONCE).collect::<Vec<_>>();
    let answers = tokio::select! {
        biased;
        () = interruption() => {
            let message = "stopped by Ctrl-C or SIGTERM before all sources had answered";
            return Err(Failure::new(code::AGENT_ENDED, message).into());
        }
        answers = session.waiting(&waiting, asking) => answers,
    };
    let (mut rows, mut refused) = (Vec::new(), Vec::new());
    for (name, answer) in answers {
        match answer {
            Ok(row) => rows.push(row),
            Err(failure) => refused.push((name, failure)),
        }
    }
    if let (true, Some((_, failure))) = (rows.is_empty(), refused.first()) {
        return Err(failure.clone().into());
    }
    let matrix = Matrix { targets: question.targets, rows };
    conclude(&matrix, (all, refused), clock, session)
}

/// The sources and targets, and of how many nodes they are taken.
async fn look_up<'a>(
    args: &'a PingArgs,
    origin: Option<&Origin>,
    cluster: &'a Cluster,
) -> Result<(Question<'a>, usize), Failure> {
    let (pods, all) = cluster.nodes_with_agents().await?;
    let node = |pod: &Pod| {
        let name = facts::of_pod(pod).node?;
        Some(Object { namespace: None, kind: Kind::Node, name })
    };
    let sources = match origin {
        Some(Origin::Object(object)) => vec![object.clone()],
        Some(Origin::Local) => {
            let message = "--from local: nodes are asked from nodes, or from a pod";
            return Err(Failure::new(code::BAD_VALUE, message));
        }
        Some(Origin::Nodes) | None => pods.iter().filter_map(node).collect(),
    };
    let family = args.source.family();
    let targets = match args.is_of_nodes() {
        true => nodes(&pods, family),
        false => vec![target(cluster, &args.target()?, family).await?],
    };
    if targets.is_empty() {
        let message = "no node has an address of that family: -4 and -6 choose it";
        return Err(Failure::new(code::NO_NETWORK, message));
    }
    Ok((Question { args, cluster, sources, targets }, all))
}

/// By the addresses that their agents' pods have, which are the nodes' own.
fn nodes(pods: &[Pod], family: Family) -> Vec<Peer> {
    let by_name: BTreeMap<String, IpAddr> = pods
        .iter()
        .filter_map(|pod| {
            let known = facts::of_pod(pod);
            Some((known.node?, of_family(&facts::host_addresses(pod), family)?))
        })
        .collect();
    let peer = |(name, address)| Peer {
        kind: PeerKind::Node,
        name,
        address: Some(address),
        ..Peer::default()
    };
    by_name.into_iter().map(peer).collect()
}

async fn target(cluster: &Cluster, target: &Target, family: Family) -> Result<Peer, Failure> {
    let aim = target::find(cluster, target, family).await?;
    Ok(aim.peer)
}

impl Question<'_> {
    async fn ask(&self, source: &Object) -> Result<Row, Failure> {
        let flags = &self.args.source;
        let opened = way::open("ping", self.cluster, Route::Within(source), flags).await?;
        let (aim, mut way) = opened;
        let from = way.start.peer.clone();
        let is_itself = |target: &&Peer| target.word() == from.word();
        let asked: Vec<&Peer> = self.targets.iter().filter(|it| !is_itself(it)).collect();
        let mut answers = Vec::new();
        if !asked.is_empty() {
            let request = self.request(&asked);
            let sent = way.ask_once(&aim, &request, async |connection, token, body| {
                connection.probe("ping", token, body).await
            });
            let mut fold = PingFold::new(&request);
            sent.await?.all().await?.iter().for_each(|event| fold.push(event));
            answers = fold.reports(None, None);
        }
        let mut answers = answers.into_iter();
        let answers = self
            .targets
            .iter()
            .map(|target| if is_itself(&target) { None } else { answers.next() });
        Ok(Row { answers: answers.collect(), from: from.clone() })
    }

    fn request(&self, asked: &[&Peer]) -> PingRequest {
        let host = |peer: &&Peer| peer.address.map_or_else(|| peer.name.clone(), |a| a.to_string());
        let request = self.args.request(asked.iter().map(host));
        let interval_us = match self.args.is_paced() {
            true => request.interval_us,
            false => MIN_INTERVAL_US,
        };
        let count = request.count.or_else(|| COUNT.try_into().ok());
        PingRequest { count, interval_us, ..request }
    }
}

fn conclude(
    matrix: &Matrix,
    (all, refused): (usize, Vec<(String, Failure)>),
    clock: Clock,
    session: &mut Session<'_>,
) -> Result<Severity, Stopped> {
    let (out, screen) = (&mut *session.out, &session.screen);
    render::matrix(out, screen, &MatrixView { matrix, all })?;
    let mut findings = diagnose::matrix(matrix);
    findings.extend(refused.into_iter().map(|(name, failure)| {
        let code = failure.code.unwrap_or(code::NO_AGENT);
        let summary = format!("{name} was not asked: {}", failure.message);
        Finding::new(Severity::Skip, code, summary)
    }));
    render::verdict(out, screen, &findings)?;
    let items = matrix.rows.iter().map(|row| RowReport {
        source: &row.from,
        pings: row
            .pairs(&matrix.targets)
            .map(|(target, ping)| PairReport { target, ping })
            .collect(),
    });
    let document = Document::new("PingMatrixReport", clock.span(), &findings);
    let items: Vec<RowReport<'_>> = items.collect();
    let document = document.part("items", &items).map_err(std::io::Error::from)?;
    render::document(out, screen, &document)?;
    Ok(worst(&findings))
}

impl Row {
    /// Each target with what it answered.
    pub(crate) fn pairs<'a>(
        &'a self,
        targets: &'a [Peer],
    ) -> impl Iterator<Item = (&'a Peer, &'a PingReport)> {
        let answers = self.answers.iter();
        targets.iter().zip(answers).filter_map(|(target, answer)| Some((target, answer.as_ref()?)))
    }
}
