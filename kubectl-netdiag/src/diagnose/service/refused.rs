//! Endpoints that refuse: nobody listens there (scenarios 3 and 44), as far as is known why.

use std::net::IpAddr;

use super::{ServiceCase, fail, is_refused, listed, pod_object, port_word, share, times};
use crate::{
    diagnose::labels,
    finding::{Code, Finding, Label},
    service::{Answers, Endpoint, Listening, ServicePort, Tally},
};

const TARGET_PORT: Code = Code(103);
const LOOPBACK: Code = Code(601);
const REFUSED: Code = Code(602);

/// The endpoints of a port that refuse every time.
struct Refusal<'a> {
    case: &'a ServiceCase<'a>,
    port: &'a ServicePort,
    answers: &'a Answers,
    bad: Vec<(usize, &'a Endpoint, &'a Tally)>,
    of: usize,
}

pub(super) fn find(case: &ServiceCase<'_>) -> Option<Finding> {
    case.asked().find_map(|(port, answers)| {
        let refuses = |tally: &Tally| tally.count(is_refused) == tally.tries();
        let bad: Vec<_> = case.each(answers).filter(|(.., tally)| refuses(tally)).collect();
        let of = case.each(answers).count();
        if bad.is_empty() {
            return None;
        }
        Some(Refusal { case, port, answers, bad, of }.finding())
    })
}

