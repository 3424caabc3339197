//! From what was learned to findings: pure.

use netdiag_wire::about::{Problem, ProblemKind};

use super::{
    rights::{Access, Answer, RIGHTS, Rights},
    server::Server,
};
use crate::{
    cluster::bindings,
    code,
    finding::{Finding, Label, Severity},
    survey::{self, Row, State, Survey},
    version,
};

/// Clocks further apart than this are worth a word.
const MAX_CLOCK_OFF_MS: i64 = 1_000;

/// Who asks, where; what the checks say it about.
pub(super) struct Asker<'a> {
    pub(super) user: &'a str,
    /// Of the pods.
    pub(super) namespace: &'a str,
    pub(super) agents: &'a str,
}

/// Every finding; what is well in one sentence where all is well.
pub(super) fn findings(
    survey: &Survey,
    rights: &Rights,
    server: &Server,
    asker: &Asker<'_>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !survey.is_installed && survey.agents_hidden.is_none() {
        findings.push(not_installed(asker));
    } else {
        findings.extend(survey.rows.iter().flat_map(of_row));
    }
    let ill = !findings.is_empty() || survey.rows.is_empty();
    let skipped: Vec<Finding> = hidden(survey, rights).chain(of_rights(rights, asker)).collect();
    if !ill {
        findings.push(all_well(survey, asker, skipped.is_empty()));
    }
    findings.extend(skipped);
    findings.extend(clocks(survey, server));
    findings
}

fn not_installed(asker: &Asker<'_>) -> Finding {
    let agents = asker.agents;
    let summary = format!("netdiag is not installed in namespace {agents}: no DaemonSet, no agent");
    let advice = "helm install the chart there, or name the agents' namespace: --agent-namespace";
    Finding::new(Severity::Fail, code::NO_AGENT, summary).with(Label::AdminText(advice.into()))
}

fn of_row(row: &Row) -> Vec<Finding> {
    match &row.state {
        State::None(why) => {
            let (code, summary, advice) = survey::missing(&row.node, why.as_deref());
            vec![Finding::new(Severity::Fail, code, summary).with(advice)]
        }
        State::Bad(failure) => vec![Finding {
            code: failure.code,
            severity: Severity::Fail,
            summary: failure.message.clone(),
            labels: failure.labels.clone(),
        }],
        // Said once, by the rights.
        State::Closed(_) => Vec::new(),
        State::Ready { about, .. } => {
            let skew = version::skew(&row.version()).map(|skew| {
                let summary = format!("{}'s agent {} is {skew}", row.node, about.version);
                Finding::new(Severity::Warn, code::SKEW, summary)
            });
            let problems = about.problems.iter().map(|problem| of_problem(&row.node, problem));
            problems.chain(skew).collect()
        }
    }
}

fn of_problem(node: &str, problem: &Problem) -> Finding {
    let (severity, what) = match problem.kind {
        ProblemKind::MissingCapability => (Severity::Fail, "lacks a capability"),
        ProblemKind::SecurityModule => (Severity::Fail, "cannot enter pods"),
        ProblemKind::BrokerUnreachable => (Severity::Fail, "does not reach its broker"),
        ProblemKind::SandboxUnavailable => (Severity::Warn, "works without one of its sandboxes"),
        ProblemKind::Unknown => (Severity::Warn, "has a problem that this plugin does not know"),
    };
    let summary = format!("{node}'s agent {what}: {}", problem.message);
    Finding::new(severity, code::AGENT_IMPAIRED, summary).with(explain("ND0005"))
}

fn explain(code: &str) -> Label {
    Label::Next(["kubectl", "netdiag", "explain", code].map(str::to_owned).to_vec())
}

fn hidden(survey: &Survey, rights: &Rights) -> impl Iterator<Item = Finding> {
    let nodes = survey.nodes_hidden.iter().map(|failure| Finding {
        code: failure.code,
        severity: Severity::Skip,
        summary: "nodes without an agent: you may not list nodes".into(),
        labels: failure.labels.clone(),
    });
    // Of whom is known to have no right to reach them, the rights say it.
    let agents = survey.agents_hidden.iter().filter(|_| rights.reach != Answer::No);
    let agents = agents.map(|failure| Finding {
        code: failure.code,
        severity: Severity::Skip,
        summary: format!("agents: {}", failure.message),
        labels: failure.labels.clone(),
    });
    nodes.chain(agents)
}

/// What the user lacks is no fault: it may be meant.
fn of_rights(rights: &Rights, asker: &Asker<'_>) -> Vec<Finding> {
    let closed = closed(rights, asker);
    let lacking = lacking(&rights.pods, "pods", Some(asker.namespace)).into_iter().chain(lacking(
        &rights.nodes,
        "nodes",
        None,
    ));
    let is_unknown = |access: &Access| access.rights.contains(&Answer::Unknown);
    let unknown = (is_unknown(&rights.pods) || is_unknown(&rights.nodes)).then(|| {
        let summary =
            "which probes are yours: you may not ask (SubjectAccessReview); a probe tells";
        Finding::new(Severity::Skip, code::MISSING_RIGHT, summary)
    });
    closed.into_iter().chain(lacking).chain(unknown).collect()
}

