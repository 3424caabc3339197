//! Endpoints that refuse: nobody listens there (scenarios 3, 44 and 45), as far as is known why.

use std::net::IpAddr;

use super::{ServiceCase, fail, listed, pod_object, port_word, times};
use crate::{
    diagnose::labels,
    finding::{Code, Finding, Label},
    render::number,
    service::{Answers, Endpoint, Listening, ServicePort, Tally},
};

const TARGET_PORT: Code = Code(103);
const LOOPBACK: Code = Code(601);
const REFUSED: Code = Code(602);
const FAMILY: Code = Code(607);

/// The endpoints of a port that refuse every time.
struct Refusal<'a> {
    case: &'a ServiceCase<'a>,
    port: &'a ServicePort,
    answers: &'a Answers,
    bad: Vec<(usize, &'a Endpoint, &'a Tally)>,
    of: usize,
}

/// What the sockets of the bad ones say of it.
enum Why {
    /// The port, but for the pod itself only.
    Loopback,
    /// The port, for the other protocol family only.
    OtherFamily,
    /// These ports, and not that one.
    Others(Vec<u16>),
    Nobody,
    /// The port, for everybody.
    Listens,
    /// They could not be seen.
    Unknown,
}

pub(super) fn find(case: &ServiceCase<'_>) -> Option<Finding> {
    case.asked().find_map(|(port, answers)| {
        let refuses = |tally: &Tally| tally.refused() == tally.tries();
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
        let (_, first, _) = self.bad[0];
        let sockets = ["kubectl", "netdiag", "sockets", &first.word(), "-l", "-p"];
        self.named()
            .with(self.refuses())
            .with(self.through())
            .with(self.ready())
            .with(self.differ())
            .with(labels::command(&sockets))
    }

    /// By what listens there, as far as that could be seen.
    fn named(&self) -> Finding {
        let (of, target) =
            (self.case.share(self.bad.len(), self.of), listed_numbers(&self.numbers()));
        let is_one = self.bad.len() == 1;
        let refuse =
            |verb: &str| fail(REFUSED, format!("{of} {verb} on {target}: {}", self.words()));
        let symptom = || refuse(if is_one { "refuses" } else { "refuse" });
        match self.why() {
            Why::Loopback => {
                let verb = if is_one { "listens" } else { "listen" };
                let words = self.words();
                fail(LOOPBACK, format!("{of} {verb} on 127.0.0.1:{target} only: {words}"))
            }
            Why::OtherFamily => {
                let verb = if is_one { "listens" } else { "listen" };
                let family = if self.bad[0].1.address.is_ipv4() { "IPv6" } else { "IPv4" };
                let words = self.words();
                fail(FAMILY, format!("{of} {verb} on {target} by {family} only: {words}"))
            }
            Why::Others(ports) => {
                let port = port_word(self.port);
                let summary =
                    format!("nobody listens on {target}, where port {port} leads, in {of}");
                let seen =
                    format!("{} listens on {}", self.bad[0].1.short(), listed_numbers(&ports));
                fail(TARGET_PORT, summary).with(Label::Seen(seen))
            }
            Why::Nobody => symptom().with(Label::Seen("nobody listens there, on no port".into())),
            Why::Listens => {
                let seen = format!("a process listens on {target} there, so a rule refuses for it");
                symptom().with(Label::Seen(seen))
            }
            Why::Unknown => symptom(),
        }
    }

    fn why(&self) -> Why {
        let (numbers, known) = (self.numbers(), self.known());
        let Some((address, first)) = known.first() else { return Why::Unknown };
        let has = |all: &[Listening], is: &dyn Fn(&Listening) -> bool| {
            all.iter().any(|one| numbers.contains(&one.port) && is(one))
        };
        if known.iter().any(|(to, all)| has(all, &|one| one.hears(*to))) {
            return Why::Listens;
        }
        if known.iter().all(|(_, all)| has(all, &Listening::is_loopback)) {
            return Why::Loopback;
        }
        if known.iter().all(|(_, all)| has(all, &|one| one.address.is_unspecified())) {
            return Why::OtherFamily;
        }
        let mut others: Vec<u16> =
            first.iter().filter(|one| one.hears(*address)).map(|one| one.port).collect();
        others.dedup();
        if others.is_empty() { Why::Nobody } else { Why::Others(others) }
    }

    /// Where the port leads in the bad ones.
    fn numbers(&self) -> Vec<u16> {
        let mut numbers: Vec<_> =
            self.bad.iter().filter_map(|(_, endpoint, _)| endpoint.port(self.port)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// What listens in those whose sockets could be seen.
    fn known(&self) -> Vec<(IpAddr, &[Listening])> {
        let of = |(_, endpoint, _): &(usize, &Endpoint, &Tally)| {
            let listening = self.case.closer.listening.get(&endpoint.address)?;
            Some((endpoint.address, listening.as_slice()))
        };
        self.bad.iter().filter_map(of).collect()
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
        let over = |count| number::counted(u32::from(count), "router", "routers");
        let who = if self.bad.len() == 1 { "it refuses" } else { "each refuses" };
        let begin = format!("{who} {count} of {count}");
        Label::Seen(match (routers, echo) {
            (Some(routers), Some(echo)) if routers == echo => {
                format!("{begin}; the RSTs come over {}, as its echoes do", over(routers))
            }
            (Some(routers), Some(echo)) => {
                let (rst, echo) = (over(routers), over(echo));
                format!(
                    "{begin}; the RSTs come over {rst}, its echoes over {echo}: a rule may answer"
                )
            }
            _ => begin,
        })
    }

    /// What the share of bad ones makes of the Service's own address.
    fn through(&self) -> Option<Label> {
        let through = &self.answers.through;
        let refused = through.refused();
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

fn listed_numbers(numbers: &[u16]) -> String {
    numbers.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{super::scene::Scene, *};

    fn listening(port: u16, address: &str) -> Listening {
        Listening { port, address: address.parse().unwrap(), dual_stack: false }
    }

    #[test]
    fn who_listens_on_the_loopback_only() {
        let mut scene = Scene::new();
        scene.endpoint(1, "refused");
        scene.through(3, "refused");
        let loopback = vec![listening(8080, "127.0.0.1")];
        scene.closer.listening.insert(scene.endpoints[1].address, loopback);
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
    fn who_listens_for_the_other_family_only() {
        let mut scene = Scene::new();
        scene.endpoint(1, "refused");
        let six = vec![listening(8080, "::")];
        scene.closer.listening.insert(scene.endpoints[1].address, six);
        let finding = scene.only_finding(607);
        assert_eq!(
            finding.summary,
            "1 of 2 endpoints listens on 8080 by IPv6 only: pod/checkout-b"
        );
        let both = Listening { dual_stack: true, ..listening(8080, "::") };
        scene.closer.listening.insert(scene.endpoints[1].address, vec![both]);
        assert_eq!(scene.only_finding(602).code, Some(REFUSED));
    }

    #[test]
    fn another_port_listens() {
        let mut scene = Scene::new();
        scene.endpoint(0, "refused");
        scene.endpoint(1, "refused");
        scene.through(0, "refused");
        for endpoint in &scene.endpoints {
            scene.closer.listening.insert(endpoint.address, vec![listening(9090, "0.0.0.0")]);
        }
        let finding = scene.only_finding(103);
        let want = "nobody listens on 8080, where port http leads, in both endpoints";
        assert_eq!(finding.summary, want);
        assert!(finding.labels.contains(&Label::Seen("pod/checkout-a listens on 9090".into())));
    }

    #[test]
    fn a_process_that_listens_is_not_blamed_for_a_rule() {
        let mut scene = Scene::new();
        scene.endpoint(1, "refused");
        scene.closer.listening.insert(scene.endpoints[1].address, vec![listening(8080, "0.0.0.0")]);
        let finding = scene.only_finding(602);
        let seen = "a process listens on 8080 there, so a rule refuses for it";
        assert!(finding.labels.contains(&Label::Seen(seen.into())), "{finding:?}");
    }

    #[test]
    fn sockets_that_nobody_may_see_leave_the_symptom() {
        let mut scene = Scene::new();
        scene.endpoint(1, "refused");
        let finding = scene.only_finding(602);
        assert_eq!(finding.summary, "1 of 2 endpoints refuses on 8080: pod/checkout-b");
    }
}
