//! `audit who`: the agent's audit line and the API server's event of the same token, side by side.
//!
//! An agent knows a ServiceAccount and the ID of its token; who minted that token only the API
//! server knows.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use kube::{ResourceExt, api::LogParams};
use netdiag_wire::Untrusted;
use serde::Serialize;

use crate::{
    args::AuditArgs,
    cluster::Cluster,
    code,
    finding::{Failure, Finding, Label, Severity, worst},
    render::{self, Column, Document, Table},
    session::{Clock, Session, Stopped},
};

mod lines;

use lines::{AgentLine, Minting};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WhoReport<'a> {
    credential_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    minted: Option<&'a Minting>,
    /// Of this token, as the agents say; the first line of each probe.
    probes: &'a [AgentLine],
}

pub(crate) async fn run(args: &AuditArgs, session: &mut Session<'_>) -> Result<Severity, Stopped> {
    let clock = Clock::now();
    let mut lines = agent_lines(args, session).await?;
    let wanted = credential(&args.id, &lines)?;
    lines.retain(|line| {
        line.credential_id.as_ref().is_some_and(|id| id.as_bytes() == wanted.as_bytes())
    });
    // Both lines of a probe say this much; a refusal has one.
    let mut seen = BTreeSet::new();
    lines.retain(|line| seen.insert(line.probe_id.clone()));
    let minted = minting(&args.audit_log, &wanted)?;
    let findings = [finding(&wanted, minted.as_ref(), &lines)];
    let (out, screen) = (&mut *session.out, &session.screen);
    if !lines.is_empty() {
        render::table(out, screen, &table(&lines))?;
    }
    render::verdict(out, screen, &findings)?;
    let report = WhoReport { credential_id: &wanted, minted: minted.as_ref(), probes: &lines };
    let document = Document::new("AuditReport", clock.span(), &findings)
        .part("audit", &report)
        .map_err(io::Error::from)?;
    render::document(out, screen, &document)?;
    Ok(worst(&findings))
}

async fn agent_lines(
    args: &AuditArgs,
    session: &mut Session<'_>,
) -> Result<Vec<AgentLine>, Failure> {
    if let Some(path) = &args.agent_log {
        let lines = open(path)?.lines();
        let lines = lines.map(|line| line.map_err(|error| unreadable(path, &error)));
        return lines
            .filter_map(|line| line.map(|line| lines::of_agent(&line)).transpose())
            .collect();
    }
    let cluster = Cluster::open(&args.kube, &session.surroundings)?;
    let pods = cluster.agent_pods(None, 0).await;
    let pods = pods.map_err(|refusal| refusal.failure("list the agents"))?;
    let how = LogParams { container: Some("front".into()), ..LogParams::default() };
    let mut all = Vec::new();
    for pod in pods {
        let name = pod.name_any();
        let log = cluster.ask(cluster.pods(&cluster.agents).logs(&name, &how)).await;
        let log = log.map_err(|refusal| refusal.failure(&format!("read the log of {name}")))?;
        all.extend(log.lines().filter_map(lines::of_agent));
    }
    Ok(all)
}

/// The token's ID: what was given, or that of the probe.
fn credential(id: &str, lines: &[AgentLine]) -> Result<String, Failure> {
    if id.starts_with("JTI=") {
        return Ok(id.into());
    }
    if is_uuid(id) {
        return Ok(format!("JTI={id}"));
    }
    let of_probe = |line: &&AgentLine| line.probe_id.as_bytes() == id.as_bytes();
    let line = lines.iter().find(of_probe).ok_or_else(|| {
        let why = format!("audit who {id}: no agent's log has this probe");
        let advice = "logs are lost with their pod and when they grow: give those that were collected, --agent-log FILE";
        Failure::new(code::BAD_VALUE, why).with(Label::Note(advice.into()))
    })?;
    line.credential_id.as_ref().map(ToString::to_string).ok_or_else(|| {
        let why = format!("audit who {id}: the agent knew no token of this request");
        Failure::new(code::BAD_VALUE, why)
    })
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

/// The API server's event that issued this token; the log may be far larger than memory.
fn minting(path: &Path, wanted: &str) -> Result<Option<Minting>, Failure> {
    for line in open(path)?.split(b'\n') {
        let line = line.map_err(|error| unreadable(path, &error))?;
        if let Some(minted) = lines::issued(&line, wanted) {
            return Ok(Some(minted));
        }
    }
    Ok(None)
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    Ok(Box::new(BufReader::new(file)))
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(code::BAD_VALUE, format!("read {}: {error}", path.display()))
}

fn finding(wanted: &str, minted: Option<&Minting>, lines: &[AgentLine]) -> Finding {
    let Some(minted) = minted else {
        let claimed = lines.iter().find_map(|line| line.claimed_user_unverified.as_ref());
        let summary = format!("the audit log has no event that issued {wanted}");
        let seen = claimed.map(|user| Label::Seen(format!("the plugin said {user}, unverified")));
        let note = "the API server records it at level Metadata of serviceaccounts/token, and logs are rotated";
        return Finding { severity: Severity::Unknown, ..Finding::ok(summary) }
            .with(seen)
            .with(Label::Note(note.into()));
    };
    let groups: Vec<String> = minted.groups.iter().map(ToString::to_string).collect();
    let mut finding = Finding::ok(format!("{} minted {wanted} at {}", minted.user, minted.at))
        .with(Label::Seen(format!("of ServiceAccount {}/{}", minted.namespace, minted.account)))
        .with(Label::Seen(format!("groups {}", groups.join(", "))));
    if let Some(real) = &minted.impersonated_by {
        finding = finding.with(Label::Seen(format!("impersonated by {real}")));
    }
    let addresses: Vec<String> = minted.addresses.iter().map(ToString::to_string).collect();
    finding.with(Label::Seen(format!("from {}, {}", addresses.join(", "), minted.agent)))
}

fn table(lines: &[AgentLine]) -> Table {
    let text = |value: &Option<Untrusted>| value.as_ref().map_or("-".into(), ToString::to_string);
    let row = |line: &AgentLine| {
        let targets: Vec<String> = line.targets.iter().map(ToString::to_string).collect();
        let cells = [
            line.time.to_string(),
            text(&line.probe),
            line.source.as_ref().map_or("-".into(), ToString::to_string),
            targets.join(" "),
            line.node.to_string(),
            line.probe_id.to_string(),
        ];
        cells.map(Into::into).into()
    };
    let names = ["TIME", "PROBE", "SOURCE", "TARGET", "NODE", "ID"];
    Table { columns: names.map(Column::new).into(), rows: lines.iter().map(row).collect() }
}

#[cfg(test)]
mod tests;
