//! `version`: the plugin and every agent, and whether they understand each other.

use std::cmp::Ordering;

use serde::Serialize;

use crate::{
    args::VersionArgs,
    cluster::Cluster,
    code,
    finding::{Finding, Severity, worst},
    render::{self, Cell, Column, Document, Table},
    session::{Clock, Session, Stopped},
    survey::{self, Row, State},
};

/// This plugin.
pub(crate) const PLUGIN: &str = env!("CARGO_PKG_VERSION");

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VersionReport {
    plugin: &'static str,
    agents: Vec<AgentVersion>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AgentVersion {
    node: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

/// `--client`: asks nobody.
pub(crate) fn client(session: &mut Session<'_>) -> Result<Severity, Stopped> {
    head(session)?;
    print(session, Clock::now(), &[], &[Finding::ok(format!("plugin {PLUGIN}"))])
}

/// The plugin and every agent that can be reached.
pub(crate) async fn run(
    args: &VersionArgs,
    session: &mut Session<'_>,
) -> Result<Severity, Stopped> {
    let clock = Clock::now();
    // What one types when nothing works: this much is known without a cluster.
    head(session)?;
    let cluster = Cluster::open(&args.kube, &session.surroundings)?;
    let survey = session.waiting("asking every agent", survey::survey(&cluster, None)).await?;
    if let Some(failure) = survey.agents_hidden {
        return Err(failure.into());
    }
    let mut findings: Vec<Finding> = survey.rows.iter().filter_map(finding).collect();
    if findings.is_empty() {
        let agents = survey.rows.iter().filter_map(Row::about).count();
        findings.push(match agents {
            0 => Finding::new(
                Severity::Warn,
                code::NO_AGENT,
                format!("plugin {PLUGIN}, no agent answers"),
            ),
            agents => {
                Finding::ok(format!("plugin {PLUGIN} and {agents} agents understand each other"))
            }
        });
    }
    print(session, clock, &survey.rows, &findings)
}

fn finding(row: &Row) -> Option<Finding> {
    match &row.state {
        State::Ready { .. } => {
            let version = row.version();
            let skew = skew(&version)?;
            let summary = format!("{}'s agent {version} is {skew}", row.node);
            Some(Finding::new(Severity::Warn, code::SKEW, summary))
        }
        State::None(why) => {
            let (code, summary, advice) = survey::missing(&row.node, why.as_deref());
            Some(Finding::new(Severity::Warn, code, summary).with(advice))
        }
        State::Bad(failure) | State::Closed(failure) => Some(Finding {
            code: failure.code,
            severity: Severity::Warn,
            summary: failure.message.clone(),
            labels: failure.labels.clone(),
        }),
    }
}

fn head(session: &mut Session<'_>) -> std::io::Result<()> {
    if session.screen.shows_evidence() {
        writeln!(session.out, "plugin {PLUGIN}")?;
    }
    session.out.flush()
}

fn print(
    session: &mut Session<'_>,
    clock: Clock,
    rows: &[Row],
    findings: &[Finding],
) -> Result<Severity, Stopped> {
    let (out, screen) = (&mut *session.out, &session.screen);
    if !rows.is_empty() {
        render::table(out, screen, &table(rows))?;
        render::verdict(out, screen, findings)?;
    }
    let agents = rows.iter().map(|row| AgentVersion {
        node: row.node.clone(),
        agent: row.agent.clone(),
        version: row.about().map(|about| about.version.to_string()),
    });
    let report = VersionReport { plugin: PLUGIN, agents: agents.collect() };
    let document = Document::new("VersionReport", clock.span(), findings)
        .part("version", &report)
        .map_err(std::io::Error::from)?;
    render::document(out, screen, &document)?;
    Ok(worst(findings))
}

fn table(rows: &[Row]) -> Table {
    let node = Column { nodes: true, ..Column::new("NODE") };
    Table {
        columns: vec![node, Column::new("AGENT"), Column::new("VERSION")],
        rows: rows
            .iter()
            .map(|row| {
                let agent = row.agent.clone().unwrap_or_else(|| "-".into());
                let version = row.version();
                let version = match skew(&version) {
                    Some(_) => Cell::doubtful(version),
                    None => Cell::from(version),
                };
                vec![row.node.clone().into(), agent.into(), version]
            })
            .collect(),
    }
}

/// What sets an agent's version apart from the plugin's; absent when they are one minor release
/// apart at most, across which both understand each other.
pub(crate) fn skew(agent: &str) -> Option<&'static str> {
    let (Some(agent), Some(plugin)) = (release(agent), release(PLUGIN)) else {
        return Some("of an unknown release");
    };
    let far = agent.0 != plugin.0 || agent.1.abs_diff(plugin.1) > 1;
    match agent.cmp(&plugin) {
        _ if !far => None,
        Ordering::Less => Some("more than one minor release older than the plugin"),
        Ordering::Equal | Ordering::Greater => {
            Some("more than one minor release newer than the plugin")
        }
    }
}

/// Within the skew, yet not the same: worth a word in `doctor`.
pub(crate) fn difference(agent: &str) -> Option<&'static str> {
    match release(agent)?.cmp(&release(PLUGIN)?) {
        Ordering::Less => Some("older than the plugin"),
        Ordering::Equal => None,
        Ordering::Greater => Some("newer than the plugin"),
    }
}

/// Major and minor of `0.2.0` or `0.2.0-rc.1`.
fn release(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_minor_release_apart_is_no_skew() {
        let (major, minor) = release(PLUGIN).unwrap();
        let at = |minor: u32| format!("{major}.{minor}.7-rc.1");
        assert_eq!(skew(&at(minor)), None);
        assert_eq!(skew(&at(minor + 1)), None);
        assert!(skew(&at(minor + 2)).unwrap().contains("newer"));
        assert!(skew(&format!("{}.0.0", major + 1)).unwrap().contains("newer"));
        assert_eq!(skew("\u{1b}[2J"), Some("of an unknown release"));
        assert_eq!(difference(&at(minor + 1)), Some("newer than the plugin"));
    }
}
