//! The verdict on a name: what it is, and if it is nothing, whose word that is.

use std::net::IpAddr;

use netdiag_wire::{
    EndReason,
    dns::{
        DnsMode, DnsOutcome, DnsQuery, DnsReport, DnsRequest, DnsTransport, Libc, Proof, RecordType,
    },
};

mod api;
mod doubts;
mod fails;
mod servers;
#[cfg(test)]
mod tests;

pub(crate) use api::{Says, Truth};

use super::{Context, ended};
use crate::{
    dns::{
        DOMAIN,
        answer::{self, shown},
    },
    finding::{Code, Finding, Label, PeerKind, Severity},
    render::number,
};

const NO_NAME: Code = Code(501);
const NO_ANSWER: Code = Code(502);
const SILENT_SERVER: Code = Code(503);
const SEARCH_LIST: Code = Code(504);
const SERVER_FAILS: Code = Code(505);
const DISAGREEMENT: Code = Code(506);
const STALE: Code = Code(507);
const BOGUS: Code = Code(508);
const DUBIOUS: Code = Code(509);
const NO_DATA: Code = Code(510);
const TOO_LITTLE: Code = Code(309);
const NOT_READ: Code = Code(12);

/// Values of one sentence.
const MAX_VALUES: usize = 3;

/// What is known besides the report.
#[derive(Clone, Debug, Default)]
pub(crate) struct DnsContext {
    pub(crate) ends: Context,
    /// What the API says of the name; why not, where it would not tell.
    pub(crate) truth: Option<Result<Truth, String>>,
    /// Namespace and name of a Service that is called so, or nearly.
    pub(crate) near: Option<(String, String)>,
    /// Of `--every-server`: the servers behind the Service could not be read.
    pub(crate) hidden_servers: Option<String>,
    /// Address of the cluster's DNS Service, where the source's own servers are others.
    pub(crate) cluster_dns: Option<IpAddr>,
}

/// The findings, the one that decides first.
pub(crate) fn dns(report: &DnsReport, request: &DnsRequest, context: &DnsContext) -> Vec<Finding> {
    Case { report, request, context }.findings()
}

struct Case<'a> {
    report: &'a DnsReport,
    request: &'a DnsRequest,
    context: &'a DnsContext,
}

