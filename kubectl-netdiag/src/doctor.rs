//! `doctor`: whether netdiag can work here, what is missing, and the command that gives it.

use serde::Serialize;

mod checks;
mod rights;
mod server;
mod services;

use checks::Asker;
pub(crate) use rights::may_scan;
use rights::{RIGHTS, Rights};
use services::Carried;

use crate::{
    args::{DoctorArgs, Kind, Target},
    cluster::Cluster,
    data_plane::DataPlane,
    finding::{Failure, Label, Severity, worst},
    render::{self, Cell, Column, Document, Format, Table},
    session::{Clock, Session, Stopped},
    survey::{self, Row, State, Survey},
    version::{self, PLUGIN},
};

/// More rows than this, and the healthy ones are only counted.
const MAX_ROWS: usize = 20;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DoctorReport<'a> {
    agents: Vec<AgentEntry>,
    rights: Vec<RightEntry>,
    /// As far as they were asked.
    nodes: &'a [services::Node],
    /// What carries Services, by the API's objects alone.
    data_plane: &'a DataPlane,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AgentEntry {
    node: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    took_us: Option<u64>,
    state: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RightEntry {
    right: &'static str,
    pods: rights::Answer,
    nodes: rights::Answer,
}

pub(crate) async fn run(args: &DoctorArgs, session: &mut Session<'_>) -> Result<Severity, Stopped> {
    let clock = Clock::now();
    let target = args.target()?;
    let cluster = Cluster::open(&args.kube, &session.surroundings)?;
    // First of all: where it does not answer, nothing else can be asked.
    let server = server::ask(&cluster).await?;
    let (namespace, node) = narrowed(&cluster, target.as_ref()).await?;
    let asked = async {
        let (survey, rights, user) = tokio::join!(
            survey::survey(&cluster, node.as_deref()),
            rights::ask(&cluster, &namespace),
            cluster.user(),
        );
        let survey = survey?;
        let carried = services::look(&cluster, &survey, &rights, &namespace).await;
        Ok::<_, Failure>((survey, rights, user, carried))
    };
    let (survey, rights, user, carried) = session.waiting("asking every agent", asked).await?;
    let user = user.unwrap_or_else(|| "you".into());
    let asker = Asker { user: &user, namespace: &namespace, agents: &cluster.agents };
    let mut findings = checks::findings(&survey, &rights, &server, &asker);
    let is_brief = session.screen.format == Format::Verdict;
    let services = services::findings(&carried).into_iter();
    findings.extend(services.filter(|finding| !is_brief || finding.severity > Severity::Skip));
    // That it answers is clear from all the others.
    if !is_brief || findings.is_empty() {
        findings.push(checks::of_server(&survey, &server));
    }
    let verdict = worst(&findings);
    show(session, &cluster, &survey, &rights, &asker)?;
    let (out, screen) = (&mut *session.out, &session.screen);
    render::verdict(out, screen, &findings)?;
    let document = Document::new("DoctorReport", clock.span(), &findings)
        .part("doctor", &report(&survey, &rights, &carried))
        .map_err(std::io::Error::from)?;
    render::document(out, screen, &document)?;
    Ok(verdict)
}

/// The namespace and node that the target needs; the node may be any.
async fn narrowed(
    cluster: &Cluster,
    target: Option<&Target>,
) -> Result<(String, Option<String>), Failure> {
    let object = match target {
        Some(Target::Object(object)) => object,
        Some(Target::Address(_) | Target::Host(_)) | None => {
            return Ok((cluster.namespace.clone(), None));
        }
    };
    let namespace = object.namespace.as_deref().unwrap_or(&cluster.namespace);
    let node = match object.kind {
        Kind::Node => Some(object.name.clone()),
        Kind::Pod => {
            cluster.pod(namespace, &object.name).await?.spec.and_then(|spec| spec.node_name)
        }
        Kind::Workload(workload) => {
            let crew = cluster.crew(namespace, workload, &object.name).await?;
            let (pod, _) = crew.representative()?;
            pod.spec.as_ref().and_then(|spec| spec.node_name.clone())
        }
        Kind::Service => None,
    };
    if object.kind == Kind::Node {
        cluster.node(&object.name).await?;
    }
    Ok((namespace.to_owned(), node))
}

