//! A NetworkPolicy that keeps the source out (scenario 36). Its nearest look-alikes, a pod that is
//! dead or does not listen, are excluded by asking from the endpoint's own node, which no policy
//! holds back.

use super::{ServiceCase, fail, times};
use crate::{
    diagnose::labels,
    finding::{Code, Finding, Label, PeerKind},
    policy::{Denial, Direction, labels_word},
    service::{Barred, Endpoint},
};

const CODE: Code = Code(401);

pub(super) fn find(case: &ServiceCase<'_>) -> Option<Finding> {
    let is_dead = |at: usize| case.asked().any(|(_, answers)| answers.endpoints[at].is_dead());
    let dead = case.plan.endpoints.iter().enumerate().filter(|(at, _)| is_dead(*at));
    let barred = dead.filter_map(|(_, endpoint)| {
        let barred = case.closer.barred.get(&endpoint.address)?;
        let denial = barred.ruling.denial().filter(|_| barred.own_node.is_well())?;
        Some((endpoint, barred, denial))
    });
    let barred: Vec<(&Endpoint, &Barred, &Denial)> = barred.collect();
    let (endpoint, one, denial) = *barred.first()?;
    let policy = denial.policies.first()?;
    let others = denial.policies.len() - 1;
    let and_more = if others > 0 { format!(" and {others} more") } else { String::new() };
    let verb = match denial.direction {
        Direction::Ingress => "out of",
        Direction::Egress => "away from",
    };
    let keep = if others > 0 { "keep" } else { "keeps" };
    let (name, direction) = (&policy.name, denial.direction.word());
    let summary = format!(
        "NetworkPolicy {name}{and_more} {keep} {} {verb} {} ({direction})",
        case.from(),
        endpoint.short()
    );
    let source = labels_word(&one.source_labels);
    let admits = match denial.direction {
        Direction::Ingress if denial.admits_nobody() => "none of its rules admits anybody".into(),
        Direction::Ingress if case.from.kind == PeerKind::Node => {
            format!(
                "it admits from {}; a node is no pod, and only address ranges admit it",
                denial.admits
            )
        }
        Direction::Ingress => format!("it admits from {}; the source has {source}", denial.admits),
        Direction::Egress => format!("it lets the source go to {}", denial.admits),
    };
    let well = times(one.own_node.well());
    let node = endpoint.node.as_deref().unwrap_or("its own node");
    let place = policy.namespace.as_deref().unwrap_or_default();
    Some(
        fail(CODE, summary)
            .with(Label::SeenOf { text: admits, object: policy.clone() })
            .with(Label::Seen(format!(
                "{node}, its own node, which no policy holds back, connects {well} of {well}: it \
                 listens and can be reached"
            )))
            .with(Label::Unless(
                "another engine's policy, which the API does not show, applies as well".into(),
            ))
            .with(labels::command(&["kubectl", "describe", "netpol", name, "-n", place])),
    )
}

/// One that would explain the silence, where no control could be asked.
pub(super) fn suspect(case: &ServiceCase<'_>) -> Option<Label> {
    let barred = case.closer.barred.values().find(|it| it.ruling.denial().is_some())?;
    let denial = barred.ruling.denial().filter(|_| barred.own_node.tries() == 0)?;
    let name = &denial.policies.first()?.name;
    Some(Label::Note(format!(
        "NetworkPolicy {name} ({}) admits {}: likely it; sure would be a connect from the \
         endpoint's own node, which you may not",
        denial.direction.word(),
        denial.admits
    )))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{super::scene::Scene, *};
    use crate::{
        finding::Object,
        service::{Ruling, Tally},
    };

    fn denial() -> Denial {
        let policy = Object {
            kind: "NetworkPolicy".into(),
            namespace: Some("shop".into()),
            name: "checkout-ingress".into(),
            resource_version: "90877".into(),
        };
        let admits = "pods with role=frontend".into();
        Denial { direction: Direction::Ingress, policies: vec![policy], admits }
    }

    fn scene(own_node: &str) -> Scene {
        let mut scene = Scene::new();
        scene.through(0, "silence");
        for at in 0..2 {
            scene.endpoint(at, "silence");
            let barred = Barred {
                own_node: scene.tally(own_node),
                ruling: Ruling::Denied(denial()),
                source_labels: BTreeMap::from([("app".into(), "web".into())]),
            };
            scene.closer.barred.insert(scene.endpoints[at].address, barred);
        }
        scene
    }

    #[test]
    fn a_policy_is_named_where_the_own_node_gets_through() {
        let finding = scene("connected").only_finding(401);
        let want =
            "NetworkPolicy checkout-ingress keeps shop/pod/web out of pod/checkout-a (ingress)";
        assert_eq!(finding.summary, want);
        let text = "it admits from pods with role=frontend; the source has app=web".into();
        let seen = Label::SeenOf { text, object: denial().policies.remove(0) };
        assert!(finding.labels.contains(&seen), "{finding:?}");
    }

    #[test]
    fn without_the_control_it_stays_a_symptom() {
        let finding = scene("silence").only_finding(302);
        let is_note = |label: &Label| matches!(label, Label::Note(_));
        assert!(!finding.labels.iter().any(is_note), "its own node is silent too: {finding:?}");
        let mut scene = scene("silence");
        scene.closer.barred.values_mut().for_each(|it| it.own_node = Tally::default());
        let note = "NetworkPolicy checkout-ingress (ingress) admits pods with role=frontend: likely \
                    it; sure would be a connect from the endpoint's own node, which you may not";
        let finding = scene.only_finding(302);
        assert!(finding.labels.contains(&Label::Note(note.into())), "{finding:?}");
    }
}
