//! `dns`: what is asked, its events, and what is looked up to judge them.

use std::{fs, io::Read, path::Path};

use jiff::Timestamp;
use netdiag_wire::{
    EndReason,
    dns::{DnsEvent, DnsFold, DnsMode, DnsReport, DnsRequest, DnsServer},
};
use tokio::time::timeout;

pub(crate) mod answer;
mod kube;
mod saved;
pub(crate) mod servers;
pub(crate) mod words;

pub(crate) use kube::DOMAIN;
pub(crate) use saved::Saved;

use crate::{
    args::{DnsArgs, Question, What, root_servers, trust_anchors},
    code,
    diagnose::{self, DnsContext},
    finding::{Failure, PeerKind, Severity},
    probe::{self, Conclusion, Ends, NAMING, Probe},
    render::{self, DnsView, Format, Names, Screen},
    session::{Session, Stopped},
};

/// A file of certificates, keys or hints is far smaller.
const MAX_FILE: u64 = 1024 * 1024;

/// One lookup on its way.
pub(crate) struct Dns {
    view: DnsView,
    fold: DnsFold,
    hidden_servers: Option<String>,
    has_head: bool,
    has_begun: bool,
}

impl<'a> Probe<'a> for Dns {
    const NAME: &'static str = "dns";
    const KIND: &'static str = "DnsReport";
    type Args = DnsArgs;
    type Request = DnsRequest;
    type Event = DnsEvent;

    async fn begin(args: &'a DnsArgs, ends: &mut Ends<'_>) -> Result<Self, Failure> {
        let question = args.question()?;
        let mut names = Names::default();
        let mut hidden_servers = None;
        if let Some(cluster) = ends.cluster {
            let is_compared = question.mode == DnsMode::EveryServer;
            match timeout(NAMING, kube::servers(cluster, is_compared)).await {
                Ok((known, hidden)) => (names, hidden_servers) = (known, hidden),
                Err(_) => hidden_servers = Some("the API server is slow".into()),
            }
        }
        let mut request = request(&question, ends, &names).await?;
        if request.mode == DnsMode::EveryServer {
            let pods = names.pods.iter().flat_map(|pod| pod.addresses.first());
            let pods = pods.map(|address| DnsServer { host: address.to_string(), port: None });
            request.servers.extend(pods);
        }
        files(args, &question, &mut request)?;
        let view = DnsView {
            from: ends.from.clone(),
            shown: question.dig.shown,
            is_dig: question.is_dig,
            unicode: question.unicode(),
            names,
            started_at: Timestamp::now(),
            request,
        };
        let fold = DnsFold::new(&view.request);
        let hidden_servers = hidden_servers.filter(|_| view.request.mode == DnsMode::EveryServer);
        Ok(Self { view, fold, hidden_servers, has_head: false, has_begun: false })
    }

    fn request(&self) -> &DnsRequest {
        &self.view.request
    }

    async fn take(
        &mut self,
        _: &mut Ends<'_>,
        event: DnsEvent,
        at: Timestamp,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.view.started_at = at;
        }
        self.fold.push(&event);
        if matches!(event, DnsEvent::Resolver(_)) && self.view.request.mode == DnsMode::Walk {
            self.head(&self.fold.report(None, None), session)?;
        }
        Ok(())
    }

    fn progress(&self) -> String {
        let queries = self.fold.report(None, None).counts.queries;
        render::number::counted(queries, "query", "queries")
    }

    async fn conclude(
        mut self,
        ends: &Ends<'_>,
        ended: Option<EndReason>,
        session: &mut Session<'_>,
    ) -> Result<Conclusion, Stopped> {
        let report = self.fold.report(ended, None);
        let mut context = DnsContext {
            ends: ends.context(self.view.names.clone()),
            hidden_servers: self.hidden_servers.take(),
            ..DnsContext::default()
        };
        if let Some(cluster) = ends.cluster {
            // What is not known by then is not said.
            let _ = timeout(NAMING, kube::look(cluster, &report, &mut context)).await;
        }
        conclude(self, &report, &context, session)
    }
}

