//! `internalTrafficPolicy: Local` and no endpoint on the source's node (scenario 9).

use super::{ServiceCase, fail};
use crate::{
    diagnose::labels,
    finding::{Code, Finding, Label},
};

const CODE: Code = Code(107);

pub(super) fn find(case: &ServiceCase<'_>) -> Option<Finding> {
    let node = case.node().filter(|_| case.spec.is_internal_local)?;
    let is_here = |node: &Option<String>| node.as_deref() == case.node();
    let has_any = case.endpoints.iter().any(|endpoint| endpoint.ready && is_here(&endpoint.node));
    let is_dead = case.asked().any(|(_, answers)| answers.through.is_dead());
    if has_any || !is_dead {
        return None;
    }
    let elsewhere = case.endpoints.iter().filter(|endpoint| endpoint.ready).count();
    let (namespace, name) = (case.namespace(), &case.spec.peer.name);
    let label = format!("kubernetes.io/service-name={name}");
    Some(
        fail(CODE, format!("no endpoint on {node}, and the Service sends to its own node's only"))
            .with(case.seen_of("internalTrafficPolicy: Local"))
            .with(Label::Seen(format!("{elsewhere} ready on other nodes, which answer directly")))
            .with(Label::Means("clients on a node without an endpoint get nothing".into()))
            .with(labels::command(&[
                "kubectl",
                "get",
                "endpointslices",
                "-n",
                namespace,
                "-l",
                &label,
                "-o",
                "wide",
            ])),
    )
}

#[cfg(test)]
mod tests {
    use super::super::scene::Scene;

    #[test]
    fn a_node_without_an_endpoint_of_its_own() {
        let mut scene = Scene::new();
        scene.spec.is_internal_local = true;
        scene.from.node = Some("node-9".into());
        scene.through(0, "silence");
        let finding = scene.only_finding(107);
        assert!(finding.summary.starts_with("no endpoint on node-9"), "{finding:?}");
        let mut twin = Scene::new();
        twin.spec.is_internal_local = true;
        assert_eq!(twin.findings()[0].code, None);
    }
}
