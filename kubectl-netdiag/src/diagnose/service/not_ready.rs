//! Endpoints that are not ready (scenario 2): all of them, or some.

use super::{ServiceCase, fail, listed};
use crate::{
    diagnose::labels,
    finding::{Code, Finding, Label, Severity},
    service::{Endpoint, ServiceKind, Tally},
};

const CODE: Code = Code(102);

/// Nobody is: clients have nowhere to go.
pub(super) fn none(case: &ServiceCase<'_>) -> Option<Finding> {
    let is_any = case.endpoints.iter().any(|endpoint| endpoint.ready);
    if is_any || case.spec.publishes_not_ready {
        return None;
    }
    let first = case.endpoints.first()?;
    let summary = match case.endpoints.len() {
        1 => format!("{} is not ready: {}", case.share(1, 1), first.short()),
        count => format!("none of its {count} {}s is ready", case.noun()),
    };
    Some(
        fail(CODE, summary)
            .with(answers(
                case,
                &case.plan.endpoints.iter().filter(|it| !it.ready).collect::<Vec<_>>(),
            ))
            .with(terminating(case))
            .with(describe(case, first)),
    )
}

/// Some are not, and get nothing.
pub(super) fn some(case: &ServiceCase<'_>) -> Option<Finding> {
    let not: Vec<_> = case.endpoints.iter().filter(|endpoint| !endpoint.ready).collect();
    if not.len() == case.endpoints.len() || case.spec.publishes_not_ready {
        return None;
    }
    let first = not.first()?;
    let words: Vec<_> = not.iter().map(|endpoint| endpoint.short()).collect();
    let consequence = match case.is_headless() {
        true => "so DNS leaves it out",
        false if case.spec.kind == ServiceKind::Pods => "so no Service sends anything there",
        false => "so no node sends anything there",
    };
    let verb = if not.len() == 1 { "is" } else { "are" };
    let of = case.share(not.len(), case.endpoints.len());
    let summary = format!("{of} {verb} not ready, {consequence}: {}", listed(&words));
    Some(
        Finding::new(Severity::Warn, CODE, summary)
            .with(answers(case, &not))
            .with(terminating(case))
            .with(describe(case, first)),
    )
}

/// Whether those take connections all the same, which says that only their readiness keeps them out.
fn answers(case: &ServiceCase<'_>, not: &[&Endpoint]) -> Option<Label> {
    let tallies: Vec<&Tally> = case
        .asked()
        .flat_map(|(_, answers)| case.each(answers))
        .filter(|(_, endpoint, _)| not.contains(endpoint))
        .map(|(.., tally)| tally)
        .collect();
    let text = match () {
        () if tallies.is_empty() => return None,
        () if tallies.iter().all(|tally| tally.is_well()) => {
            "asked directly it takes connections: only its readiness keeps it out"
        }
        () if tallies.iter().all(|tally| tally.is_dead()) => {
            "asked directly it takes no connection either"
        }
        () => "asked directly some of its ports take connections",
    };
    Some(Label::Seen(text.into()))
}

fn terminating(case: &ServiceCase<'_>) -> Option<Label> {
    let count = case.endpoints.iter().filter(|endpoint| endpoint.terminating).count();
    let text = match count {
        0 => return None,
        1 => "1 of them is ending, as pods do while they are replaced".to_owned(),
        count => format!("{count} of them are ending, as pods do while they are replaced"),
    };
    Some(Label::Note(text))
}

/// The events name the probe and its answer.
fn describe(case: &ServiceCase<'_>, endpoint: &Endpoint) -> Option<Label> {
    let pod = endpoint.pod.as_ref()?;
    let name = format!("pod/{}", pod.name);
    Some(labels::command(&["kubectl", "describe", "-n", case.namespace(), &name]))
}

#[cfg(test)]
mod tests {
    use super::super::scene::Scene;
    use crate::finding::{Label, Severity};

    #[test]
    fn nobody_is_ready() {
        let mut scene = Scene::new();
        scene.endpoints.iter_mut().for_each(|endpoint| endpoint.ready = false);
        scene.through(0, "rejected");
        let finding = scene.only_finding(102);
        assert_eq!(finding.severity, Severity::Fail);
        assert_eq!(finding.summary, "none of its 2 endpoints is ready");
        let seen = "asked directly it takes connections: only its readiness keeps it out";
        assert!(finding.labels.contains(&Label::Seen(seen.into())), "{finding:?}");
    }

    #[test]
    fn one_is_not_ready() {
        let mut scene = Scene::new();
        scene.endpoints[1].ready = false;
        let finding = scene.only_finding(102);
        assert_eq!(finding.severity, Severity::Warn);
        let want = "1 of 2 endpoints is not ready, so no node sends anything there: pod/checkout-b";
        assert_eq!(finding.summary, want);
    }

    #[test]
    fn a_service_that_publishes_them_has_no_fault() {
        let mut scene = Scene::new();
        scene.endpoints[1].ready = false;
        scene.spec.publishes_not_ready = true;
        assert_eq!(scene.findings()[0].code, None);
    }
}
