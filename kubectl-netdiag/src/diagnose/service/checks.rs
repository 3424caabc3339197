//! All that was looked at, in the order of a request's way: `diagnose`'s list.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{ServiceCase, listed, times};
use crate::{
    finding::Severity,
    render::number,
    service::{Answers, Named, Ruling, ServiceKind, Tally},
};

/// Of a name, put into words.
const MAX_ADDRESSES: usize = 3;

/// The list, and how many probes it rests on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Checks {
    pub(crate) checks: Vec<Check>,
    pub(crate) probes: usize,
}

/// One line of it.
#[derive(Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) verdict: Severity,
    pub(crate) text: String,
}

impl Check {
    fn new(name: &'static str, verdict: Severity, text: impl Into<String>) -> Self {
        Self { name, verdict, text: text.into() }
    }
}

fn judged(is_well: bool) -> Severity {
    if is_well { Severity::Ok } else { Severity::Fail }
}

impl ServiceCase<'_> {
    pub(crate) fn checks(&self, named: &Named) -> Checks {
        let has_address = self.plan.address.is_some();
        let all = [
            self.name(named),
            Some(self.object()),
            has_address.then(|| self.address()),
            Some(self.direct()),
            Some(self.listener()),
            Some(self.control()),
            Some(self.policy()),
            has_address.then(|| {
                Check::new("rules", Severity::Skip, "the node's own rules are not read here")
            }),
        ];
        Checks { checks: all.into_iter().flatten().collect(), probes: self.probes(named) }
    }

    fn name(&self, named: &Named) -> Option<Check> {
        let (name, addresses, queries, took_us) = match named {
            Named::Nothing => return None,
            Named::Skipped(why) => return Some(Check::new("name", Severity::Skip, why)),
            Named::Asked { name, addresses, queries, took_us } => {
                (name, addresses, *queries, *took_us)
            }
        };
        let is_right = match &self.spec.kind {
            ServiceKind::Addresses(own) => {
                *addresses == own.iter().copied().collect::<BTreeSet<_>>()
            }
            _ => !addresses.is_empty() || self.endpoints.iter().all(|it| !it.ready),
        };
        let asked =
            format!("{}, {}", number::counted(queries, "query", "queries"), number::ms(took_us));
        let shown = addresses.iter().take(MAX_ADDRESSES).map(ToString::to_string);
        let shown = shown.collect::<Vec<_>>().join(", ");
        let text = match (is_right, shown.is_empty()) {
            (true, _) => format!("{name} -> {shown}; {asked}"),
            (false, true) => format!("{name} has no address; {asked}"),
            (false, false) => format!("{name} -> {shown}, which is not what the API says"),
        };
        Some(Check::new("name", judged(is_right), text))
    }

    fn object(&self) -> Check {
        let (count, ready) =
            (self.endpoints.len(), self.endpoints.iter().filter(|it| it.ready).count());
        let name = if self.spec.kind == ServiceKind::Pods { "pods" } else { "Service" };
        let targets: Vec<String> = self.plan.ports.iter().map(|port| port.word()).collect();
        let ports = if targets.is_empty() { "no port".to_owned() } else { targets.join(", ") };
        let plural = if count == 1 { "" } else { "s" };
        let text = format!("{count} {}{plural}, {ready} ready; {ports}", self.noun());
        Check::new(name, judged(ready > 0 || self.spec.publishes_not_ready), text)
    }

    fn address(&self) -> Check {
        let all: Vec<&Tally> = self.measured.ports.iter().map(|port| &port.through).collect();
        Check::new("address", judged(all.iter().all(|it| it.is_well())), summed(&all))
    }

    fn direct(&self) -> Check {
        let all: Vec<&Tally> =
            self.asked().flat_map(|(_, answers)| self.each(answers)).map(|(.., it)| it).collect();
        let echoes = &self.measured.echoes;
        let replied = echoes.iter().filter(|echo| echo.replied > 0).count();
        let echoes = match echoes.len() {
            0 => String::new(),
            count => format!("; echoes answered by {replied} of {count}"),
        };
        let is_well = all.iter().all(|it| it.is_well()) && (!all.is_empty() || replied > 0);
        Check::new("endpoints", judged(is_well), format!("{}{echoes}", summed(&all)))
    }

    /// Who listens on the ports that were asked, in the endpoints whose sockets could be seen.
    fn listener(&self) -> Check {
        let known =
            self.plan.endpoints.iter().filter_map(|endpoint| {
                Some((endpoint, self.closer.listening.get(&endpoint.address)?))
            });
        let known: Vec<_> = known.collect();
        if known.is_empty() {
            let why = "the endpoints' sockets could not be seen (right sockets)";
            return Check::new("listener", Severity::Skip, why);
        }
        let lacks: Vec<String> = known
            .iter()
            .filter(|(endpoint, listening)| {
                let asked = self.plan.ports.iter().filter(|port| port.is_tcp());
                let mut numbers = asked.filter_map(|port| endpoint.port(port));
                !numbers.all(|number| {
                    listening.iter().any(|one| one.port == number && one.hears(endpoint.address))
                })
            })
            .map(|(endpoint, _)| endpoint.short())
            .collect();
        match lacks.is_empty() {
            true => {
                let text = format!("in {} somebody listens on every port", self.of(known.len()));
                Check::new("listener", Severity::Ok, text)
            }
            false => {
                let text = format!("nobody listens on every port in {}", listed(&lacks));
                Check::new("listener", Severity::Fail, text)
            }
        }
    }

    /// What no policy holds back: each endpoint's own node.
    fn control(&self) -> Check {
        let all: Vec<&Tally> = self
            .closer
            .barred
            .values()
            .map(|barred| &barred.own_node)
            .filter(|tally| tally.tries() > 0)
            .collect();
        if all.is_empty() {
            let why = "the endpoints' own nodes could not be asked (right connect on nodes)";
            return Check::new("control", Severity::Skip, why);
        }
        let text = format!("from their own nodes {}", summed(&all));
        Check::new("control", judged(all.iter().all(|it| it.is_well())), text)
    }

    fn policy(&self) -> Check {
        let mut rulings = self.closer.barred.values().map(|barred| &barred.ruling);
        let Some(denial) = rulings.clone().find_map(Ruling::denial) else {
            return match rulings.any(|ruling| matches!(ruling, Ruling::Free)) {
                true => Check::new("policy", Severity::Ok, "no NetworkPolicy keeps the source out"),
                false => Check::new("policy", Severity::Skip, "NetworkPolicies could not be read"),
            };
        };
        let names: Vec<String> = denial.policies.iter().map(|policy| policy.name.clone()).collect();
        let (names, direction) = (listed(&names), denial.direction.word());
        let is_dead = |answers: &Answers| answers.endpoints.iter().any(Tally::is_dead);
        let but = if denial.admits_nobody() { "" } else { ", not the source" };
        let text = format!("{names} ({direction}) admits {}{but}", denial.admits);
        match self.measured.ports.iter().any(is_dead) {
            true => Check::new("policy", Severity::Fail, text),
            false => {
                let text = format!("{text}; yet it gets through: nobody enforces it here");
                Check::new("policy", Severity::Warn, text)
            }
        }
    }

    fn of(&self, known: usize) -> String {
        self.share(known, self.plan.endpoints.len())
    }

    fn probes(&self, named: &Named) -> usize {
        let connects = self.measured.ports.iter().map(|port| {
            let others = port.doors.iter().chain(&port.endpoints);
            port.through.tries() + others.map(Tally::tries).sum::<usize>()
        });
        let echoes = self.measured.echoes.iter().map(|echo| echo.sent as usize);
        let nodes = self.closer.barred.values().map(|barred| barred.own_node.tries());
        let queries = match named {
            Named::Asked { queries, .. } => *queries as usize,
            Named::Nothing | Named::Skipped(_) => 0,
        };
        connects.chain(echoes).chain(nodes).sum::<usize>() + queries
    }
}

