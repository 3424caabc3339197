//! A name without an answer: it does not exist, the server fails, or nobody says anything.

use netdiag_wire::dns::{DnsMode, DnsOutcome, DnsQuery};

use super::{Case, DUBIOUS, NO_ANSWER, NO_DATA, NO_NAME, SERVER_FAILS, TOO_LITTLE};
use crate::{
    dns::{
        answer::{is_same, is_unanswered, shown},
        words::extended_error,
    },
    finding::{Finding, Label, Severity},
    render::{number, words},
};

impl Case<'_> {
    pub(super) fn not_well(&self) -> Finding {
        let last = self.last();
        let has = |outcome| last.iter().find(|query| query.outcome == outcome).copied();
        let decisive = [
            DnsOutcome::ServFail,
            DnsOutcome::RefusedQuery,
            DnsOutcome::OtherCode,
            DnsOutcome::Malformed,
            DnsOutcome::Unknown,
        ];
        if last.is_empty() {
            return self.nothing();
        }
        if last.iter().all(|query| is_unanswered(query.outcome)) {
            return self.no_answer(&last);
        }
        let no_data = self
            .own()
            .find(|query| matches!(query.outcome, DnsOutcome::NoData | DnsOutcome::Answered));
        // A libc keeps in mind that one of the names was there.
        let is_kept = no_data.is_some() && self.request.mode == DnsMode::Walk;
        if let Some(query) = decisive.into_iter().find_map(has).filter(|_| !is_kept) {
            return self.server_fails(query);
        }
        match (has(DnsOutcome::Referral), no_data) {
            (Some(query), _) => self.referral(query),
            (None, Some(query)) => self.no_data(query),
            (None, None) => self.no_name(&last),
        }
    }

    /// What decided: of the last name, the last word on each type.
    fn last(&self) -> Vec<&DnsQuery> {
        let Some(name) = self.own().last().map(|query| &query.name) else { return Vec::new() };
        let mut last: Vec<&DnsQuery> = Vec::new();
        let waited_for = self.own().filter(|query| query.outcome != DnsOutcome::Overtaken);
        for query in waited_for.filter(|query| query.name == *name) {
            last.retain(|other| other.kind != query.kind || !is_unanswered(other.outcome));
            if !is_unanswered(query.outcome) || last.iter().all(|o| o.kind != query.kind) {
                last.push(query);
            }
        }
        last
    }

    fn nothing(&self) -> Finding {
        let summary = "cannot tell: no server was asked to the end";
        Finding::new(Severity::Unknown, TOO_LITTLE, summary)
    }

    fn no_name(&self, last: &[&DnsQuery]) -> Finding {
        let name = self.name();
        let whose = match (self.request.mode, self.report.names.len(), last) {
            (DnsMode::Walk, 2.., _) => {
                format!("NXDOMAIN for every name that {} would try", self.libc())
            }
            (_, _, [query, ..]) => format!("NXDOMAIN, said by {}", self.server(query.server)),
            (_, _, []) => "NXDOMAIN".into(),
        };
        let mut finding =
            Finding::new(Severity::Fail, NO_NAME, format!("{name} does not exist: {whose}"));
        finding.labels.extend(last.iter().find_map(|query| explained(query)));
        let server = self.context.cluster_dns.filter(|_| self.asks_as_node());
        match (&self.context.near, server) {
            (Some(near), _) => finding.labels.extend(self.meant(near)),
            (None, Some(server)) => {
                let note = "a node's nameservers do not know the cluster's names; its DNS does";
                finding.labels.push(Label::Note(note.into()));
                finding.labels.push(self.next(&["dns", &name, &format!("@{server}")]));
            }
            (None, None) => {}
        }
        finding
    }

    /// The Service that bears the name, or nearly.
    fn meant(&self, (namespace, service): &(String, String)) -> [Label; 2] {
        let why = match self.asks_as_node() {
            true => "a node's nameservers do not know the cluster's names; ",
            false => "",
        };
        let note = format!("{why}the API has svc/{service} in {namespace}");
        [Label::Note(note), self.next(&["dns", &format!("{namespace}/svc/{service}")])]
    }

    /// By the node's own resolv.conf, which is not the cluster's.
    fn asks_as_node(&self) -> bool {
        self.is_from_node() && self.request.servers.is_empty()
    }

    /// Where nobody could say anything of the name itself.
    fn maybe_meant(&self) -> Vec<Label> {
        self.context.near.iter().flat_map(|near| self.meant(near)).collect()
    }

    fn no_data(&self, query: &DnsQuery) -> Finding {
        let types: Vec<String> = self.report.types.iter().map(ToString::to_string).collect();
        let (name, types) = (shown(&query.name), types.join(" or "));
        let summary = format!("{name} exists, but has no record of type {types}");
        Finding::new(Severity::Fail, NO_DATA, summary)
            .with(explained(query))
            .with((query.kind.to_string() != "ANY").then(|| self.again(&name, &["ANY"])))
    }

    fn referral(&self, query: &DnsQuery) -> Finding {
        let message = query.message.as_ref();
        let zone = message.and_then(|message| message.authority.first());
        let zone = zone.map_or_else(
            || "other servers".into(),
            |ns| format!("the servers of {}", shown(&ns.name)),
        );
        let summary =
            format!("{} refers to {zone}, and does not ask them", self.server(query.server));
        if self.request.options.no_recurse {
            return Finding::ok(summary);
        }
        let means = "it does not recurse: a client that asks it gets nothing";
        Finding::new(Severity::Fail, SERVER_FAILS, summary).with(Label::Means(means.into()))
    }

    fn server_fails(&self, query: &DnsQuery) -> Finding {
        let (name, server) = (shown(&query.name), self.server(query.server));
        let code = query.message.as_ref().map(|message| message.rcode.to_string());
        let (summary, code) = match query.outcome {
            DnsOutcome::ServFail => {
                (format!("SERVFAIL: {server} could not find out about {name}"), SERVER_FAILS)
            }
            DnsOutcome::RefusedQuery => (
                format!("REFUSED: {server} does not answer this source about {name}"),
                SERVER_FAILS,
            ),
            DnsOutcome::Malformed => {
                (format!("malformed: {server} answers what is no DNS message"), DUBIOUS)
            }
            _ => {
                let code = code.unwrap_or_else(|| "an unknown code".into());
                (format!("{code}: {server} does not answer about {name}"), SERVER_FAILS)
            }
        };
        let problem = query.problem.as_ref().map(|problem| Label::Seen(shown(problem)));
        let mut finding = Finding::new(Severity::Fail, code, summary)
            .with(problem)
            .with(explained(query))
            .with(self.search_list_is_clear(query));
        finding.labels.extend(self.maybe_meant());
        if query.outcome == DnsOutcome::ServFail && self.hints_at_dnssec(query) {
            let note = "+cd asks without the server's DNSSEC check";
            finding.labels.push(Label::Note(note.into()));
            let server = format!("@{}", query.server);
            finding.labels.push(match self.request.servers.is_empty() {
                true => self.again(&name, &[&server, "+cd"]),
                false => self.again(&name, &["+cd"]),
            });
        }
        finding
    }

    /// What is told of the name itself is not said of those that the search list makes of it.
    fn search_list_is_clear(&self, failed: &DnsQuery) -> Option<Label> {
        let others = self.own().filter(|query| !is_same(&query.name, &failed.name));
        let mut others = others.filter(|query| query.outcome != DnsOutcome::Overtaken);
        let count = self.report.names.len().saturating_sub(1) as u32;
        let is_clear = self.request.mode == DnsMode::Walk
            && count > 0
            && others.all(|query| query.outcome == DnsOutcome::NxDomain);
        let word = match failed.outcome {
            DnsOutcome::ServFail => "SERVFAIL",
            DnsOutcome::RefusedQuery => "REFUSED",
            _ => "the failure",
        };
        let names = number::counted(count, "name", "names");
        let name = shown(&failed.name);
        let text = format!(
            "NXDOMAIN for {names} of the search list; {word} is for {name}, which the server asks \
             its upstream"
        );
        is_clear.then_some(Label::Seen(text))
    }

    /// An extended error of DNSSEC (RFC 8914: 5 to 12), or a validation that was asked for.
    fn hints_at_dnssec(&self, query: &DnsQuery) -> bool {
        let edns = query.message.as_ref().and_then(|message| message.edns.as_ref());
        let mut errors = edns.into_iter().flat_map(|edns| &edns.extended_errors);
        self.report.proof.is_some() || errors.any(|error| (5..=12).contains(&error.code))
    }

    fn no_answer(&self, last: &[&DnsQuery]) -> Finding {
        let mut finding = Finding::new(Severity::Fail, NO_ANSWER, String::new());
        let mut fates: Vec<String> = Vec::new();
        for query in last {
            let fate = self.fate(query);
            if !fates.contains(&fate) {
                fates.push(fate);
            }
        }
        finding.summary = format!("no answer for {}: {}", self.name(), fates.join("; "));
        let Some(query) = last.first() else { return finding };
        let means = self.fate_means(query);
        let elsewhere = means.is_some().then(|| self.elsewhere(query));
        finding.labels.extend(means.map(Label::Note));
        finding.labels.extend(self.maybe_meant().into_iter().filter(|_| self.asks_as_node()));
        finding.labels.extend(elsewhere.into_iter().flatten());
        finding
    }

    fn fate_means(&self, query: &DnsQuery) -> Option<String> {
        let (server, port) = (query.server, query.port);
        let means = match query.outcome {
            DnsOutcome::Rejected | DnsOutcome::Refused if server.is_loopback() => {
                return Some(format!("nothing listens on port {port} there"));
            }
            DnsOutcome::Rejected if self.service_of(query).is_some() => {
                "a Service without ready endpoints rejects so, and so does a rule"
            }
            DnsOutcome::Rejected => "a host where no server listens rejects so, and so does a rule",
            DnsOutcome::Silence => {
                "the server, the way to it or a policy: by silence alone these look alike"
            }
            _ => return None,
        };
        Some(means.into())
    }

    /// `kube-system/svc/kube-dns`, where that is who was asked.
    fn service_of(&self, query: &DnsQuery) -> Option<String> {
        let owner = self.context.ends.names.owner_of(query.server);
        owner.filter(|owner| owner.contains("/svc/"))
    }

    /// The server's pods one by one where it is the cluster's, else the server itself.
    fn elsewhere(&self, query: &DnsQuery) -> Vec<Label> {
        match self.service_of(query) {
            Some(service) => {
                vec![self.again(&self.name(), &["--every-server"]), self.next(&["ping", &service])]
            }
            None if query.server.is_loopback() => Vec::new(),
            None => vec![self.next(&["ping", &query.server.to_string(), "-c", "3"])],
        }
    }

    fn fate(&self, query: &DnsQuery) -> String {
        let server = self.server(query.server);
        let same: Vec<&DnsQuery> = self
            .own()
            .filter(|other| other.server == query.server && other.outcome == query.outcome)
            .collect();
        match query.outcome {
            DnsOutcome::Silence => {
                let sent = same.iter().map(|query| u32::from(query.sent)).sum();
                let sent = number::counted(sent, "query", "queries");
                let began = same.iter().map(|query| query.asked_us).min().unwrap_or_default();
                let ended =
                    same.iter().map(|query| query.asked_us.saturating_add(query.took_us)).max();
                let waited = number::waited(ended.unwrap_or_default().saturating_sub(began));
                format!("silence from {server} to {sent} over {waited}")
            }
            DnsOutcome::Rejected => {
                let by = query.by.map(|by| self.server(by)).unwrap_or_else(|| "somebody".into());
                let icmp = query.icmp.as_ref().map(words::icmp).unwrap_or_default();
                format!("rejected by {by}, {icmp}")
            }
            DnsOutcome::Refused => format!("refused by {server}"),
            DnsOutcome::Reset => format!("reset by {server}"),
            DnsOutcome::NotSent => {
                let why = query.refusal.as_ref().map(words::refusal).unwrap_or_default();
                format!("not sent to {server}: {why}")
            }
            DnsOutcome::TlsFailed | DnsOutcome::HttpFailed => {
                let over = if query.outcome == DnsOutcome::TlsFailed { "TLS" } else { "HTTP" };
                let why = query.problem.as_ref().map(|problem| format!(": {}", shown(problem)));
                format!("{over} with {server} failed{}", why.unwrap_or_default())
            }
            _ => format!("nothing from {server}"),
        }
    }
}

/// The server's own reason (RFC 8914).
fn explained(query: &DnsQuery) -> Option<Label> {
    let errors = &query.message.as_ref()?.edns.as_ref()?.extended_errors;
    let error = errors.first()?;
    let name = extended_error(error.code).map(|name| format!(" ({name})")).unwrap_or_default();
    let text = match error.text.as_bytes() {
        [] => String::new(),
        _ => format!(": \"{}\"", shown(&error.text)),
    };
    Some(Label::Seen(format!("the server's reason: EDE {}{name}{text}", error.code)))
}
