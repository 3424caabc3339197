//! Endpoints that say nothing, asked directly.

use std::collections::BTreeSet;

use super::{ServiceCase, fail, listed, port_word};
use crate::{
    diagnose::labels,
    finding::{Code, Finding, Label},
    service::{Endpoint, Tally},
};

const CODE: Code = Code(302);

pub(super) fn find(case: &ServiceCase<'_>) -> Option<Finding> {
    let tcp = case.asked().filter(|(port, _)| port.is_tcp());
    tcp.into_iter().find_map(|(port, answers)| {
        let bad: Vec<_> = case.each(answers).filter(|(.., tally)| tally.is_silent()).collect();
        let (_, first, _) = bad.first()?;
        let words: Vec<_> = bad.iter().map(|(_, endpoint, _)| endpoint.short()).collect();
        let all = case.each(answers).count();
        let verb = if bad.len() == 1 { "is" } else { "are" };
        let summary = format!(
            "{} {verb} silent on {}: {}",
            case.share(bad.len(), all),
            port_word(port),
            listed(&words)
        );
        let to = format!("{}:{}", first.word(), first.port(port)?);
        let good: Vec<_> = case
            .each(answers)
            .filter(|(.., tally)| !tally.is_silent())
            .map(|(_, endpoint, _)| endpoint)
            .collect();
        let bad_ones: Vec<_> = bad.iter().map(|(_, endpoint, _)| *endpoint).collect();
        Some(
            fail(CODE, summary)
                .with(echoes(case, &bad))
                .with(nodes(&bad_ones, &good))
                .with(super::policy::suspect(case))
                .with(Label::Means("dropped on the way, by a policy, or by the pod itself".into()))
                .with(labels::command(&[
                    "kubectl",
                    "netdiag",
                    "trace",
                    &to,
                    "--from",
                    &case.from(),
                ])),
        )
    })
}

/// Echoes that come back tell that the way there is whole.
fn echoes(case: &ServiceCase<'_>, bad: &[(usize, &Endpoint, &Tally)]) -> Option<Label> {
    let reports: Vec<_> = bad.iter().filter_map(|(at, ..)| case.measured.echoes.get(*at)).collect();
    let answered = reports.iter().filter(|report| report.replied > 0).count();
    let text = match (reports.len(), answered) {
        (0, _) => return None,
        (1, 1) => "it answers echoes: the way there is whole, TCP alone is dropped".to_owned(),
        (1, _) => "it does not answer echoes either".to_owned(),
        (all, 0) => format!("none of these {all} answers echoes either"),
        (all, some) if all == some => {
            format!("all {all} answer echoes: the way there is whole, TCP alone is dropped")
        }
        (all, some) => format!("{some} of these {all} answer echoes"),
    };
    Some(Label::Seen(text))
}

/// A node that all bad ones and no good one.
fn nodes(bad: &[&Endpoint], good: &[&Endpoint]) -> Option<Label> {
    let of = |all: &[&Endpoint]| -> BTreeSet<Option<String>> {
        all.iter().map(|endpoint| endpoint.node.clone()).collect()
    };
    let (bad, good) = (of(bad), of(good));
    let [Some(node)] = &bad.into_iter().collect::<Vec<_>>()[..] else { return None };
    if good.is_empty() || good.contains(&Some(node.clone())) {
        return None;
    }
    Some(Label::Differ(format!("all on {node}; those that answer are on other nodes")))
}

#[cfg(test)]
mod tests {
    use super::{super::scene::Scene, *};

    #[test]
    fn what_silent_ones_share_is_said() {
        let mut scene = Scene::new();
        scene.endpoint(1, "silence");
        scene.through(3, "silence");
        let finding = scene.only_finding(302);
        assert_eq!(finding.summary, "1 of 2 endpoints is silent on http: pod/checkout-b");
        let differ = "all on node-2; those that answer are on other nodes";
        assert!(finding.labels.contains(&Label::Differ(differ.into())), "{finding:?}");
        let seen = "it answers echoes: the way there is whole, TCP alone is dropped";
        assert!(finding.labels.contains(&Label::Seen(seen.into())), "{finding:?}");
    }
}