impl Refusal<'_> {
    fn finding(&self) -> Finding {
        let listening: Vec<_> =
            self.bad.iter().map(|(_, endpoint, _)| self.listening(endpoint)).collect();
        let numbers = self.numbers();
        let is_loopback = |one: &Option<&[Listening]>| {
            one.is_some_and(|all| {
                all.iter().any(|it| numbers.contains(&it.port) && it.is_loopback())
            })
        };
        let others = self.others(&listening);
        let of = share(self.bad.len(), self.of);
        let verb = if self.bad.len() == 1 { "listens" } else { "listen" };
        let target = number(&numbers);
        let finding =
            if listening.iter().any(is_loopback) && self.all_known(&listening, is_loopback) {
                fail(LOOPBACK, format!("{of} {verb} on 127.0.0.1:{target} only: {}", self.words()))
            } else if !others.is_empty() {
                let ports: Vec<_> = others.iter().map(u16::to_string).collect();
                let nobody = format!(
                    "nobody listens on {target}, where port {} leads, in {of}",
                    port_word(self.port)
                );
                fail(TARGET_PORT, nobody).with(Label::Seen(format!(
                    "{} listens on {}",
                    self.bad[0].1.short(),
                    ports.join(", ")
                )))
            } else {
                let verb = if self.bad.len() == 1 { "refuses" } else { "refuse" };
                fail(REFUSED, format!("{of} {verb} on {target}: {}", self.words()))
            };
        finding
            .with(self.refuses())
            .with(self.through())
            .with(self.ready())
            .with(self.differ())
            .with(labels::command(&[
                "kubectl",
                "netdiag",
                "sockets",
                &self.bad[0].1.word(),
                "-l",
                "-p",
            ]))
    }

    /// Where the port leads in the bad ones.
    fn numbers(&self) -> Vec<u16> {
        let mut numbers: Vec<_> =
            self.bad.iter().filter_map(|(_, endpoint, _)| endpoint.port(self.port)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    fn listening(&self, endpoint: &Endpoint) -> Option<&[Listening]> {
        self.case.closer.listening.get(&endpoint.address).map(Vec::as_slice)
    }

    /// Of those whose sockets could be seen.
    fn all_known(
        &self,
        listening: &[Option<&[Listening]>],
        is: impl Fn(&Option<&[Listening]>) -> bool,
    ) -> bool {
        listening.iter().filter(|one| one.is_some()).all(is)
    }

    /// What does listen for others in the first one whose sockets could be seen.
    fn others(&self, listening: &[Option<&[Listening]>]) -> Vec<u16> {
        let reachable = |one: &&Listening| !one.is_loopback();
        let first = listening.iter().flatten().next();
        let mut ports: Vec<u16> =
            first.into_iter().copied().flatten().filter(reachable).map(|one| one.port).collect();
        ports.dedup();
        ports
    }

    fn words(&self) -> String {
        listed(&self.bad.iter().map(|(_, endpoint, _)| endpoint.short()).collect::<Vec<_>>())
    }

    /// `it refuses 3 of 3; the RSTs come over 2 routers, as its echoes do`.
    fn refuses(&self) -> Label {
        let (at, _, tally) = self.bad[0];
        let count = times(tally.tries());
        let routers = tally.0.iter().find_map(|attempt| attempt.outcome.routers());
        let echo = self.case.measured.routers.get(at).copied().flatten();
        let over =
            |count: u8| if count == 1 { "1 router".into() } else { format!("{count} routers") };
        let who = if self.bad.len() == 1 { "it refuses" } else { "each refuses" };
        Label::Seen(match (routers, echo) {
            (Some(routers), Some(echo)) if routers == echo => {
                format!(
                    "{who} {count} of {count}; the RSTs come over {}, as its echoes do",
                    over(routers)
                )
            }
            (Some(routers), Some(echo)) => format!(
                "{who} {count} of {count}; the RSTs come over {}, its echoes over {}: a rule may answer for it",
                over(routers),
                over(echo),
            ),
            _ => format!("{who} {count} of {count}"),
        })
    }

    /// What the share of bad ones makes of the Service's own address.
    fn through(&self) -> Option<Label> {
        let through = &self.answers.through;
        let refused = through.count(is_refused);
        if through.tries() == 0 || refused == 0 {
            return None;
        }
        let (refused, tries) = (times(refused), times(through.tries()));
        Some(Label::Seen(format!(
            "through the Service {refused} of {tries} refused, and {} bad of {} explains it",
            self.bad.len(),
            self.of,
        )))
    }

    fn ready(&self) -> Option<Label> {
        use crate::render::ReadyBy;
        let (_, endpoint, _) = self.bad[0];
        let pod = self.case.pod(endpoint).filter(|pod| pod.facts.ready)?;
        let text = match pod.facts.ready_by {
            ReadyBy::Nothing => "it is Ready because it has no readinessProbe",
            ReadyBy::Exec => "it is Ready by an exec probe, which does not use its network",
            _ => return None,
        };
        Some(Label::SeenOf { text: text.into(), object: pod_object(pod) })
    }

    /// The image, where the bad one has another than all that answer.
    fn differ(&self) -> Option<Label> {
        let (_, endpoint, _) = self.bad[0];
        let bad: Vec<IpAddr> = self.bad.iter().map(|(_, endpoint, _)| endpoint.address).collect();
        let here = &self.case.pod(endpoint)?.images;
        let good: Vec<_> = self
            .case
            .each(self.answers)
            .filter(|(_, endpoint, _)| !bad.contains(&endpoint.address))
            .filter_map(|(_, endpoint, _)| self.case.pod(endpoint))
            .collect();
        let there = &good.first()?.images;
        let is_alike = good.iter().all(|pod| pod.images == *there);
        let (here, there) = (here.join(", "), there.join(", "));
        (is_alike && here != there).then(|| {
            let who = if good.len() == 1 {
                "in the one that answers".to_owned()
            } else {
                format!("in the {} that answer", good.len())
            };
            Label::Differ(format!("image {here} here, {there} {who}"))
        })
    }
}

fn number(numbers: &[u16]) -> String {
    numbers.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{super::scene::Scene, *};

    fn listening(port: u16, address: Option<IpAddr>) -> Listening {
        Listening { port, address }
    }

    #[test]
    fn who_listens_on_the_loopback_only() {
        let mut scene = Scene::new();
        scene.endpoint(1, "refused");
        scene.through(3, "refused");
        let (port, address) = (8080, "127.0.0.1".parse().ok());
        scene.closer.listening.insert(scene.endpoints[1].address, vec![listening(port, address)]);
        scene.pod("checkout-b").images = vec!["shop/checkout:1.9.0".into()];
        let finding = scene.only_finding(601);
        assert_eq!(
            finding.summary,
            "1 of 2 endpoints listens on 127.0.0.1:8080 only: pod/checkout-b"
        );
        let seen = |text: &str| finding.labels.contains(&Label::Seen(text.into()));
        assert!(
            seen("it refuses 3 of 3; the RSTs come over 2 routers, as its echoes do"),
            "{finding:?}"
        );
        assert!(seen("through the Service 3 of 6 refused, and 1 bad of 2 explains it"));
        let differ = "image shop/checkout:1.9.0 here, shop/checkout:1.8.2 in the one that answers";
        assert!(finding.labels.contains(&Label::Differ(differ.into())), "{finding:?}");
    }

    #[test]
    fn another_port_listens() {
        let mut scene = Scene::new();
        scene.endpoint(0, "refused");
        scene.endpoint(1, "refused");
        scene.through(0, "refused");
        for endpoint in &scene.endpoints {
            scene.closer.listening.insert(endpoint.address, vec![listening(9090, None)]);
        }
        let finding = scene.only_finding(103);
        let want = "nobody listens on 8080, where port http leads, in both endpoints";
        assert_eq!(finding.summary, want);
        assert!(finding.labels.contains(&Label::Seen("pod/checkout-a listens on 9090".into())));
    }

    #[test]
    fn sockets_that_nobody_may_see_leave_the_symptom() {
        let mut scene = Scene::new();
        scene.endpoint(1, "refused");
        let finding = scene.only_finding(602);
        assert_eq!(finding.summary, "1 of 2 endpoints refuses on 8080: pod/checkout-b");
    }
}
