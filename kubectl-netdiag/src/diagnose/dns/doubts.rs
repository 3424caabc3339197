//! What is not as it should be although there is an answer.

use netdiag_wire::dns::{Discarded, DnsOutcome, DnsQuery};

use super::{Case, DUBIOUS, SEARCH_LIST, SERVER_FAILS, SILENT_SERVER};
use crate::{
    dns::{
        answer::{is_same, is_unanswered, shown},
        words,
    },
    finding::{Code, Finding, Severity},
    render::number,
};

impl Case<'_> {
    /// The answer as a warning, where there is reason for one, and how much was asked for it.
    pub(super) fn doubted(&self, mut well: Finding, sum: Option<String>) -> Vec<Finding> {
        let doubts = [self.lost_time(), self.other_half(), self.strangers()];
        let mut doubts = doubts.into_iter().flatten();
        let doubt = doubts.next();
        let but = doubt.as_ref().map(|(_, doubt)| format!(", but {doubt}")).unwrap_or_default();
        let sum = sum.map(|sum| format!("; {sum}")).unwrap_or_default();
        well.summary = format!("{}{but}{sum}", well.summary);
        let Some((code, _)) = doubt else { return vec![well] };
        let first = Finding { code: Some(code), severity: Severity::Warn, ..well };
        let others = doubts.map(|(code, doubt)| Finding::new(Severity::Warn, code, doubt));
        [first].into_iter().chain(others).collect()
    }

    /// Queries that nobody answered before one was.
    fn lost_time(&self) -> Option<(Code, String)> {
        let answered = self.answered()?;
        let lost: Vec<&DnsQuery> = self
            .own()
            .filter(|query| is_unanswered(query.outcome) && query.index < answered.index)
            .collect();
        let first = lost.first()?;
        let began = lost.iter().map(|query| query.asked_us).min()?;
        let ended = lost.iter().map(|query| query.asked_us.saturating_add(query.took_us)).max()?;
        let cost = number::took(ended.saturating_sub(began));
        let is_same_name = is_same(&first.name, &answered.name);
        let (name, server) = (shown(&first.name), self.server(first.server));
        if first.server == answered.server && !is_same_name {
            return Some((
                SEARCH_LIST,
                format!("the search list costs {cost}: nobody answers for {name}"),
            ));
        }
        let fate = match first.outcome {
            DnsOutcome::Silence => "is silent",
            DnsOutcome::Rejected => "is rejected",
            DnsOutcome::Refused => "refuses",
            _ => "does not answer",
        };
        match first.server == answered.server {
            true => {
                Some((SILENT_SERVER, format!("{server} had to be asked again, which cost {cost}")))
            }
            false => {
                Some((SILENT_SERVER, format!("{server}, asked first, {fate}: that costs {cost}")))
            }
        }
    }

    /// One type of the pair is answered and the other is not.
    fn other_half(&self) -> Option<(Code, String)> {
        let answered = self.answered()?;
        let last_of = |kind| {
            let same =
                |query: &&DnsQuery| query.kind == kind && is_same(&query.name, &answered.name);
            self.own().filter(same).last()
        };
        let others = self.report.types.iter().filter(|kind| **kind != answered.kind);
        let other = others.filter_map(|kind| last_of(*kind)).find(|query| match query.outcome {
            DnsOutcome::NxDomain
            | DnsOutcome::ServFail
            | DnsOutcome::RefusedQuery
            | DnsOutcome::OtherCode
            | DnsOutcome::Malformed
            | DnsOutcome::Unknown => true,
            outcome => is_unanswered(outcome),
        })?;
        let (kind, server) = (other.kind, self.server(other.server));
        Some(match other.outcome {
            DnsOutcome::NxDomain => (
                DUBIOUS,
                format!(
                    "{server} says NXDOMAIN for {kind}, as if the name did not exist (musl believes it)"
                ),
            ),
            outcome if is_unanswered(outcome) => {
                (SILENT_SERVER, format!("{server} does not answer for {kind}"))
            }
            _ => (SERVER_FAILS, format!("{server} fails for {kind}")),
        })
    }

    /// Answers that did not belong: forged, late or from a server that errs.
    pub(super) fn strangers(&self) -> Option<(Code, String)> {
        let sum = |pick: fn(&Discarded) -> u32| {
            self.own().fold(0u32, |sum, query| sum.saturating_add(pick(&query.discarded)))
        };
        let all = Discarded {
            id: sum(|discarded| discarded.id),
            question: sum(|discarded| discarded.question),
            source: sum(|discarded| discarded.source),
            no_response: sum(|discarded| discarded.no_response),
            cookie: sum(|discarded| discarded.cookie),
        };
        let strangers = words::discarded(&all)?;
        Some((DUBIOUS, format!("{strangers} did not belong and went unused")))
    }
}