/// Doors that are shut before any right of a probe is asked for.
fn closed(rights: &Rights, asker: &Asker<'_>) -> Vec<Finding> {
    let (user, agents, namespace) = (asker.user, asker.agents, asker.namespace);
    let mut findings = Vec::new();
    if rights.reach == Answer::No {
        let summary = format!("{user} may not reach the agents in {agents}; an admin gives it by:");
        findings.push(skip(
            code::MISSING_RIGHT,
            summary,
            bindings::in_namespace(agents, "--role=netdiag-reach", user),
        ));
    }
    if rights.pods.account.is_none() {
        let summary =
            format!("{user} may not probe from pods in {namespace}; an admin gives it by:");
        findings.push(skip(
            code::MAY_NOT_MINT,
            summary,
            bindings::in_namespace(namespace, "--clusterrole=netdiag-mint", user),
        ));
    }
    if rights.nodes.account.is_none() && rights.pods.account.is_some() {
        let summary = format!("{user} may not probe from nodes; an admin gives it by:");
        findings.push(skip(
            code::MAY_NOT_MINT,
            summary,
            bindings::in_namespace(agents, "--clusterrole=netdiag-mint", user),
        ));
    }
    findings
}

/// Rights that the account does not have, with the command for the first.
fn lacking(access: &Access, resource: &str, namespace: Option<&str>) -> Option<Finding> {
    let account = access.account.as_ref()?;
    let lacks = RIGHTS.iter().zip(&access.rights).filter(|(_, answer)| **answer == Answer::No);
    let lacks: Vec<&str> = lacks.map(|(right, _)| *right).collect();
    let first = lacks.first()?;
    let place = namespace.map_or("on nodes".into(), |namespace| format!("in {namespace}"));
    let summary = format!(
        "not yours {place}: {}; an admin gives, for example, {first} by:",
        lacks.join(", ")
    );
    let command = bindings::right(resource, first, namespace, account);
    Some(skip(code::MISSING_RIGHT, summary, command))
}

fn skip(code: crate::finding::Code, summary: String, command: Vec<String>) -> Finding {
    Finding::new(Severity::Skip, code, summary).with(Label::Admin(command))
}

fn clocks(survey: &Survey, server: &Server) -> Option<Finding> {
    let off = |name: &str, ms: i64| {
        let direction = if ms < 0 { "behind" } else { "ahead" };
        let seconds = ms.unsigned_abs() as f64 / 1e3;
        (ms.abs() > MAX_CLOCK_OFF_MS).then(|| format!("{name} {seconds:.1} s {direction}"))
    };
    let nodes = survey.rows.iter().filter_map(|row| match &row.state {
        State::Ready { clock_off_ms, .. } => off(&row.node, *clock_off_ms),
        State::None(_) | State::Bad(_) | State::Closed(_) => None,
    });
    let server = server.clock_off_ms.and_then(|ms| off("the API server", ms));
    let off: Vec<String> = server.into_iter().chain(nodes).take(5).collect();
    if off.is_empty() {
        return None;
    }
    let summary = format!("clocks differ from this machine's: {}", off.join(", "));
    let note = "tokens and certificates are judged by the clock of who reads them".to_owned();
    let finding = Finding { severity: Severity::Warn, summary, ..Finding::default() };
    Some(finding.with(Label::Note(note)))
}

fn all_well(survey: &Survey, asker: &Asker<'_>, may_all: bool) -> Finding {
    let nodes = survey.rows.len();
    let versions: Vec<String> = survey.versions().into_keys().collect();
    let (user, namespace) = (asker.user, asker.namespace);
    let have = if nodes == 1 { "node has" } else { "nodes have" };
    let rights = match may_all {
        true => format!("; {user} may use every probe in {namespace} and on nodes"),
        false => String::new(),
    };
    let versions = versions.join(" and ");
    Finding::ok(format!("{nodes} of {nodes} {have} a ready agent {versions}{rights}"))
}

/// That it answers, how far away it is, and whether all clocks agree.
pub(super) fn of_server(survey: &Survey, server: &Server) -> Finding {
    let Server { version, took_ms, .. } = server;
    let agree = if clocks(survey, server).is_none() && server.clock_off_ms.is_some() {
        "; its clock, the nodes' and this machine's agree within 1 s"
    } else {
        ""
    };
    Finding::ok(format!("API server {version}, {took_ms} ms{agree}"))
}

#[cfg(test)]
mod tests;