impl Case<'_> {
    fn findings(&self) -> Vec<Finding> {
        let mut findings = match self.request.mode {
            DnsMode::EveryServer if !self.compared().is_empty() => self.every_server(),
            DnsMode::EveryServer | DnsMode::Walk | DnsMode::Ask | DnsMode::Iterate => {
                self.one_answer()
            }
        };
        if let Some(first) = findings.first_mut() {
            if self.context.ends.default_source {
                let from = &self.context.ends.from.name;
                first.summary = format!("{}, from {from}", first.summary);
            }
            first.labels.extend(self.ended());
            first.labels.extend(self.passed_over());
        }
        findings.extend(self.skipped());
        findings
    }

    fn one_answer(&self) -> Vec<Finding> {
        let mut first = match self.report.proof {
            Some(Proof::Bogus) => self.bogus(),
            _ => self.plain(),
        };
        if let Some(stale) = self.stale().filter(|_| first.severity < Severity::Fail) {
            return vec![stale];
        }
        if first.severity != Severity::Ok {
            first.labels.extend(self.strangers().map(|strangers| Label::Seen(strangers.1)));
            return vec![first];
        }
        first.labels.extend(self.agreement());
        let sum = self.report.in_hosts.is_none().then(|| self.sum());
        self.doubted(first, sum)
    }

    /// Without a look at signatures.
    fn plain(&self) -> Finding {
        if let Some(entry) = &self.report.in_hosts {
            let addresses: Vec<String> = entry.addresses.iter().map(IpAddr::to_string).collect();
            let (line, values) = (entry.line, self.joined(&addresses));
            let summary = format!(
                "{} is {values} by the hosts file (line {line}), so no server was asked",
                self.name()
            );
            return Finding::ok(summary);
        }
        match self.answered() {
            Some(query) => self.well(query),
            None => self.not_well(),
        }
    }

    /// The last query that has what was asked for.
    fn answered(&self) -> Option<&DnsQuery> {
        let is_answer = |query: &&DnsQuery| query.outcome == DnsOutcome::Answered;
        let answered = self.own().filter(is_answer);
        answered.filter(|query| !answer::of(query).records.is_empty()).last()
    }

    fn well(&self, query: &DnsQuery) -> Finding {
        let what = self.value(query);
        let proof = match self.report.proof {
            Some(Proof::Secure) => ", validated by DNSSEC",
            Some(Proof::Insecure) => ", provably not signed",
            Some(Proof::Indeterminate | Proof::Unknown) => ", and DNSSEC cannot tell",
            Some(Proof::Bogus) | None => "",
        };
        let finding = match self.report.proof {
            Some(Proof::Indeterminate | Proof::Unknown) => {
                let summary = format!("{what}{proof}");
                let finding = Finding::new(Severity::Unknown, BOGUS, summary);
                finding.with(self.weak_link()).with(self.unsigned(query)).with(self.agreement())
            }
            _ => Finding::ok(format!("{what}{proof}")),
        };
        finding.with(self.search_note(query)).with(self.truncated())
    }

    /// `api.example.com is 203.0.113.10`; of a pair both types' records.
    fn value(&self, query: &DnsQuery) -> String {
        let (name, kind) = (self.name(), query.kind);
        let of_name = self.own().filter(|other| answer::is_same(&other.name, &query.name));
        let of_name = of_name.filter(|other| other.outcome == DnsOutcome::Answered);
        let mut values: Vec<String> = Vec::new();
        for value in of_name.flat_map(|query| answer::of(query).values()) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        match kind {
            RecordType::A | RecordType::AAAA => format!("{name} is {}", self.joined(&values)),
            RecordType::AXFR | RecordType::IXFR | RecordType::ANY => {
                let records = answer::of(query).records.len() as u32;
                let records = number::counted(records, "record", "records");
                format!("{name} has {records}")
            }
            kind => format!("{name} {kind} is {}", self.joined(&values)),
        }
    }

    fn joined(&self, values: &[String]) -> String {
        let shown = values.iter().take(MAX_VALUES).cloned().collect::<Vec<_>>().join(", ");
        match values.len().saturating_sub(MAX_VALUES) {
            0 => shown,
            more => format!("{shown} and {more} more"),
        }
    }

    /// `5 names, 10 queries, 22.8 ms`.
    fn sum(&self) -> String {
        let counts = &self.report.counts;
        let names = number::counted(counts.names, "name", "names");
        let queries = number::counted(counts.queries, "query", "queries");
        format!("{names}, {queries}, {}", number::took(counts.took_us))
    }

    /// What a trailing dot would save.
    fn search_note(&self, query: &DnsQuery) -> Option<Label> {
        let settings = self.report.resolver.as_ref()?;
        let is_walk = self.request.mode == DnsMode::Walk && self.report.names.len() > 1;
        let typed = shown(&self.report.name);
        if !is_walk || typed.ends_with('.') {
            return None;
        }
        let dots = typed.matches('.').count();
        let queries = self.report.types.len();
        let absolute = format!("\"{}\" takes {queries}", shown(&query.name));
        let fewer = match dots {
            0 => "no dot is fewer than".into(),
            1 => "1 dot is fewer than".into(),
            dots => format!("{dots} dots are fewer than"),
        };
        Some(Label::Note(match dots < usize::from(settings.ndots) {
            true => format!(
                "{fewer} ndots:{}, so the search list goes first; {absolute}",
                settings.ndots
            ),
            false => absolute,
        }))
    }

    fn truncated(&self) -> Option<Label> {
        let note = "the answer over UDP was truncated, so it was asked for again over TCP";
        let truncated = self.own().any(|query| query.truncated_first);
        truncated.then(|| Label::Note(note.into()))
    }

    fn bogus(&self) -> Finding {
        let link = self.report.chain.iter().find(|link| link.proof == Proof::Bogus);
        let at = link.map(|link| format!(" at {} {}", shown(&link.name), link.kind));
        let summary = format!("DNSSEC: bogus{}", at.unwrap_or_default());
        let means = "resolvers that validate answer SERVFAIL for this name";
        Finding::new(Severity::Fail, BOGUS, summary)
            .with(link.map(|link| Label::Seen(shown(&link.reason))))
            .with(Label::Means(means.into()))
    }

    fn weak_link(&self) -> Option<Label> {
        let weak = |proof| matches!(proof, Proof::Indeterminate | Proof::Unknown);
        let link = self.report.chain.iter().find(|link| weak(link.proof))?;
        let (name, kind, why) = (shown(&link.name), link.kind, shown(&link.reason));
        Some(Label::Seen(format!("{name} {kind}: {why}")))
    }

    /// No cluster signs its own names.
    fn unsigned(&self, query: &DnsQuery) -> Option<Label> {
        let name = shown(&query.name).trim_end_matches('.').to_ascii_lowercase();
        let is_clusters = self.context.truth.is_some() || name.ends_with(&format!(".{DOMAIN}"));
        let note = "the cluster's zones are not signed: DNSSEC proves nothing about their names";
        is_clusters.then(|| Label::Note(note.into()))
    }

    fn ended(&self) -> Option<Label> {
        let ended = self.report.ended;
        let why = ended::why(ended, &self.context.ends.from)?;
        let is_early = ended != Some(EndReason::Completed);
        is_early.then(|| Label::Note(format!("ended early: {why}")))
    }

    /// Of resolv.conf, what this libc does not read.
    fn passed_over(&self) -> Option<Label> {
        let ignored = &self.report.resolver.as_ref()?.ignored;
        let shown: Vec<String> =
            ignored.iter().take(MAX_VALUES).map(|line| format!("\"{}\"", shown(line))).collect();
        let libc = self.libc();
        let note = format!("of resolv.conf {libc} passes over {}", shown.join(", "));
        (!ignored.is_empty()).then_some(Label::Note(note))
    }

    fn skipped(&self) -> Vec<Finding> {
        let skip = |why: &String| Finding::new(Severity::Skip, NOT_READ, why.clone());
        let truth = match &self.context.truth {
            Some(Err(why)) => Some(skip(&format!("not compared with the API: {why}"))),
            Some(Ok(_)) | None => None,
        };
        truth.into_iter().chain(self.context.hidden_servers.as_ref().map(skip)).collect()
    }

    fn own(&self) -> impl Iterator<Item = &DnsQuery> + Clone {
        let all = self.report.names.iter().flat_map(|name| &name.queries);
        all.filter(|query| query.on_behalf_of.is_none())
    }

    fn name(&self) -> String {
        shown(&self.report.name)
    }

    fn libc(&self) -> &'static str {
        match self.request.libc {
            Libc::Glibc => "glibc",
            Libc::Musl => "musl",
        }
    }

    /// Who a server is, beside its address.
    fn server(&self, address: IpAddr) -> String {
        match self.context.ends.names.owner_of(address) {
            Some(owner) => format!("{address} ({owner})"),
            None => address.to_string(),
        }
    }

    /// A further lookup of the same source.
    fn next(&self, words: &[&str]) -> Label {
        let source = ["--from".to_owned(), self.context.ends.from.word()];
        let head = ["kubectl", "netdiag"].iter().chain(words).map(|word| (*word).to_owned());
        Label::Next(head.chain(source).collect())
    }

    /// The same lookup with more words: of the same servers, in the same way.
    fn again(&self, name: &str, words: &[&str]) -> Label {
        let request = self.request;
        let kind = match request.types.as_slice() {
            [kind] if *kind != RecordType::A && !words.contains(&"ANY") => Some(kind.to_string()),
            _ => None,
        };
        // Of `--every-server` they are the pods, which are found anew.
        let servers = request.servers.iter().filter(|_| request.mode != DnsMode::EveryServer);
        let servers = servers.map(|server| match server.port {
            Some(port) => format!("@{}#{port}", server.host),
            None => format!("@{}", server.host),
        });
        let way = match request.options.transport {
            DnsTransport::Tcp => Some("+tcp"),
            DnsTransport::Tls => Some("+tls"),
            DnsTransport::Https => Some("+https"),
            DnsTransport::Udp | DnsTransport::Unknown => None,
        };
        let own = ["dns".to_owned(), name.to_owned()].into_iter().chain(kind).chain(servers);
        let all = own.chain(way.map(str::to_owned)).chain(words.iter().map(|w| (*w).to_owned()));
        let all: Vec<String> = all.collect();
        self.next(&all.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn is_from_node(&self) -> bool {
        self.context.ends.from.kind == PeerKind::Node
    }
}
