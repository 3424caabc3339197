//! A trace's events folded into one report.

use std::{collections::BTreeMap, net::IpAddr};

use super::{
    GraphEdge, GraphNode, PathEnd, ReverseName, TraceEvent, TraceFlow, TraceGraph, TraceHop,
    TraceOutcome, TraceReport, TraceRequest,
};
use crate::{EndReason, ErrorBody};

/// How often the same routers must come round before it is called a loop.
const ROUNDS: usize = 2;
/// Most events of a kind that a report holds; an agent of ours never sends as many.
const MAX_LISTED: usize = 20_000;

/// The report of one trace, kept as the events come.
#[derive(Clone, Debug)]
pub struct TraceFold {
    report: TraceReport,
}

impl TraceFold {
    pub fn new(request: &TraceRequest) -> Self {
        let report = TraceReport {
            host: request.host.as_str().into(),
            protocol: request.protocol,
            port: request.port,
            address: None,
            source_address: None,
            interface: None,
            method: None,
            hops: Vec::new(),
            flows: Vec::new(),
            mtu: Vec::new(),
            names: Vec::new(),
            intercepted: false,
            graph: TraceGraph::default(),
            ended: None,
            error: None,
        };
        Self { report }
    }

    pub fn push(&mut self, event: &TraceEvent) {
        let report = &mut self.report;
        match event {
            TraceEvent::Started { host, address, source, method, port, interface } => {
                report.host = host.clone();
                report.address = Some(*address);
                report.source_address = Some(*source);
                report.method = Some(*method);
                report.port = *port;
                report.interface.clone_from(interface);
            }
            TraceEvent::Flow { flow, source_port } => push(
                &mut report.flows,
                TraceFlow { flow: *flow, source_port: *source_port, end: PathEnd::Unknown },
            ),
            TraceEvent::Hop(hop) => push(&mut report.hops, hop.clone()),
            TraceEvent::Name { address, name } => {
                push(&mut report.names, ReverseName { address: *address, name: name.clone() });
            }
            TraceEvent::Passes(hop) => push(&mut report.mtu, hop.clone()),
            TraceEvent::Intercepted => report.intercepted = true,
            TraceEvent::Unknown => {}
        }
    }

    /// What is known by now.
    pub fn report(&self, ended: Option<EndReason>, error: Option<&ErrorBody>) -> TraceReport {
        let mut report = self.report.clone();
        let target = report.address;
        for flow in &mut report.flows {
            let hops = report.hops.iter().filter(|hop| hop.flow == flow.flow);
            flow.end = end(&hops.collect::<Vec<_>>(), target);
        }
        report.graph = graph(&report.hops, target);
        report.ended = ended;
        report.error = error.cloned();
        report
    }
}

fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() < MAX_LISTED {
        list.push(item);
    }
}

/// How one flow's path ends, from its hops in the order of their TTL.
fn end(hops: &[&TraceHop], target: Option<IpAddr>) -> PathEnd {
    let Some(target) = target else { return PathEnd::Unknown };
    if let Some(reached) = hops.iter().find_map(|hop| arrival(hop, target)) {
        return reached;
    }
    let rejection = |hop: &&TraceHop| {
        let rejected = |a: &&super::TraceAnswer| a.outcome == TraceOutcome::Rejected;
        let answer = hop.answers.iter().find(rejected)?;
        let icmp = answer.icmp.clone()?;
        Some(PathEnd::Rejected { ttl: hop.ttl, by: answer.address, icmp })
    };
    if let Some(rejected) = hops.iter().find_map(rejection) {
        return rejected;
    }
    if let Some(found) = circle(hops) {
        return found;
    }
    let answered = hops.iter().rfind(|hop| !hop.answers.is_empty()).map_or(0, |hop| hop.ttl);
    match hops.last() {
        None => PathEnd::Unknown,
        Some(last) if answered == last.ttl => PathEnd::Unfinished { ttl: last.ttl },
        Some(_) => {
            let unsent = hops.iter().find_map(|hop| hop.not_sent.clone());
            match (answered, unsent) {
                (0, Some(refusal)) => PathEnd::NotSent { refusal },
                (after_ttl, _) => PathEnd::Silence { after_ttl },
            }
        }
    }
}

