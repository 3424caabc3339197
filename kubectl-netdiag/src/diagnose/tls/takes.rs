//! The verdict on what a server takes.

use netdiag_wire::tls::TlsTaken;

use super::{
    INCOMPATIBLE, TOO_LITTLE, TlsCase,
    grade::{Grade, Rule, rules},
};
use crate::finding::{Code, Finding, Label, Severity};

const BROKEN: Code = Code(740);
const WEAK: Code = Code(741);

impl TlsCase<'_> {
    /// Of a scan.
    pub(crate) fn of_scan(&self) -> Vec<Finding> {
        let versions = &self.report.versions;
        let taken: Vec<&TlsTaken> = versions.iter().filter(|one| !one.suites.is_empty()).collect();
        let finding = match (taken.is_empty(), versions.iter().find_map(|one| one.refused.as_ref()))
        {
            (false, _) => self.of_taken(&taken),
            (true, Some(_)) => self.takes_nothing(),
            (true, None) => self.nothing(),
        };
        self.framed(vec![finding])
    }

    fn takes_nothing(&self) -> Finding {
        let summary = format!("{} takes no version of TLS and no suite of any", self.target());
        let finding = Finding::new(Severity::Fail, Code(731), summary);
        finding.with(Label::Note("without --scan the handshake says how it refuses".into()))
    }

    fn of_taken(&self, taken: &[&TlsTaken]) -> Finding {
        let is_today = |one: &&&TlsTaken| matches!(one.version.as_bytes(), b"TLS 1.2" | b"TLS 1.3");
        let oldest = taken.iter().map(|one| one.version.to_string()).collect::<Vec<_>>().join(", ");
        if !taken.iter().any(|one| is_today(&one)) {
            let summary = format!("{} speaks only {oldest}", self.target());
            let means = "today's clients offer no less than TLS 1.2, and refuse";
            return Finding::new(Severity::Fail, INCOMPATIBLE, summary)
                .with(Label::Means(means.into()));
        }
        if taken.iter().any(|one| one.cut) {
            let summary = "cannot tell: connections failed before every suite was asked for";
            return Finding::new(Severity::Unknown, TOO_LITTLE, summary);
        }
        let found: Vec<(String, Rule)> = taken
            .iter()
            .flat_map(|one| rules(one).into_iter().map(|rule| (one.version.to_string(), rule)))
            .collect();
        let all: Vec<Rule> = found.iter().map(|(_, rule)| *rule).collect();
        let (severity, code, summary) = match Grade::of(&all) {
            Grade::A | Grade::B => {
                return Finding::ok(format!("takes {oldest}, and nothing that is weak"));
            }
            Grade::C | Grade::D => (Severity::Warn, WEAK, "takes what is weak"),
            Grade::F => (Severity::Fail, BROKEN, "takes what is broken"),
        };
        let worst: Vec<&(String, Rule)> =
            found.iter().filter(|(_, rule)| rule.grade > Grade::B).collect();
        let names = distinct(worst.iter().map(|(_, rule)| rule.name));
        let finding = Finding::new(
            severity,
            code,
            format!("{} {summary}: {}", self.target(), names.join(", ")),
        );
        let mut told: Vec<&str> = Vec::new();
        let labels = worst.iter().filter_map(|(version, rule)| {
            let is_new = !told.contains(&rule.name);
            told.push(rule.name);
            is_new.then(|| {
                Label::Seen(format!("{} ({}, {version}): {}", rule.name, rule.grade, rule.means))
            })
        });
        let labels: Vec<Label> = labels.collect();
        labels.into_iter().fold(finding, Finding::with)
    }
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut all = Vec::new();
    for name in names {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}
