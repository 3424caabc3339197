//! Node ports and external addresses that take nothing, where the Service itself is well
//! (scenario 8: a node without an endpoint, and `externalTrafficPolicy: Local`).

use super::{ServiceCase, fail, listed};
use crate::{
    diagnose::labels,
    finding::{Code, Finding, Label, Severity},
    service::{Door, DoorKind, Tally},
};

const EXTERNAL_LOCAL: Code = Code(106);
const RULES: Code = Code(201);

pub(super) fn find(case: &ServiceCase<'_>) -> Option<Finding> {
    case.asked().find_map(|(port, answers)| {
        if !port.is_tcp() || !answers.through.is_well() {
            return None;
        }
        let doors: Vec<(&Door, &Tally)> = case.plan.doors.iter().zip(&answers.doors).collect();
        let dead: Vec<&Door> =
            doors.iter().filter(|(_, tally)| tally.is_dead()).map(|(door, _)| *door).collect();
        let well = doors.iter().find(|(_, tally)| tally.is_well()).map(|(door, _)| *door);
        let first = *dead.first()?;
        let words: Vec<String> = dead.iter().map(|door| door.what()).collect();
        let at = format!("{}:{}", first.address, first.port(port)?);
        let also = well.map(|door| Label::Seen(format!("the {} takes connections", door.what())));
        let finding = match dead.iter().all(|door| door.drops(case.spec.is_external_local)) {
            true => Finding::new(
                Severity::Warn,
                EXTERNAL_LOCAL,
                format!(
                    "externalTrafficPolicy Local, and no ready endpoint there: the {} takes nothing",
                    listed(&words)
                ),
            )
            .with(case.seen_of("externalTrafficPolicy is Local: each node sends to its own only"))
            .with(Label::Means(
                "as it should be, if the load balancer asks healthCheckNodePort and leaves such \
                 nodes out"
                    .into(),
            )),
            false => fail(
                RULES,
                format!("the {} takes nothing, its address and endpoints answer", listed(&words)),
            )
            .with(match first.kind {
                DoorKind::NodePort { .. } => {
                    Label::Means("that node's rules are missing or stale, or a firewall stands there".into())
                }
                DoorKind::LoadBalancer | DoorKind::External => Label::Means(
                    "nobody answers for that address, or not to who asks from inside".into(),
                ),
            }),
        };
        let to = ["kubectl", "netdiag", "trace", &at, "-T", "--from", &case.from()];
        Some(finding.with(also).with(labels::command(&to)))
    })
}

#[cfg(test)]
mod tests {
    use super::{super::scene::Scene, *};

    #[test]
    fn a_node_without_an_endpoint_drops_by_policy() {
        let mut scene = Scene::new();
        scene.node_ports([1, 0], ["connected", "silence"]);
        scene.spec.is_external_local = true;
        let finding = scene.only_finding(106);
        assert_eq!(finding.severity, Severity::Warn);
        let want = "externalTrafficPolicy Local, and no ready endpoint there: the node port on \
                    node-2 takes nothing";
        assert_eq!(finding.summary, want);
        let seen = Label::Seen("the node port on node-1 takes connections".into());
        assert!(finding.labels.contains(&seen), "{finding:?}");
    }

    #[test]
    fn without_that_policy_it_is_the_nodes_fault() {
        let mut scene = Scene::new();
        scene.node_ports([1, 0], ["connected", "silence"]);
        let finding = scene.only_finding(201);
        let want = "the node port on node-2 takes nothing, its address and endpoints answer";
        assert_eq!(finding.summary, want);
    }

    #[test]
    fn all_that_answer_are_well() {
        let mut scene = Scene::new();
        scene.node_ports([1, 1], ["connected", "connected"]);
        assert_eq!(scene.findings()[0].code, None);
    }
}
