//! `--from nodes`: a Service asked from every node's own namespace, since each has rules of its own.

use futures_util::{StreamExt, stream};
use netdiag_wire::connect::ConnectProtocol;

use super::{
    Asked, Carrier, ServiceReport,
    probes::{Measured, Tally},
};
use crate::{
    args::{Kind, Object, SourceFlags},
    cluster::agents,
    finding::{Failure, Finding, Label, Peer, Severity, worst},
    node_facts,
    probe::{
        NAMING, interruption,
        way::{self, Route},
        within,
    },
    render::{self, Document, Names, NodesView, Seat},
    session::{Session, Stopped},
};

/// Nodes from which something is amiss, and whose view of it is looked at from nearby.
const MAX_LOOKED: usize = 3;
/// Nodes that are asked at once.
const AT_ONCE: usize = 8;

/// What one node's agent found.
struct Answered {
    from: Peer,
    measured: Measured,
    carrier: Carrier,
}

type Answers = Vec<(String, Result<Answered, Failure>)>;

impl Asked<'_> {
    /// From each node with an agent, or of many a sample.
    pub(super) async fn ask_nodes(
        mut self,
        session: &mut Session<'_>,
    ) -> Result<Severity, Stopped> {
        // Each node's own port is guarded from itself; the rows are for what all of them can ask.
        self.plan.doors.clear();
        let (pods, all) = within(self.deadline, self.cluster.nodes_with_agents()).await?;
        let names: Vec<String> =
            pods.iter().filter_map(agents::node_of).map(str::to_owned).collect();
        let asking = stream::iter(&names).map(async |name| {
            let asked = within(self.deadline, self.ask_node(name)).await;
            (name.clone(), asked)
        });
        let asking = asking.buffered(AT_ONCE).collect();
        let waiting = format!("asking {} nodes", names.len());
        let answers: Answers = tokio::select! {
            biased;
            () = interruption() => {
                let message = "stopped by Ctrl-C or SIGTERM before all nodes had answered";
                return Err(Failure::new(crate::code::AGENT_ENDED, message).into());
            }
            answers = session.waiting(&waiting, asking) => answers,
        };
        match answers.iter().find_map(|(_, answer)| answer.as_ref().err()) {
            Some(failure) if answers.iter().all(|(_, answer)| answer.is_err()) => {
                Err(failure.clone().into())
            }
            _ => self.conclude_nodes(&answers, all, session).await,
        }
    }

    async fn ask_node(&self, name: &str) -> Result<Answered, Failure> {
        let node = Object { namespace: None, kind: Kind::Node, name: name.to_owned() };
        let source: &SourceFlags = self.wish.source;
        let opened = way::open("connect", self.cluster, Route::Within(&node), source);
        let (aim, mut way) = opened.await?;
        let mut measured = Measured::new(&self.plan);
        for protocol in [ConnectProtocol::Tcp, ConnectProtocol::Udp] {
            for (request, asked) in self.plan.requests(protocol) {
                let sent = way.ask_once(&aim, &request, async |connection, token, body| {
                    connection.probe("connect", token, body).await
                });
                for attempt in sent.await?.all().await? {
                    measured.attempt(&asked, attempt);
                }
            }
        }
        let start = &way.start;
        let facts = node_facts::ask(self.cluster, &start.agent, &start.source, None);
        let facts = tokio::time::timeout(NAMING, facts).await.ok().and_then(Result::ok);
        let carrier = Carrier { plane: None, facts };
        Ok(Answered { from: start.peer.clone(), measured, carrier })
    }

    async fn conclude_nodes(
        &self,
        answers: &Answers,
        all: usize,
        session: &mut Session<'_>,
    ) -> Result<Severity, Stopped> {
        let well = answers.iter().filter_map(|(_, answer)| answer.as_ref().ok());
        let seats = well.clone().map(|it| Seat {
            from: &it.from,
            through: merged(it.measured.ports.iter().map(|port| &port.through)),
            endpoints: merged(it.measured.ports.iter().flat_map(|port| &port.endpoints)),
            facts: it.carrier.facts.as_ref(),
        });
        let names = Names::default();
        let (plan, target) = (&self.plan, &self.spec.peer);
        let view = NodesView { seats: seats.collect(), all, plan, target, names: &names };
        let (out, screen) = (&mut *session.out, &session.screen);
        render::nodes(out, screen, &view)?;
        let mut findings = self.findings_of_nodes(well.collect()).await;
        findings.extend(answers.iter().filter_map(|(name, answer)| {
            let failure = answer.as_ref().err()?;
            let code = failure.code.unwrap_or(crate::code::NO_AGENT);
            let summary = format!("{name} was not asked: {}", failure.message);
            Some(Finding::new(Severity::Skip, code, summary))
        }));
        render::verdict(out, screen, &findings)?;
        let items = answers.iter().filter_map(|(_, answer)| answer.as_ref().ok());
        let items: Result<Vec<Document>, _> = items.map(|it| self.item(it)).collect();
        let document = Document::new("PingReportList", self.clock.span(), &findings);
        let items = items.map_err(std::io::Error::from)?;
        let document = document.to(target.clone()).part("items", &items);
        render::document(out, screen, &document.map_err(std::io::Error::from)?)?;
        Ok(worst(&findings))
    }

    /// The report that `--from node/NAME` would be.
    fn item(&self, answered: &Answered) -> serde_json::Result<Document> {
        let Answered { from, measured, carrier } = answered;
        let closer = super::Closer::default();
        let findings = self.case(from, carrier, measured, &closer).findings();
        let document = Document::new("PingReport", self.clock.span(), &findings);
        let document = document.from(from.clone()).to(self.spec.peer.clone());
        let report = ServiceReport::of(&self.endpoints, &self.plan, carrier, measured);
        document.part("service", &report)
    }

    /// Each that some node makes, with the nodes that make it.
    async fn findings_of_nodes(&self, answered: Vec<&Answered>) -> Vec<Finding> {
        let mut made: Vec<(Finding, Vec<&str>)> = Vec::new();
        let mut looked = 0;
        for Answered { from, measured, carrier } in &answered {
            let is_ill = !measured.is_well(&self.plan);
            looked += usize::from(is_ill);
            let closer = match is_ill && looked <= MAX_LOOKED {
                true => self.look(measured, from).await,
                false => super::Closer::default(),
            };
            for finding in self.case(from, carrier, measured, &closer).findings() {
                match made.iter_mut().find(|(known, _)| known.code == finding.code) {
                    Some((_, nodes)) => nodes.push(&from.name),
                    None => made.push((finding, vec![&from.name])),
                }
            }
        }
        let is_ill = |(finding, _): &(Finding, Vec<&str>)| finding.severity != Severity::Ok;
        let has_ill = made.iter().any(is_ill);
        let wanted = made.into_iter().filter(|one| !has_ill || is_ill(one));
        wanted.map(|(finding, nodes)| said(finding, &nodes, answered.len())).collect()
    }
}

/// With the nodes that it is true of.
fn said(mut finding: Finding, nodes: &[&str], asked: usize) -> Finding {
    let whence = match nodes.len() {
        1 if asked == 1 => format!("from {}", nodes.join(", ")),
        2 if asked == 2 => "from both nodes".to_owned(),
        count if count == asked => format!("from all {asked} nodes"),
        1..=3 => format!("from {} alone of {asked} nodes", nodes.join(", ")),
        count => format!("from {count} of {asked} nodes"),
    };
    finding.summary = format!("{}, {whence}", finding.summary);
    if nodes.len() < asked && nodes.len() > 3 {
        finding = finding.with(Label::Seen(format!("from {}", nodes.join(", "))));
    }
    finding
}

fn merged<'a>(tallies: impl Iterator<Item = &'a Tally>) -> Tally {
    Tally(tallies.flat_map(|tally| tally.0.iter().cloned()).collect())
}
