//! The Service's address fails, yet every endpoint answers: the rules in between (scenario 14).

use super::{ServiceCase, fail, times};
use crate::{
    diagnose::labels,
    finding::{Code, Finding, Label},
};

const CODE: Code = Code(201);

pub(super) fn find(case: &ServiceCase<'_>) -> Option<Finding> {
    let (port, answers) = case.asked().find(|(_, answers)| {
        let direct: Vec<_> = case.each(answers).filter(|(_, it, _)| it.ready).collect();
        !direct.is_empty()
            && direct.iter().all(|(.., tally)| tally.is_well())
            && answers.through.tries() > answers.through.well()
    })?;
    let through = &answers.through;
    let (failed, tries) = (times(through.tries() - through.well()), times(through.tries()));
    let place = case.node().map_or_else(|| case.from(), str::to_owned);
    let how = through.ill().first().map(|(_, attempt)| attempt.outcome.word()).unwrap_or_default();
    let to = format!("{}:{}", case.service(), port.declared.number);
    Some(
        fail(CODE, format!("the Service's rules on {place} are missing or stale: its address fails, its endpoints answer"))
            .with(Label::Seen(format!("through its address {failed} of {tries} fail ({how})")))
            .with(Label::Seen(format!(
                "asked directly from there, {} answer",
                super::share(case.each(answers).count(), case.each(answers).count()),
            )))
            .with(Label::Unless("endpoints changed seconds ago: ask again".into()))
            .with(Label::Next(
                ["kubectl", "netdiag", "connect", &to, "--from"]
                    .map(str::to_owned)
                    .into_iter()
                    .chain([elsewhere(case)])
                    .collect(),
            ))
            .with(labels::command(&["kubectl", "get", "pods", "-n", "kube-system", "-o", "wide"])),
    )
}

/// A node that is not the source's; a second place tells whether it is this node's rules alone.
fn elsewhere(case: &ServiceCase<'_>) -> String {
    let other = case.endpoints.iter().filter_map(|endpoint| endpoint.node.as_deref());
    let other = other.into_iter().find(|node| Some(*node) != case.node());
    other.map_or_else(|| case.from(), |node| format!("node/{node}"))
}

#[cfg(test)]
mod tests {
    use super::super::scene::Scene;

    #[test]
    fn its_address_alone_fails() {
        let mut scene = Scene::new();
        scene.through(0, "silence");
        let finding = scene.only_finding(201);
        let want = "the Service's rules on node-1 are missing or stale: its address fails, its \
                    endpoints answer";
        assert_eq!(finding.summary, want);
        assert_eq!(Scene::new().findings()[0].code, None);
    }
}