impl Dns {
    fn head(&mut self, report: &DnsReport, session: &mut Session<'_>) -> Result<(), Stopped> {
        if !std::mem::replace(&mut self.has_head, true) {
            render::dns_head(session.out, &session.screen, &self.view, report)?;
        }
        Ok(())
    }
}

/// The last evidence and the findings, of a lookup as of a saved one.
fn conclude(
    mut dns: Dns,
    report: &DnsReport,
    context: &DnsContext,
    session: &mut Session<'_>,
) -> Result<Conclusion, Stopped> {
    dns.head(report, session)?;
    render::dns_body(session.out, &session.screen, &dns.view, report)?;
    let findings = diagnose::dns(report, &dns.view.request, context);
    if dns.view.shown.short && session.screen.shows_evidence() {
        // Stdout has the answers and nothing else.
        let ill: Vec<_> =
            findings.iter().filter(|f| f.severity > Severity::Warn).cloned().collect();
        if !ill.is_empty() {
            let screen = Screen { format: Format::Verdict, ..session.screen.clone() };
            render::verdict(session.err, &screen, &ill)?;
        }
        session.screen.quiet = true;
    }
    Ok(Conclusion { findings, parts: vec![probe::part("dns", report)?] })
}

/// The name of an object is the cluster's to tell.
async fn request(
    question: &Question,
    ends: &mut Ends<'_>,
    names: &Names,
) -> Result<DnsRequest, Failure> {
    let object = match &question.what {
        What::Name(name) => return Ok(question.request(&name.asked, false)),
        What::Object(object) => object,
    };
    let Some(cluster) = ends.cluster else {
        let message =
            format!("{object}: this machine's nameservers do not know it; name a pod in --from");
        return Err(Failure::new(code::BAD_VALUE, message));
    };
    let (name, peer) = kube::name_of(cluster, object).await?;
    ends.aim.peer = peer;
    if ends.from.kind == PeerKind::Pod || !question.servers.is_empty() {
        return Ok(question.request(&name, true));
    }
    // A node's resolv.conf is not the cluster's: its DNS is asked by address.
    let address = names.services.first().and_then(|service| service.cluster_ips.first());
    let Some(address) = address else {
        let message = format!(
            "{object}: a node's nameservers do not know it, and the cluster's DNS was not found (kube-system/svc/kube-dns)"
        );
        return Err(Failure::new(code::NO_OBJECT, message));
    };
    let mut request = question.request(&format!("{name}.{DOMAIN}."), false);
    if request.mode == DnsMode::Walk {
        request.mode = DnsMode::Ask;
    }
    if request.mode == DnsMode::Ask {
        request.servers = vec![DnsServer { host: address.to_string(), port: None }];
    }
    Ok(request)
}

/// What stands in files of this machine.
fn files(args: &DnsArgs, question: &Question, request: &mut DnsRequest) -> Result<(), Failure> {
    if let Some(path) = &args.trust_anchor {
        request.trust_anchors = parsed("--trust-anchor", path, trust_anchors)?;
    }
    if let Some(path) = &args.root_hints {
        request.root_servers = parsed("--root-hints", path, root_servers)?;
    }
    if let Some(path) = &question.dig.ca_file {
        request.options.ca = Some(parsed("+tls-ca", path, |text| Ok(text.to_owned()))?);
    }
    request.check().map_err(|why| Failure::new(code::BAD_VALUE, why))
}

fn parsed<T>(
    flag: &str,
    path: &Path,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Failure> {
    let wrong =
        |why: &str| Failure::new(code::BAD_VALUE, format!("{flag} {}: {why}", path.display()));
    let file = fs::File::open(path).map_err(|error| wrong(&error.to_string()))?;
    let mut text = String::new();
    let read = file.take(MAX_FILE).read_to_string(&mut text);
    read.map_err(|error| wrong(&error.to_string()))?;
    parse(&text).map_err(|why| wrong(&why))
}
