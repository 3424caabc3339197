//! A targetPort by name that the pods do not declare (scenario 4).

use super::{ServiceCase, fail, listed, port_word};
use crate::{
    diagnose::labels,
    finding::{Code, Finding, Label},
    service::{Endpoint, PodSeen, ServicePort},
};

const CODE: Code = Code(104);

/// What such an endpoint makes of connections.
const MEANS: &str = "such an endpoint gets nothing on this port: connections are rejected at the \
                     client's node, or go to the others";
/// Each pod with what its containers declare.
const DECLARED: &str =
    "jsonpath={range .items[*]}{.metadata.name}{\": \"}{.spec.containers[*].ports}{\"\\n\"}{end}";

pub(super) fn find(case: &ServiceCase<'_>) -> Option<Finding> {
    let named = case.spec.ports.iter().filter(|port| port.is_named());
    named.into_iter().find_map(|port| {
        let lacks = |endpoint: &&Endpoint| endpoint.port(port).is_none();
        let without: Vec<_> = case.endpoints.iter().filter(lacks).collect();
        let first = without.first()?;
        let seen = format!("targetPort {} of port {}", port.target, port.declared.number);
        let command = ["kubectl", "get", "pods", "-n", case.namespace(), "-o", DECLARED];
        Some(
            fail(CODE, summary(case, port, &without))
                .with(case.seen_of(seen))
                .with(case.pod(first).map(|pod| Label::Differ(declares(pod))))
                .with(Label::Means(MEANS.into()))
                .with(labels::command(&command)),
        )
    })
}

fn summary(case: &ServiceCase<'_>, port: &ServicePort, without: &[&Endpoint]) -> String {
    let (count, all) = (without.len(), case.endpoints.len());
    let verb = if count == 1 { "declares" } else { "declare" };
    let who = match count == all {
        true => String::new(),
        false => {
            let words: Vec<_> = without.iter().map(|endpoint| endpoint.short()).collect();
            format!(": {}", listed(&words))
        }
    };
    let (of, target, port) = (case.share(count, all), &port.target, port_word(port));
    format!("{of} {verb} no port named \"{target}\", which port {port} asks for{who}")
}

/// `pod/checkout-a declares http (8080), 9090 without a name`.
fn declares(pod: &PodSeen) -> String {
    let ports = pod.ports.iter().map(|port| match &port.name {
        Some(name) => format!("{name} ({})", port.number),
        None => format!("{} without a name", port.number),
    });
    let ports: Vec<_> = ports.collect();
    match ports.is_empty() {
        true => format!("{} declares no port", pod.word()),
        false => format!("{} declares {}", pod.word(), ports.join(", ")),
    }
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
