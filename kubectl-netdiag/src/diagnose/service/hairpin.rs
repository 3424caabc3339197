//! A pod that cannot reach itself through its own Service (scenario 13).

use super::{ServiceCase, fail, times};
use crate::{
    diagnose::labels,
    finding::{Code, Finding, Label},
    service::Endpoint,
};

const CODE: Code = Code(204);

pub(super) fn find(case: &ServiceCase<'_>) -> Option<Finding> {
    let own = case.endpoints.iter().find(|endpoint| is_source(case, endpoint))?;
    let (port, answers) = case.asked().find(|(_, answers)| {
        let direct = case.each(answers).all(|(.., tally)| tally.is_well());
        direct && answers.through.tries() > answers.through.well()
    })?;
    let through = &answers.through;
    let failed = through.tries() - through.well();
    let ready = case.endpoints.iter().filter(|endpoint| endpoint.ready).count();
    // All of them fail where others stand behind it as well: that is no matter of the pod itself.
    if through.is_dead() && ready > 1 {
        return None;
    }
    let to = format!("{}:{}", case.service(), port.declared.number);
    let node = own.node.clone().unwrap_or_default();
    Some(
        fail(CODE, format!("{} does not reach itself through its own Service", own.short()))
            .with(Label::Seen(format!(
                "through the Service {} of {} fail, what 1 of {ready} endpoints gives",
                times(failed),
                times(through.tries()),
            )))
            .with(Label::Seen("asked directly, every endpoint answers, itself among them".into()))
            .with(Label::Unless("another endpoint fails now and then: ask from another pod".into()))
            .with(labels::command(&[
                "kubectl",
                "netdiag",
                "connect",
                &to,
                "--count",
                "20",
                "--from",
                &format!("node/{node}"),
            ])),
    )
}

fn is_source(case: &ServiceCase<'_>, endpoint: &Endpoint) -> bool {
    endpoint.pod.as_ref().is_some_and(|pod| {
        Some(&pod.namespace) == case.from.namespace.as_ref() && pod.name == case.from.name
    })
}

#[cfg(test)]
mod tests {
    use super::super::scene::Scene;

    #[test]
    fn the_source_is_an_endpoint_itself() {
        let mut scene = Scene::new();
        scene.from.name = "checkout-a".into();
        scene.through(3, "silence");
        let finding = scene.only_finding(204);
        assert_eq!(finding.summary, "pod/checkout-a does not reach itself through its own Service");
        let mut twin = Scene::new();
        twin.from.name = "checkout-a".into();
        assert_eq!(twin.findings()[0].code, None);
    }
}
