//! An endpoint that answers now and then.

use super::{ServiceCase, listed, port_word};
use crate::{
    diagnose::labels,
    finding::{Code, Finding, Label, Severity},
};

const CODE: Code = Code(301);

pub(super) fn find(case: &ServiceCase<'_>) -> Option<Finding> {
    let tcp = case.asked().filter(|(port, _)| port.is_tcp());
    tcp.into_iter().find_map(|(port, answers)| {
        let half: Vec<_> =
            case.each(answers).filter(|(.., tally)| !tally.is_well() && !tally.is_dead()).collect();
        let (_, first, tally) = half.first()?;
        let words: Vec<_> = half.iter().map(|(_, endpoint, _)| endpoint.short()).collect();
        let of = case.share(half.len(), case.each(answers).count());
        let verb = if half.len() == 1 { "answers" } else { "answer" };
        let summary = format!(
            "{of} {verb} on {} only some of the time: {}",
            port_word(port),
            listed(&words),
        );
        let to = format!("{}:{}", first.word(), first.port(port)?);
        Some(
            Finding::new(Severity::Warn, CODE, summary)
                .with(Label::Seen(format!("{} of {} connected", tally.well(), tally.tries())))
                .with(labels::command(&[
                    "kubectl",
                    "netdiag",
                    "connect",
                    &to,
                    "--count",
                    "20",
                    "--from",
                    &case.from(),
                ])),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::scene::Scene;

    #[test]
    fn one_that_answers_now_and_then() {
        let mut scene = Scene::new();
        scene.some_of(0, "refused");
        let finding = scene.only_finding(301);
        let want = "1 of 2 endpoints answers on http only some of the time: pod/checkout-a";
        assert_eq!(finding.summary, want);
    }
}
