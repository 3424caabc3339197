//! Many requests: what came how often.

use std::{cmp::Reverse, collections::BTreeMap};

use super::HttpCase;
use crate::{
    args::HttpArgs,
    diagnose::{Context, Endpoints},
    finding::{Finding, Severity},
    http::Trail,
};

/// The findings of all, each kind once and with how many there were, the worst first.
pub(crate) fn of_all(trails: &[Trail], args: &HttpArgs, context: &Context) -> Vec<Finding> {
    let mut kinds: BTreeMap<(Reverse<Severity>, String), (usize, Finding)> = BTreeMap::new();
    for trail in trails {
        let case = HttpCase { trail, args, context, endpoints: Endpoints::Unknown };
        let Some(first) = case.findings().into_iter().next() else { continue };
        let key = (Reverse(first.severity), kind(trail, &first));
        kinds.entry(key).or_insert((0, first)).0 += 1;
    }
    let all = trails.len();
    let is_well = |finding: &Finding| finding.severity == Severity::Ok;
    let is_mixed = kinds.len() > 1;
    let mut findings = Vec::new();
    for (count, mut finding) in kinds.into_values() {
        // Beside what is ill, what is well needs no word.
        if is_mixed && is_well(&finding) {
            continue;
        }
        let how_many =
            if count == all { format!("all {all}") } else { format!("{count} of {all}") };
        finding.summary = format!("{how_many}: {}", finding.summary);
        findings.push(finding);
    }
    findings
}

/// What is one kind of outcome: times and ports in the sentence make no other.
fn kind(trail: &Trail, finding: &Finding) -> String {
    let code = finding.code.map(|code| code.to_string()).unwrap_or_default();
    format!("{code} {}", trail.last().outcome())
}