fn arrival(hop: &TraceHop, target: IpAddr) -> Option<PathEnd> {
    let times: Vec<u64> =
        hop.answers.iter().filter(|a| a.is_arrival(target)).map(|a| a.rtt_us).collect();
    let count = u64::try_from(times.len()).ok().filter(|count| *count > 0)?;
    Some(PathEnd::Reached {
        hops: hop.ttl,
        rtt_us: times.iter().fold(0, |sum: u64, us| sum.saturating_add(*us)) / count,
    })
}

/// The path's last answers are the same few addresses, round after round.
fn circle(hops: &[&TraceHop]) -> Option<PathEnd> {
    let walked: Vec<(u8, IpAddr)> =
        hops.iter().filter_map(|hop| Some((hop.ttl, hop.answers.first()?.address))).collect();
    let addresses: Vec<IpAddr> = walked.iter().map(|(_, address)| *address).collect();
    let length = round(&addresses)?;
    let mut start = addresses.len() - length * ROUNDS;
    while start > 0 && addresses[start - 1] == addresses[start - 1 + length] {
        start -= 1;
    }
    let round = addresses[start..start + length].to_vec();
    Some(PathEnd::Loop { from_ttl: walked[start].0, addresses: round })
}

/// How many addresses come round, if these end with the same ones twice.
///
/// One router answering for several TTLs in a row forwards without counting; two are a loop.
pub fn round(addresses: &[IpAddr]) -> Option<usize> {
    (2..=addresses.len() / ROUNDS).find(|length| {
        let (first, second) = addresses[addresses.len() - length * ROUNDS..].split_at(*length);
        first == second && first.iter().any(|address| *address != first[0])
    })
}

/// Every answerer at its distance, joined to those one step nearer in the same flow.
fn graph(hops: &[TraceHop], target: Option<IpAddr>) -> TraceGraph {
    let mut nodes: Vec<GraphNode> = vec![GraphNode {
        id: "source".into(),
        ttl: 0,
        address: None,
        is_target: false,
        rtt_us: None,
    }];
    let mut edges: BTreeMap<(u8, String, String), Vec<u8>> = BTreeMap::new();
    let mut before: BTreeMap<u8, Vec<String>> = BTreeMap::new();
    for hop in hops {
        let here = of_hop(hop, target);
        let from = before.entry(hop.flow).or_insert_with(|| vec!["source".into()]);
        for node in &here {
            for from in from.iter() {
                let flows = edges.entry((hop.ttl, from.clone(), node.id.clone())).or_default();
                if flows.last() != Some(&hop.flow) {
                    flows.push(hop.flow);
                }
            }
        }
        *from = here.iter().map(|node| node.id.clone()).collect();
        for node in here {
            match nodes.iter_mut().find(|known| known.id == node.id) {
                Some(known) => known.rtt_us = known.rtt_us.min(node.rtt_us),
                None => nodes.push(node),
            }
        }
    }
    let edges = edges.into_iter().map(|((_, from, to), flows)| GraphEdge { from, to, flows });
    TraceGraph { nodes, edges: edges.collect() }
}

