//! Pods that answer no echo, where nothing else can be asked of them.

use super::{ServiceCase, fail, listed};
use crate::{
    diagnose::labels,
    finding::{Code, Finding, Label},
    service::{Endpoint, ServiceKind},
};

const SILENCE: Code = Code(302);

pub(super) fn find(case: &ServiceCase<'_>) -> Option<Finding> {
    if case.spec.kind != ServiceKind::Pods || !case.plan.ports.is_empty() {
        return None;
    }
    let echoes = case.plan.endpoints.iter().zip(&case.measured.echoes);
    let silent: Vec<&Endpoint> =
        echoes.filter(|(_, echo)| echo.replied == 0).map(|(pod, _)| pod).collect();
    let first = silent.first()?;
    let verb = if silent.len() == 1 { "answers" } else { "answer" };
    let of = case.share(silent.len(), case.plan.endpoints.len());
    let words: Vec<_> = silent.iter().map(|pod| pod.short()).collect();
    let trace = ["kubectl", "netdiag", "trace", &first.word(), "-I", "--from", &case.from()];
    Some(
        fail(SILENCE, format!("{of} {verb} no echo: {}", listed(&words)))
            .with(Label::Unless("only echoes are dropped: it declares no port to ask".into()))
            .with(labels::command(&trace)),
    )
}

#[cfg(test)]
mod tests {
    use super::super::scene::Scene;
    use crate::service::ServiceKind;

    fn workload() -> Scene {
        let mut scene = Scene::new();
        scene.spec.kind = ServiceKind::Pods;
        scene.spec.ports.clear();
        scene
    }

    #[test]
    fn a_pod_without_ports_is_judged_by_its_echoes() {
        let mut scene = workload();
        let well = scene.findings();
        assert_eq!(well[0].summary, "both pods answer echoes; no port is declared to be asked");
        scene.measured.echoes[1].replied = 0;
        let finding = scene.only_finding(302);
        assert_eq!(finding.summary, "1 of 2 pods answers no echo: pod/checkout-b");
    }
}
