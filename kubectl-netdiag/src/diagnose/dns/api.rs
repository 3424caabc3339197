//! DNS beside the API: a Service's or a pod's record is what its object says.

use std::{collections::BTreeSet, net::IpAddr};

use netdiag_wire::dns::{DnsOutcome, DnsQuery, RecordType};

use super::{Case, STALE};
use crate::{
    dns::answer::{self, shown},
    finding::{Finding, Label, Object, Severity},
};

/// What the API says of a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Truth {
    pub(crate) says: Says,
    /// `shop/svc/checkout`.
    pub(crate) word: String,
    pub(crate) object: Object,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Says {
    /// ClusterIPs, ready endpoints of a headless Service, addresses of a pod.
    Addresses(&'static str, BTreeSet<IpAddr>),
    /// Of an ExternalName Service.
    Cname(String),
}

impl Truth {
    /// What a query of that type must be answered; absent where the API says nothing of it.
    fn expected(&self, kind: RecordType) -> Option<BTreeSet<String>> {
        match &self.says {
            Says::Cname(target) => Some([bare(target)].into()),
            Says::Addresses(_, addresses) => {
                let fits = |address: &&IpAddr| match kind {
                    RecordType::A => address.is_ipv4(),
                    RecordType::AAAA => address.is_ipv6(),
                    _ => false,
                };
                let is_address = matches!(kind, RecordType::A | RecordType::AAAA);
                let own = addresses.iter().filter(fits).map(IpAddr::to_string).collect();
                is_address.then_some(own)
            }
        }
    }

    fn found(&self, query: &DnsQuery) -> BTreeSet<String> {
        let answer = answer::of(query);
        match &self.says {
            Says::Cname(_) => {
                // It is the answer itself where a CNAME was asked for.
                let own = answer.records.iter().find(|record| record.kind == RecordType::CNAME);
                let target = answer.via.first().copied().or(own.map(|record| &record.data));
                target.map(|target| bare(&shown(target))).into_iter().collect()
            }
            Says::Addresses(..) => answer.addresses().iter().map(IpAddr::to_string).collect(),
        }
    }

    /// What DNS says and the API does not, or the other way round.
    pub(super) fn differs(&self, query: &DnsQuery) -> Option<(BTreeSet<String>, BTreeSet<String>)> {
        let is_word = matches!(query.outcome, DnsOutcome::Answered | DnsOutcome::NoData);
        let expected = self.expected(query.kind).filter(|_| is_word)?;
        let found = self.found(query);
        (found != expected).then_some((found, expected))
    }

    fn what(&self) -> &'static str {
        match &self.says {
            Says::Addresses(what, _) => what,
            Says::Cname(_) => "externalName",
        }
    }
}

impl Case<'_> {
    pub(super) fn truth(&self) -> Option<&Truth> {
        self.context.truth.as_ref()?.as_ref().ok()
    }

    /// The answers that the API speaks of: those of the name that was found.
    fn judged(&self) -> Vec<&DnsQuery> {
        let Some(answered) = self.answered() else { return Vec::new() };
        self.own().filter(|query| answer::is_same(&query.name, &answered.name)).collect()
    }

    pub(super) fn stale(&self) -> Option<Finding> {
        let truth = self.truth()?;
        let judged = self.judged();
        let (query, (found, expected)) =
            judged.iter().find_map(|query| Some((query, truth.differs(query)?)))?;
        let (name, word, what) = (shown(&query.name), &truth.word, truth.what());
        let summary = format!(
            "stale or foreign: DNS says {} for {name}, but {word} has {what} {}",
            listed(&found),
            listed(&expected)
        );
        let unless = "the object changed less than 30 s ago: CoreDNS caches that long";
        Some(
            Finding::new(Severity::Fail, STALE, summary)
                .with(self.as_the_api_has_it(truth))
                .with(Label::Unless(unless.into()))
                .with(self.again(&name, &["--every-server"])),
        )
    }

    pub(super) fn agreement(&self) -> Option<Label> {
        let truth = self.truth()?;
        let is_judged = self.judged().iter().any(|query| truth.expected(query.kind).is_some());
        is_judged.then(|| {
            let (word, what) = (&truth.word, truth.what());
            let text = format!("the answer agrees with the API: {what} of {word}");
            Label::SeenOf { text, object: truth.object.clone() }
        })
    }

    pub(super) fn as_the_api_has_it(&self, truth: &Truth) -> Label {
        let says = match &truth.says {
            Says::Addresses(_, addresses) => {
                listed(&addresses.iter().map(IpAddr::to_string).collect())
            }
            Says::Cname(target) => target.clone(),
        };
        let text = format!("{} of {}: {says}", truth.what(), truth.word);
        Label::SeenOf { text, object: truth.object.clone() }
    }
}

fn bare(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn listed(values: &BTreeSet<String>) -> String {
    match values.len() {
        0 => "nothing".into(),
        _ => values.iter().cloned().collect::<Vec<_>>().join(", "),
    }
}