fn show(
    session: &mut Session<'_>,
    cluster: &Cluster,
    survey: &Survey,
    rights: &Rights,
    asker: &Asker<'_>,
) -> Result<(), Stopped> {
    let (out, screen) = (&mut *session.out, &session.screen);
    if !screen.shows_evidence() {
        return Ok(());
    }
    let context = cluster.context.as_ref().map(|name| format!("context {name} "));
    let (server, user, agents) = (&cluster.server, asker.user, asker.agents);
    let context = context.unwrap_or_default();
    let line =
        format!("{context}({server}) as {user}; plugin {PLUGIN}; agents in namespace {agents}");
    writeln!(out, "{}", netdiag_wire::Untrusted::from(line))?;
    let ill = |row: &&Row| row.text().1 != render::Mood::Good;
    let shown: Vec<&Row> = match survey.rows.len() > MAX_ROWS {
        true => survey.rows.iter().filter(ill).collect(),
        false => survey.rows.iter().collect(),
    };
    let folded = survey.rows.len() - shown.len();
    if !shown.is_empty() {
        render::table(out, screen, &agents_table(&shown))?;
    }
    if folded > 0 {
        writeln!(out, "{folded} more ready")?;
    }
    writeln!(out)?;
    render::table(out, screen, &rights_table(rights, asker.namespace))?;
    Ok(())
}

fn agents_table(rows: &[&Row]) -> Table {
    let node = Column { nodes: true, ..Column::new("NODE") };
    let cells = |row: &&Row| {
        let agent = row.agent.clone().unwrap_or_else(|| "-".into());
        let (text, mood) = row.text();
        vec![row.node.clone().into(), agent.into(), row.version().into(), Cell { text, mood }]
    };
    Table {
        columns: vec![node, Column::new("AGENT"), Column::new("VERSION"), Column::new("STATE")],
        rows: rows.iter().map(cells).collect(),
    }
}

fn rights_table(rights: &Rights, namespace: &str) -> Table {
    let reach = |answer: rights::Answer| match rights.reach {
        rights::Answer::No => rights::Answer::No,
        rights::Answer::Yes | rights::Answer::Unknown => answer,
    };
    let row = |at: usize| {
        let (pods, nodes) = (reach(rights.pods.rights[at]), reach(rights.nodes.rights[at]));
        vec![RIGHTS[at].into(), pods.word().into(), nodes.word().into()]
    };
    let pods = Column::new(&format!("PODS IN {namespace}"));
    Table {
        columns: vec![Column::new("YOU MAY"), pods, Column::new("NODES")],
        rows: (0..RIGHTS.len()).map(row).collect(),
    }
}

impl Row {
    /// The cell of its state.
    fn text(&self) -> (String, render::Mood) {
        use render::Mood::{Bad, Doubtful, Faint, Good};
        match &self.state {
            State::None(Some(taint)) => (format!("none: taint {taint} is not tolerated"), Bad),
            State::None(None) => ("none".into(), Bad),
            State::Bad(failure) => (reason(failure).to_owned(), Bad),
            State::Closed(_) => ("? (you may not reach it)".into(), Faint),
            State::Ready { about, took, .. } => {
                let mut text = format!("ready, {} ms away", took.as_millis());
                let difference = version::difference(&self.version());
                text.extend(difference.iter().map(|word| format!("; {word}")));
                match about.problems.first() {
                    Some(problem) => (format!("{text}; {}", problem.message), Bad),
                    None if difference.is_some() => (text, Doubtful),
                    None => (text, Good),
                }
            }
        }
    }
}

/// What was seen of the agent, rather than what follows for a probe.
fn reason(failure: &Failure) -> &str {
    let seen = failure.labels.iter().find_map(|label| match label {
        Label::Seen(text) => Some(text.as_str()),
        _ => None,
    });
    seen.unwrap_or(&failure.message)
}

fn report<'a>(survey: &Survey, rights: &Rights, carried: &'a Carried) -> DoctorReport<'a> {
    let agent = |row: &Row| AgentEntry {
        node: row.node.clone(),
        agent: row.agent.clone(),
        ready: row.about().is_some(),
        version: row.about().map(|about| about.version.to_string()),
        took_us: match &row.state {
            State::Ready { took, .. } => u64::try_from(took.as_micros()).ok(),
            State::None(_) | State::Bad(_) | State::Closed(_) => None,
        },
        state: row.text().0,
    };
    let right = |(at, right): (usize, &&'static str)| RightEntry {
        right,
        pods: rights.pods.rights[at],
        nodes: rights.nodes.rights[at],
    };
    DoctorReport {
        agents: survey.rows.iter().map(agent).collect(),
        rights: RIGHTS.iter().enumerate().map(right).collect(),
        nodes: &carried.nodes,
        data_plane: &carried.cluster,
    }
}
