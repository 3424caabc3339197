//! The Service's address fails, yet every endpoint answers: the rules in between (scenario 14).

use netdiag_wire::facts::{Fact, ProxySync};

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
    let (proxy, is_ill) =
        kube_proxy(case).map_or((None, false), |(text, is_ill)| (Some(text), is_ill));
    let (summary, means) = match is_ill {
        true => (
            format!("stale Service rules on {place}: its address fails, its endpoints answer"),
            None,
        ),
        false => (
            format!("the Service's rules on {place} do not lead to its endpoints, which answer"),
            Some("the rules are missing or stale, or another rule stands before them"),
        ),
    };
    let asked = case.share(case.each(answers).count(), case.each(answers).count());
    Some(
        fail(CODE, summary)
            .with(Label::Seen(format!("through its address {failed} of {tries} fail ({how})")))
            .with(Label::Seen(format!("asked directly from there, {asked} answer")))
            .with(proxy.map(Label::Seen))
            .with(means.map(|means| Label::Means(means.into())))
            .with(Label::Unless("endpoints changed seconds ago: ask again".into()))
            .with(labels::command(&[
                "kubectl",
                "netdiag",
                "connect",
                &to,
                "--from",
                &elsewhere(case),
            ]))
            .with(labels::command(&[
                "kubectl",
                "get",
                "pods",
                "-n",
                "kube-system",
                "-l",
                "k8s-app=kube-proxy",
                "-o",
                "wide",
            ])),
    )
}

/// What kube-proxy on the source's node says of itself, and whether that explains it.
fn kube_proxy(case: &ServiceCase<'_>) -> Option<(String, bool)> {
    let facts = case.carrier.facts.as_ref()?;
    let proxy = &facts.kube_proxy;
    if proxy.mode.is_none() {
        let why = facts.why_not(Fact::ProxyMode)?;
        return Some((format!("kube-proxy there does not answer: {why}"), true));
    }
    let now = facts.now_at;
    let behind = proxy.behind(now);
    let at = |at| labels::instant(at, now);
    if let Some(ProxySync { last_at: Some(last), queued_at: Some(queued), .. }) = behind {
        let (last, queued) = (at(*last), at(*queued));
        let text =
            format!("kube-proxy there: last sync {last}, last change queued {queued} (metrics)");
        return Some((text, true));
    }
    let last = proxy.last_at()?;
    Some((format!("kube-proxy there is in step: last sync {} (metrics)", at(last)), false))
}

/// A node that is not the source's; a second place tells whether it is this node's rules alone.
fn elsewhere(case: &ServiceCase<'_>) -> String {
    let other = case.endpoints.iter().filter_map(|endpoint| endpoint.node.as_deref());
    let other = other.into_iter().find(|node| Some(*node) != case.node());
    other.map_or_else(|| case.from(), |node| format!("node/{node}"))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use netdiag_wire::facts::{KubeProxy, NodeFacts, NotKnown, ProxyMode};

    use super::{super::scene::Scene, *};

    #[test]
    fn its_address_alone_fails() {
        let mut scene = Scene::new();
        scene.through(0, "silence");
        let finding = scene.only_finding(201);
        let want = "the Service's rules on node-1 do not lead to its endpoints, which answer";
        assert_eq!(finding.summary, want);
        assert_eq!(Scene::new().findings()[0].code, None);
    }

    #[test]
    fn a_kube_proxy_that_is_behind_or_gone_explains_it() {
        let mut scene = Scene::new();
        scene.through(3, "silence");
        let instant = |second| Timestamp::from_second(second).unwrap();
        let sync = ProxySync {
            family: None,
            last_at: Some(instant(100)),
            queued_at: Some(instant(1_600)),
        };
        let kube_proxy = KubeProxy {
            mode: Some(ProxyMode::Iptables),
            syncs: vec![sync],
            ..KubeProxy::default()
        };
        let mut facts = NodeFacts { now_at: instant(1_900), kube_proxy, ..NodeFacts::default() };
        scene.carrier.facts = Some(facts.clone());
        let finding = scene.only_finding(201);
        let want = "stale Service rules on node-1: its address fails, its endpoints answer";
        assert_eq!(finding.summary, want);
        let seen =
            "kube-proxy there: last sync 00:01:40 UTC, last change queued 00:26:40 UTC (metrics)";
        assert!(finding.labels.contains(&Label::Seen(seen.into())), "{finding:?}");
        facts.kube_proxy = KubeProxy::default();
        facts.not_known = vec![NotKnown { fact: Fact::ProxyMode, why: "refused".into() }];
        scene.carrier.facts = Some(facts);
        let seen = Label::Seen("kube-proxy there does not answer: refused".into());
        assert!(scene.only_finding(201).labels.contains(&seen));
    }
}
