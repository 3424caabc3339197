//! What could not be asked: then nothing is claimed.

use super::ServiceCase;
use crate::{
    finding::{Code, Finding, Label, Severity},
    plan::PortProtocol,
    render::number,
    service::ServiceKind,
};

const TOO_LITTLE: Code = Code(309);
const UDP_SILENCE: Code = Code(610);
const CLUSTER_IP: Code = Code(901);

pub(super) fn find(case: &ServiceCase<'_>) -> Option<Finding> {
    let unknown = |code, summary: String| Finding::new(Severity::Unknown, code, summary);
    if case.spec.kind == ServiceKind::Pods && case.plan.ports.is_empty() {
        let is_asked = !case.measured.echoes.is_empty();
        let summary = "cannot tell: no echo was sent, and no port is declared to be asked";
        return (!is_asked).then(|| unknown(TOO_LITTLE, summary.into()));
    }
    if case.plan.ports.is_empty() {
        let summary = "nothing to ask: the Service declares no TCP or UDP port";
        return Some(unknown(CLUSTER_IP, summary.into()));
    }
    let is_asked = case.asked().any(|(_, answers)| case.each(answers).next().is_some());
    if !is_asked {
        return Some(unknown(TOO_LITTLE, "cannot tell: it ended before the first answer".into()));
    }
    let silent = case.asked().find(|(port, answers)| {
        port.declared.protocol == PortProtocol::Udp
            && !case.each(answers).all(|(.., it)| it.is_well())
    });
    let (port, _) = silent?;
    let number = number::count(port.declared.number.into());
    let summary = format!(
        "UDP {number} is open or filtered: UDP that does not answer looks like UDP that is dropped"
    );
    Some(
        unknown(UDP_SILENCE, summary)
            .with(Label::Note("the other ports answer as they should".into())),
    )
}

#[cfg(test)]
mod tests {
    use super::super::scene::Scene;

    #[test]
    fn without_ports_nothing_is_claimed() {
        let mut scene = Scene::new();
        scene.spec.ports.clear();
        assert_eq!(
            scene.only_finding(901).summary,
            "nothing to ask: the Service declares no TCP or UDP port"
        );
    }
}