fn of_hop(hop: &TraceHop, target: Option<IpAddr>) -> Vec<GraphNode> {
    let mut nodes: Vec<GraphNode> = Vec::new();
    for answer in &hop.answers {
        let id = format!("{}@{}", answer.address, hop.ttl);
        match nodes.iter_mut().find(|node| node.id == id) {
            Some(node) => node.rtt_us = node.rtt_us.min(Some(answer.rtt_us)),
            None => nodes.push(GraphNode {
                id,
                ttl: hop.ttl,
                address: Some(answer.address),
                is_target: target == Some(answer.address),
                rtt_us: Some(answer.rtt_us),
            }),
        }
    }
    if nodes.is_empty() {
        let id = format!("*@{}/{}", hop.ttl, hop.flow);
        nodes.push(GraphNode { id, ttl: hop.ttl, address: None, is_target: false, rtt_us: None });
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        IcmpError, IcmpMeaning,
        trace::{TraceAnswer, TraceMethod, TraceProtocol},
    };

    const TARGET: [u8; 4] = [10, 244, 2, 7];

    fn answer(address: [u8; 4], outcome: TraceOutcome) -> TraceAnswer {
        let kind = if outcome == TraceOutcome::Rejected { 3 } else { 11 };
        let meaning =
            if kind == 3 { IcmpMeaning::AdminProhibited } else { IcmpMeaning::TtlExceeded };
        TraceAnswer {
            address: address.into(),
            rtt_us: 300,
            outcome,
            icmp: Some(IcmpError { meaning, kind, code: 0, mtu: None }),
            ttl: None,
            labels: Vec::new(),
            rewritten_to: None,
        }
    }

    fn path(answers: &[Option<TraceAnswer>]) -> TraceReport {
        let mut fold = TraceFold::new(&TraceRequest::to("10.244.2.7", TraceProtocol::Tcp));
        fold.push(&TraceEvent::Started {
            host: "10.244.2.7".into(),
            address: TARGET.into(),
            source: [10, 244, 1, 23].into(),
            method: TraceMethod::Raw,
            port: Some(80),
            interface: None,
        });
        fold.push(&TraceEvent::Flow { flow: 0, source_port: Some(41_001) });
        for (ttl, answer) in (1..).zip(answers) {
            let answers = Vec::from_iter(answer.clone());
            fold.push(&TraceEvent::Hop(TraceHop { ttl, answers, ..TraceHop::default() }));
        }
        fold.report(Some(EndReason::Completed), None)
    }

    fn end_of(answers: &[Option<TraceAnswer>]) -> PathEnd {
        path(answers).flows[0].end.clone()
    }

    fn expired(last: u8) -> Option<TraceAnswer> {
        Some(answer([10, 89, 0, last], TraceOutcome::Expired))
    }

    #[test]
    fn a_silent_middle_hop_ends_nothing() {
        let open = Some(answer(TARGET, TraceOutcome::Open));
        let end = end_of(&[expired(11), None, open]);
        assert_eq!(end, PathEnd::Reached { hops: 3, rtt_us: 300 });
    }

    #[test]
    fn silence_to_the_end_names_the_last_who_answered() {
        assert_eq!(end_of(&[expired(11), expired(12), None]), PathEnd::Silence { after_ttl: 2 });
        assert_eq!(end_of(&[None, None]), PathEnd::Silence { after_ttl: 0 });
        assert_eq!(end_of(&[expired(11), expired(12)]), PathEnd::Unfinished { ttl: 2 });
    }

    #[test]
    fn a_rejection_by_somebody_else_is_no_arrival() {
        let rejected = Some(answer([10, 89, 0, 12], TraceOutcome::Rejected));
        let end = end_of(&[expired(11), rejected]);
        assert!(matches!(end, PathEnd::Rejected { ttl: 2, .. }), "{end:?}");
    }

    #[test]
    fn two_routers_that_take_turns_are_a_loop() {
        let end = end_of(&[expired(1), expired(2), expired(3), expired(2), expired(3), expired(2)]);
        let addresses = vec![[10, 89, 0, 2].into(), [10, 89, 0, 3].into()];
        assert_eq!(end, PathEnd::Loop { from_ttl: 2, addresses });
        let end = end_of(&[expired(1), expired(1), expired(1), expired(1)]);
        assert_eq!(end, PathEnd::Unfinished { ttl: 4 });
    }

    #[test]
    fn the_graph_joins_each_hop_to_the_one_before() {
        let open = Some(answer(TARGET, TraceOutcome::Open));
        let graph = path(&[expired(11), None, open]).graph;
        let ids: Vec<_> = graph.nodes.iter().map(|node| node.id.as_str()).collect();
        assert_eq!(ids, ["source", "10.89.0.11@1", "*@2/0", "10.244.2.7@3"]);
        assert!(graph.nodes[3].is_target);
        let edge =
            |from: &str, to: &str| GraphEdge { from: from.into(), to: to.into(), flows: vec![0] };
        let edges = [
            edge("source", "10.89.0.11@1"),
            edge("10.89.0.11@1", "*@2/0"),
            edge("*@2/0", "10.244.2.7@3"),
        ];
        assert_eq!(graph.edges, edges);
    }
}
