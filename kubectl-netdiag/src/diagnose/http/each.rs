//! The same request to each endpoint: who answers otherwise.

use crate::finding::{Finding, Label, Severity};

/// Endpoints that are named.
const MAX_NAMED: usize = 5;

/// The findings of the request through the Service's address and of each endpoint that is ready,
/// with its name; the worst first.
pub(crate) fn of_each(
    through: Vec<Finding>,
    each: &[(String, Finding)],
    there_are: usize,
) -> Vec<Finding> {
    let mut kinds: Vec<(&Finding, Vec<&str>)> = Vec::new();
    for (name, finding) in each {
        match kinds.iter_mut().find(|(known, _)| is_alike(known, finding)) {
            Some((_, names)) => names.push(name),
            None => kinds.push((finding, vec![name])),
        }
    }
    let is_well = |finding: &Finding| finding.severity == Severity::Ok;
    let all = each.len();
    let mut findings: Vec<Finding> = kinds
        .iter()
        .filter(|(finding, _)| !is_well(finding))
        .map(|(finding, names)| of_kind(finding, names, all))
        .collect();
    // Beside what is ill, what is well needs no word, nor what an endpoint explains.
    let is_ill = !findings.is_empty();
    let is_explained = |finding: &Finding| kinds.iter().any(|(known, _)| is_alike(known, finding));
    let is_told = |finding: &Finding| is_ill && (is_well(finding) || is_explained(finding));
    findings.extend(through.into_iter().filter(|finding| !is_told(finding)));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    if let (false, Some(first)) = (is_ill, findings.first_mut()) {
        let likewise = match all {
            0 => "; no endpoint that is ready was asked".to_owned(),
            all if all < there_are => {
                format!("; {all} of {there_are} endpoints, all that were asked, are well")
            }
            1 => "; its endpoint is well, asked directly".into(),
            2 => "; both endpoints are well, asked directly".into(),
            all => format!("; all {all} endpoints are well, asked directly"),
        };
        first.summary.push_str(&likewise);
    }
    findings
}

/// Times and addresses in the sentence make no other kind.
fn is_alike(a: &Finding, b: &Finding) -> bool {
    (a.code, a.severity) == (b.code, b.severity)
}

fn of_kind(finding: &Finding, names: &[&str], all: usize) -> Finding {
    let count = names.len();
    let mut finding = finding.clone();
    finding.summary = match (count, all) {
        (1, 1) => format!("its endpoint: {}", finding.summary),
        (count, all) => format!("{count} of {all} endpoints: {}", finding.summary),
    };
    let shown = names.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
    let shown = match count.saturating_sub(MAX_NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    };
    finding.labels.insert(0, Label::Seen(format!("asked directly: {shown}")));
    finding
}
