//! No endpoints: the selector matches no pod, or nobody wrote any (scenario 1).

use std::collections::BTreeMap;

use super::{ServiceCase, fail, listed};
use crate::{
    diagnose::labels,
    finding::{Code, Finding, Label},
    near,
    service::PodSeen,
};

const CODE: Code = Code(101);

pub(super) fn find(case: &ServiceCase<'_>) -> Option<Finding> {
    if !case.endpoints.is_empty() {
        return None;
    }
    Some(match (case.spec.selector.is_empty(), &case.closer.pods) {
        (true, _) => unselective(case),
        (false, None) => {
            let selector = case.spec.selector_word();
            fail(CODE, "no endpoints: nobody stands behind the Service")
                .with(case.seen_of(format!("its selector is {selector}")))
                .with(Label::Note("the pods could not be read, so the reason is not known".into()))
                .with(pods(case, &["-l", &selector]))
        }
        (false, Some(pods)) => of_selector(case, pods),
    })
}

fn unselective(case: &ServiceCase<'_>) -> Finding {
    let label = format!("kubernetes.io/service-name={}", case.spec.peer.name);
    let command = ["kubectl", "get", "endpointslices", "-n", case.namespace(), "-l", &label];
    fail(CODE, "no endpoints: the Service has no selector, and nobody wrote any for it")
        .with(case.seen_of("no selector: its EndpointSlices are written by hand or by a program"))
        .with(labels::command(&command))
}

fn of_selector(case: &ServiceCase<'_>, all: &[PodSeen]) -> Finding {
    let selector = &case.spec.selector;
    let word = case.spec.selector_word();
    let matching: Vec<_> = all.iter().filter(|pod| missed(pod, selector).is_empty()).collect();
    if let Some(first) = matching.first() {
        let summary = match matching.len() {
            1 => format!("no endpoints: {} matches and has no address yet", first.word()),
            count => format!("no endpoints: {count} pods match and none has an address yet"),
        };
        return fail(CODE, summary)
            .with(case.seen_of(format!("selector {word}")))
            .with(pods(case, &["-l", &word]));
    }
    let seen = match all.len() {
        0 => format!("selector {word}, and there is no pod in {}", case.namespace()),
        count => format!("selector {word} matches 0 of {count} pods in {}", case.namespace()),
    };
    let keys: Vec<_> = selector.keys().map(String::as_str).collect();
    let unless = "EndpointSlices are written by hand: none is labelled for this Service";
    fail(CODE, "no endpoints: the selector matches no pod")
        .with(case.seen_of(seen))
        .with(nearest(all, selector))
        .with(Label::Unless(unless.into()))
        .with(pods(case, &["-L", &keys.join(",")]))
}

/// The pods that miss the fewest labels, of these the ones whose values are nearest.
fn nearest(all: &[PodSeen], selector: &BTreeMap<String, String>) -> Option<Label> {
    let least = all.iter().map(|pod| missed(pod, selector).len()).min()?;
    if least == selector.len() && !all.iter().any(|pod| has_a_key(pod, selector)) {
        return None;
    }
    let near = |pod: &&PodSeen| missed(pod, selector).len() == least && has_a_key(pod, selector);
    let near: Vec<_> = all.iter().filter(near).collect();
    let first = near.iter().min_by_key(|pod| apart(pod, selector))?;
    let differs = missed(first, selector);
    let alike: Vec<_> = near.iter().filter(|pod| missed(pod, selector) == differs).collect();
    let whose = match (&first.owner, alike.len()) {
        (Some(owner), 1) => format!("1 pod of {owner}"),
        (Some(owner), count) if alike.iter().all(|pod| pod.owner.as_ref() == Some(owner)) => {
            format!("{count} pods of {owner}")
        }
        _ => listed(&alike.iter().map(|pod| pod.word()).collect::<Vec<_>>()),
    };
    let has: Vec<_> = selector
        .iter()
        .filter(|(key, _)| !differs.contains_key(*key))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let but: Vec<_> = differs
        .iter()
        .map(|(key, value)| match value {
            Some(value) => format!("{key}={value}"),
            None => format!("no label {key}"),
        })
        .collect();
    let verb = if alike.len() == 1 { "has" } else { "have" };
    let text = match has.is_empty() {
        true => format!("{whose} {verb} {}", but.join(", ")),
        false => format!("{whose} {verb} {} but {}", has.join(", "), but.join(", ")),
    };
    Some(Label::Differ(text))
}

/// Letters between what is selected and what the pod has.
fn apart(pod: &PodSeen, selector: &BTreeMap<String, String>) -> usize {
    let differs = missed(pod, selector).into_iter();
    let letters = |(key, has): (&String, Option<&String>)| {
        near::distance(&selector[key], has.map_or("", String::as_str))
    };
    differs.map(letters).sum()
}

fn has_a_key(pod: &PodSeen, selector: &BTreeMap<String, String>) -> bool {
    selector.keys().any(|key| pod.labels.contains_key(key))
}

/// The labels that keep a pod from being selected, with the values that it has.
fn missed<'a>(
    pod: &'a PodSeen,
    selector: &'a BTreeMap<String, String>,
) -> BTreeMap<&'a String, Option<&'a String>> {
    let differs = selector.iter().filter(|(key, value)| pod.labels.get(*key) != Some(value));
    differs.map(|(key, _)| (key, pod.labels.get(key))).collect()
}

fn pods(case: &ServiceCase<'_>, words: &[&str]) -> Label {
    let command = ["kubectl", "get", "pods", "-n", case.namespace()];
    labels::command(&[&command[..], words].concat())
}

#[cfg(test)]
mod tests {
    use super::super::scene::Scene;
    use crate::finding::Label;

    #[test]
    fn the_label_that_differs_is_named() {
        let mut scene = Scene::new().without_endpoints();
        scene.select(&[("app", "payment"), ("tier", "api")]);
        for name in ["a", "b"] {
            scene.pod(name).labels = [("app", "payments"), ("tier", "api")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into();
        }
        let finding = scene.only_finding(101);
        assert_eq!(finding.summary, "no endpoints: the selector matches no pod");
        let differ = Label::Differ("pod/a and pod/b have tier=api but app=payments".into());
        assert!(finding.labels.contains(&differ), "{finding:?}");
        assert!(finding.labels.iter().any(|label| matches!(label, Label::SeenOf { text, .. }
            if text == "selector app=payment,tier=api matches 0 of 2 pods in shop")));
    }

    #[test]
    fn of_pods_that_miss_as_many_labels_the_nearest_value_is_named() {
        let mut scene = Scene::new().without_endpoints();
        scene.select(&[("app", "fooo")]);
        for name in ["bar", "foo"] {
            scene.pod(name).labels = [("app".to_owned(), name.to_owned())].into();
        }
        let differ = Label::Differ("pod/foo has app=foo".into());
        let finding = scene.only_finding(101);
        assert!(finding.labels.contains(&differ), "{finding:?}");
    }

    #[test]
    fn a_service_without_selector_is_told_apart() {
        let mut scene = Scene::new().without_endpoints();
        scene.select(&[]);
        assert!(scene.only_finding(101).summary.contains("no selector"));
    }

    #[test]
    fn pods_that_nobody_may_read_leave_the_reason_open() {
        let mut scene = Scene::new().without_endpoints();
        scene.closer.pods = None;
        let finding = scene.only_finding(101);
        assert!(
            finding.labels.iter().any(
                |label| matches!(label, Label::Note(text) if text.contains("could not be read"))
            )
        );
    }
}
