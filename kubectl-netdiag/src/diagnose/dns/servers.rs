//! The servers beside each other: who is silent, and who says something else.

use netdiag_wire::dns::{DnsOutcome, DnsQuery};

use super::{Case, DISAGREEMENT, SILENT_SERVER};
use crate::{
    dns::{
        answer::{self, shown},
        servers::{Said, compared},
    },
    finding::{Finding, Label, Severity},
};

impl Case<'_> {
    pub(super) fn compared(&self) -> Vec<Said<'_>> {
        compared(self.report)
    }

    pub(super) fn every_server(&self) -> Vec<Finding> {
        let said = self.compared();
        let mut findings = Vec::new();
        if said.iter().all(|said| !said.is_answered()) {
            return vec![self.not_well()];
        }
        findings.extend(self.disagreement(&said));
        findings.extend(self.unanswering(&said));
        if findings.is_empty() {
            let mut agreed = self.agreed(&said);
            match self.stale() {
                Some(stale) => return vec![stale],
                None => agreed.labels.extend(self.agreement()),
            }
            return if agreed.code.is_none() { self.doubted(agreed, None) } else { vec![agreed] };
        }
        if let (Some(first), None) = (findings.first_mut(), self.stale()) {
            first.labels.splice(0..0, self.agreement());
        }
        findings
    }

    /// All say the same, which may be that there is nothing.
    fn agreed(&self, said: &[Said<'_>]) -> Finding {
        let agree = match said.len() {
            1 => ", says the only server".to_owned(),
            2 => "; both servers agree".to_owned(),
            more => format!("; all {more} servers agree"),
        };
        match self.answered() {
            Some(query) => Finding::ok(format!("{}{agree}", self.value(query))),
            None => {
                let mut finding = self.not_well();
                finding.summary.push_str(&agree);
                finding
            }
        }
    }

    fn disagreement(&self, said: &[Said<'_>]) -> Option<Finding> {
        let usual = Said::usual(said)?;
        let answered = || said.iter().filter(|said| said.is_answered());
        let other: Vec<&Said<'_>> = answered().filter(|said| !said.agrees(usual)).collect();
        if other.is_empty() {
            return None;
        }
        let summary = format!(
            "the servers disagree: {} of {} {} otherwise than {}",
            other.len(),
            answered().count(),
            if other.len() == 1 { "answers" } else { "answer" },
            self.server(usual.server),
        );
        let finding = Finding::new(Severity::Fail, DISAGREEMENT, summary);
        let unless = "the name is meant to differ by server, or it changed seconds ago";
        let each = [usual].into_iter().chain(other).map(|said| {
            let words: Vec<String> = said.queries.iter().map(|query| word(query)).collect();
            Label::Seen(format!("{}: {}", self.server(said.server), words.join("; ")))
        });
        let finding = each.fold(finding, Finding::with);
        Some(finding.with(Label::Unless(unless.into())))
    }

    fn unanswering(&self, said: &[Said<'_>]) -> Option<Finding> {
        let lost: Vec<&Said<'_>> = said.iter().filter(|said| !said.is_answered()).collect();
        let first = lost.first()?;
        let (whose, all) = match lost.iter().all(|said| self.pod(said).is_some()) {
            true => ("CoreDNS pods", said.iter().filter(|said| self.pod(said).is_some()).count()),
            false => ("servers", said.len()),
        };
        let are = match (lost.len(), lost.iter().all(|said| said.is_silent())) {
            (1, true) => "is silent",
            (1, false) => "does not answer",
            (_, true) => "are silent",
            (_, false) => "do not answer",
        };
        let cost = match &self.report.resolver {
            Some(settings) => {
                let timeout = settings.timeout_seconds;
                format!(": a query that is sent to it costs {timeout} s (timeout:{timeout})")
            }
            None => String::new(),
        };
        let summary = format!("{} of {all} {whose} {are}{cost}", lost.len());
        let mut finding = Finding::new(Severity::Fail, SILENT_SERVER, summary);
        for said in &lost {
            finding.labels.extend(self.state(said));
        }
        let target = self.pod(first).unwrap_or_else(|| first.server.to_string());
        Some(finding.with(self.next(&["ping", &target, "-c", "3"])))
    }

    /// `kube-system/pod/coredns-a`.
    fn pod(&self, said: &Said<'_>) -> Option<String> {
        let pods = &self.context.ends.names.pods;
        let pod = pods.iter().find(|pod| pod.addresses.contains(&said.server))?;
        Some(format!("{}/pod/{}", pod.namespace, pod.name))
    }

    fn state(&self, said: &Said<'_>) -> Option<Label> {
        let pods = &self.context.ends.names.pods;
        let pod = pods.iter().find(|pod| pod.addresses.contains(&said.server));
        let fate = said.queries.first().map(|query| word(query)).unwrap_or_default();
        Some(Label::Seen(match pod {
            Some(pod) => {
                let ready = if pod.ready { "Ready" } else { "not Ready" };
                format!("{}/pod/{} is {ready}, and yet: {fate}", pod.namespace, pod.name)
            }
            None => format!("{}: {fate}", self.server(said.server)),
        }))
    }
}

fn word(query: &DnsQuery) -> String {
    let kind = query.kind;
    match query.outcome {
        DnsOutcome::Answered => format!("{kind} {}", answer::of(query).values().join(", ")),
        DnsOutcome::NoData => format!("no {kind}"),
        DnsOutcome::NxDomain => "NXDOMAIN".into(),
        DnsOutcome::ServFail => "SERVFAIL".into(),
        DnsOutcome::RefusedQuery => "REFUSED".into(),
        DnsOutcome::Silence => format!("silence for {kind}"),
        DnsOutcome::Rejected => format!("{kind} rejected"),
        DnsOutcome::Refused => format!("{kind} refused"),
        DnsOutcome::Malformed => {
            let problem = query.problem.as_ref().map(|problem| format!(", {}", shown(problem)));
            format!("malformed{}", problem.unwrap_or_default())
        }
        DnsOutcome::OtherCode => {
            let code = query.message.as_ref().map(|message| message.rcode.to_string());
            code.unwrap_or_default()
        }
        DnsOutcome::Referral => "a referral".into(),
        DnsOutcome::Reset
        | DnsOutcome::TlsFailed
        | DnsOutcome::HttpFailed
        | DnsOutcome::NotSent
        | DnsOutcome::Overtaken
        | DnsOutcome::Unknown => format!("no answer for {kind}"),
    }
}