/// `9/9 connected`; `0/9 connected: silence`.
fn summed(all: &[&Tally]) -> String {
    let (well, tries): (usize, usize) =
        all.iter().fold((0, 0), |(well, tries), it| (well + it.well(), tries + it.tries()));
    if tries == 0 {
        return "nothing to connect to".into();
    }
    let mut kinds: Vec<&str> =
        all.iter().flat_map(|it| it.ill()).map(|(_, attempt)| attempt.outcome.word()).collect();
    kinds.dedup();
    let how = match kinds.is_empty() {
        true => String::new(),
        false => format!(": {}", kinds.join(", ")),
    };
    format!("{}/{} connected{how}", times(well), times(tries))
}

#[cfg(test)]
mod tests {
    use super::{super::scene::Scene, *};

    fn words(scene: &Scene, named: &Named) -> Vec<String> {
        let plan = scene.plan();
        let checks = scene.case(&plan).checks(named).checks;
        checks.iter().map(|one| format!("{:?} {} {}", one.verdict, one.name, one.text)).collect()
    }

    #[test]
    fn what_could_not_be_looked_at_is_skipped_and_no_fault() {
        let words = words(&Scene::new(), &Named::Skipped("not from a node".into()));
        assert_eq!(
            words,
            [
                "Skip name not from a node",
                "Ok Service 2 endpoints, 2 ready; TCP 80 http -> 8080",
                "Ok address 6/6 connected",
                "Ok endpoints 6/6 connected; echoes answered by 2 of 2",
                "Skip listener the endpoints' sockets could not be seen (right sockets)",
                "Skip control the endpoints' own nodes could not be asked (right connect on nodes)",
                "Skip policy NetworkPolicies could not be read",
                "Skip rules the node's own rules are not read here",
            ]
        );
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_a_fault() {
        let addresses = [[10, 96, 0, 9].into()].into();
        let name = "checkout.shop.svc".to_owned();
        let named = Named::Asked { name, addresses, queries: 2, took_us: 620 };
        let words = words(&Scene::new(), &named);
        let want = "Fail name checkout.shop.svc -> 10.96.0.9, which is not what the API says";
        assert_eq!(words[0], want);
    }
}
