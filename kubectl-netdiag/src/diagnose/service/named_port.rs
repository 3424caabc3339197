//! A targetPort by name that the pods do not declare (scenario 4).

use super::{ServiceCase, fail, listed, port_word, share};
use crate::{
    diagnose::labels,
    finding::{Code, Finding, Label},
};

const CODE: Code = Code(104);

pub(super) fn find(case: &ServiceCase<'_>) -> Option<Finding> {
    case.spec.ports.iter().filter(|port| port.is_named()).find_map(|port| {
        let without: Vec<_> =
            case.endpoints.iter().filter(|endpoint| endpoint.port(port).is_none()).collect();
        let first = without.first()?;
        let declared: Vec<_> = case.pod(first).map(|pod| &pod.ports).into_iter().flatten().collect();
        let names = declared.iter().map(|port| match &port.name {
            Some(name) => format!("{name} ({})", port.number),
            None => format!("{} without a name", port.number),
        });
        let names: Vec<_> = names.collect();
        let declares = case.pod(first).map(|_| match names.is_empty() {
            true => format!("{} declares no port", first.short()),
            false => format!("{} declares {}", first.short(), names.join(", ")),
        });
        let of = share(without.len(), case.endpoints.len());
        let target = &port.target;
        let words: Vec<_> = without.iter().map(|endpoint| endpoint.short()).collect();
        let who = if without.len() == case.endpoints.len() { String::new() } else { format!(": {}", listed(&words)) };
        let summary = format!("{of} declares no port named \"{target}\", which port {} asks for{who}", port_word(port));
        let summary = if without.len() == 1 { summary } else { summary.replacen(" declares ", " declare ", 1) };
        let command = ["kubectl", "get", "pods", "-n", case.namespace(), "-o", "jsonpath={range .items[*]}{.metadata.name}{\": \"}{.spec.containers[*].ports}{\"\\n\"}{end}"];
        let seen = format!("targetPort {target} of port {}", port.declared.number);
        let means = "such an endpoint gets nothing on this port: connections are rejected at the client's node, or go to the others";
        Some(
            fail(CODE, summary)
                .with(case.seen_of(seen))
                .with(declares.map(Label::Differ))
                .with(Label::Means(means.into()))
                .with(labels::command(&command)),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::scene::Scene;
    use crate::finding::Label;

    #[test]
    fn a_name_that_no_pod_has_is_told_with_those_that_it_has() {
        let mut scene = Scene::new();
        scene.target_port("web");
        scene.endpoints.iter_mut().for_each(|endpoint| endpoint.ports.clear());
        let finding = scene.only_finding(104);
        let want = "both endpoints declare no port named \"web\", which port http asks for";
        assert_eq!(finding.summary, want);
        let differ = Label::Differ("pod/checkout-a declares http (8080)".into());
        assert!(finding.labels.contains(&differ), "{finding:?}");
    }

    #[test]
    fn a_name_that_the_pods_have_is_none() {
        let mut scene = Scene::new();
        scene.target_port("http");
        assert_eq!(scene.findings()[0].code, None);
    }
}
