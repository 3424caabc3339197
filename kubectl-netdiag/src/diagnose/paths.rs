//! What the paths to a Service's endpoints and the flows through its address mean together.

use netdiag_wire::trace::{PathEnd, TraceFlow, TraceProtocol};

use super::{Context, is_reached, trace};
use crate::{
    finding::{Code, Finding, Label, Peer, Severity},
    service::{Path, Paths, Plan},
};

const RULES: Code = Code(201);
const UDP_SILENCE: Code = Code(610);
/// Endpoints that are named.
const MAX_NAMED: usize = 3;

/// Who was traced, and what came of it.
pub(crate) struct PathsCase<'a> {
    pub(crate) plan: &'a Plan,
    /// Endpoints that there are.
    pub(crate) all: usize,
    pub(crate) paths: &'a Paths,
    pub(crate) service: &'a Peer,
    /// Whose target is the Service.
    pub(crate) context: Context,
}

/// Most likely first, at least one.
pub(crate) fn paths(case: &PathsCase<'_>) -> Vec<Finding> {
    let dead: Vec<&Path> =
        case.paths.direct.iter().filter(|path| !is_reached(&path.report)).collect();
    let finding = match (dead.first(), case.lost()) {
        (Some(first), _) => case.unreached(first, &dead),
        (None, Some((lost, all))) => case.not_through(lost, all),
        (None, None) => case.well(),
    };
    vec![finding]
}

impl PathsCase<'_> {
    fn flows(&self) -> &[TraceFlow] {
        self.paths.through.as_ref().map_or(&[], |path| &path.report.flows)
    }

    /// Flows that did not arrive, and all.
    fn lost(&self) -> Option<(usize, usize)> {
        let flows = self.flows();
        let lost = flows.iter().filter(|flow| !matches!(flow.end, PathEnd::Reached { .. })).count();
        (lost > 0).then_some((lost, flows.len()))
    }

    fn well(&self) -> Finding {
        let endpoints = match self.paths.direct.len() {
            0 => return self.untraced(),
            1 if self.all > 1 => {
                format!("1 of its {} endpoints, which was traced, is reached", self.all)
            }
            count if count < self.all => {
                format!("{count} of its {} endpoints, all that were traced, are reached", self.all)
            }
            1 => "its endpoint is reached".to_owned(),
            2 => "both endpoints are reached".to_owned(),
            count => format!("all {count} endpoints are reached"),
        };
        match self.flows().len() {
            0 => {
                let echoes = self.paths.protocol == TraceProtocol::Icmp;
                let note = "an echo to the Service's own address tells nothing, so none was sent";
                let note = Label::Note(note.into());
                Finding::ok(endpoints).with((echoes && self.plan.address.is_some()).then_some(note))
            }
            count => {
                let note = "on those flows every hop answers in the Service's name, so the tree is \
                            from direct probes";
                let arrive = if count == 1 { "arrives" } else { "arrive" };
                let summary = format!(
                    "{count} of {count} flows through the Service {arrive}, and {endpoints} directly"
                );
                Finding::ok(summary).with(Label::Note(note.into()))
            }
        }
    }

    /// No endpoint has the port that was asked for.
    fn untraced(&self) -> Finding {
        let who = self.context.to.word();
        let summary = format!("cannot tell: no endpoint of {who} takes that port");
        Finding::new(Severity::Unknown, Code(104), summary)
            .with(Label::Next(["kubectl", "netdiag", "ping", &who].map(str::to_owned).to_vec()))
    }

    /// Why the path to one endpoint ends, with the others that it is true of.
    fn unreached(&self, first: &Path, dead: &[&Path]) -> Finding {
        let to = first
            .endpoint
            .map_or_else(|| self.service.clone(), |at| self.plan.endpoints[at].peer());
        let context = Context { to, default_source: false, ..self.context.clone() };
        let mut made = trace::findings(&first.report, &first.request, &context).into_iter();
        let mut finding = made.next().unwrap_or_default();
        let (count, all) = (dead.len(), self.paths.direct.len());
        if all > 1 {
            finding.summary = format!("{count} of {all} endpoints: {}", finding.summary);
        }
        if self.is_unanswered_udp(first) {
            finding.severity = Severity::Unknown;
            finding.code = Some(UDP_SILENCE);
            finding.summary = format!("cannot tell: {}", finding.summary);
        }
        let others: Vec<String> = dead
            .iter()
            .skip(1)
            .filter_map(|path| Some(self.plan.endpoints[path.endpoint?].peer().word()))
            .collect();
        let seen = match &others[..] {
            [] => None,
            others if others.len() <= MAX_NAMED => {
                Some(format!("the same of {}", others.join(", ")))
            }
            others => Some(format!("the same of {} other endpoints", others.len())),
        };
        let flows = self.flows().len();
        let arrived = flows - self.lost().map_or(0, |(lost, _)| lost);
        let flows = (flows > 0)
            .then(|| format!("{arrived} of {flows} flows through the Service's address arrive"));
        let seen = seen.into_iter().chain(flows).map(Label::Seen);
        let at = finding.labels.iter().take_while(|label| matches!(label, Label::Seen(_))).count();
        finding.labels.splice(at..at, seen);
        finding
    }

    /// The last router answered and the endpoint did not, as an app does that knows no such message.
    fn is_unanswered_udp(&self, path: &Path) -> bool {
        let Some(PathEnd::Silence { after_ttl }) = path.report.flows.first().map(|it| &it.end)
        else {
            return false;
        };
        let node = path.endpoint.and_then(|at| self.plan.endpoints[at].node.clone());
        let last = path.report.hops.iter().find(|hop| hop.ttl == *after_ttl);
        let last = last.and_then(|hop| hop.answers.first());
        let is_near = match last {
            Some(last) => self.context.names.owner_of(last.address) == node,
            None => self.context.from.node == node,
        };
        self.paths.protocol == TraceProtocol::Udp && is_near
    }

    /// The endpoints are reached, the Service is not.
    fn not_through(&self, lost: usize, all: usize) -> Finding {
        let word = Peer { port: None, ..self.service.clone() }.word();
        let address = self.plan.address.map(|address| address.to_string()).unwrap_or_default();
        let endpoints = match self.paths.direct.len() {
            1 => "its endpoint is".to_owned(),
            2 => "both endpoints are".to_owned(),
            count => format!("all {count} endpoints are"),
        };
        let summary = format!(
            "{lost} of {all} flows through {address} do not arrive, though {endpoints} reached directly"
        );
        let from = self.context.from.word();
        let next = ["kubectl", "netdiag", "diagnose", &from, &word].map(str::to_owned);
        Finding::new(Severity::Fail, RULES, summary)
            .with(
                (lost < all).then(|| Label::Unless("those were lost by chance: ask again".into())),
            )
            .with(Label::Next(next.to_vec()))
    }
}
