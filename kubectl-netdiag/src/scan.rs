//! `scan`: its events, what only the cluster knows of the ports, and what is concluded.

use std::net::IpAddr;

use jiff::Timestamp;
use netdiag_wire::{
    EndReason, Source,
    scan::{ScanEvent, ScanFold, ScanReport},
};
use serde_json::Value;
use tokio::{task::JoinHandle, time::timeout};

mod ask;
mod entries;
mod known;
mod progress;
mod refused;
mod request;
mod saved;

pub(crate) use known::{Declared, Known, Led, Listener, PortProcess};
use progress::Progress;
use request::Asked;
pub(crate) use saved::Saved;

use crate::{
    args::ScanArgs,
    cluster::Cluster,
    code,
    diagnose::{self, ScanFacts},
    finding::{Failure, Finding, Peer, PeerKind},
    probe::{self, Conclusion, Ends, NAMING, Probe},
    render::{self, Names, ScanView},
    session::{Session, Stopped},
};

/// One scan on its way.
pub(crate) struct Scan<'a> {
    args: &'a ScanArgs,
    asked: Asked,
    fold: ScanFold,
    /// What is asked of the cluster and of the target's agent while the scan runs.
    learning: Option<JoinHandle<Known>>,
    progress: Progress,
    started: Option<ScanEvent>,
    has_header: bool,
}

impl<'a> Probe<'a> for Scan<'a> {
    const NAME: &'static str = "scan";
    const KIND: &'static str = "ScanReport";
    const SHOWS_RIGHT: bool = true;
    type Args = ScanArgs;
    type Request = Asked;
    type Event = ScanEvent;

    async fn begin(args: &'a ScanArgs, ends: &mut Ends<'_>) -> Result<Self, Failure> {
        if ends.aim.peer.kind == PeerKind::Service {
            return Err(refused::service(args, ends).await);
        }
        if args.network()?.is_some() {
            ends.aim.peer.kind = PeerKind::Address;
        }
        let mut request = args.request(ends.aim.host.clone(), &ends.aim.ports)?;
        request.object = object(&ends.aim.peer);
        let learning = request.object.clone().zip(ends.cluster).map(|(object, cluster)| {
            let account = args.source.service_account.clone();
            let declared = ends.aim.ports.clone();
            tokio::spawn(ask::known(
                cluster.clone(),
                object,
                ends.aim.peer.clone(),
                declared,
                account,
            ))
        });
        Ok(Self {
            args,
            asked: Asked(request),
            fold: ScanFold::default(),
            learning,
            progress: Progress::default(),
            started: None,
            has_header: false,
        })
    }

    fn request(&self) -> &Asked {
        &self.asked
    }

    async fn take(
        &mut self,
        ends: &mut Ends<'_>,
        event: ScanEvent,
        _: Timestamp,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        self.fold.push(&event);
        match &event {
            ScanEvent::Started { .. } => {
                self.progress.begin();
                self.started = Some(event);
                Ok(())
            }
            ScanEvent::Progress { done, total, open, left_us } => {
                self.header(ends, session)?;
                Ok(self.progress.show(session, (*done, *total), *open, *left_us)?)
            }
            ScanEvent::Host(host) => {
                if host.name.is_some() {
                    ends.aim.peer.address.get_or_insert(host.address);
                }
                self.header(ends, session)
            }
            _ => self.header(ends, session),
        }
    }

    /// Nothing more will come.
    async fn tick(
        &mut self,
        ends: &mut Ends<'_>,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        self.progress.clear(session)?;
        self.header(ends, session)?;
        let report = self.fold.report(None, None);
        let known = self.learnt().await;
        let names = names(ends.cluster, &report).await;
        Ok(render::scan_body(
            session.out,
            &session.screen,
            &self.view(ends, &report, &known, &names),
        )?)
    }

    fn progress(&self) -> String {
        self.progress.word()
    }

    async fn explain(&self, ends: &Ends<'_>, failure: Failure) -> Failure {
        match failure.code {
            Some(code::LIMIT) => refused::beyond(self.args, ends, failure).await,
            _ => failure,
        }
    }

    async fn conclude(
        mut self,
        ends: &Ends<'_>,
        ended: Option<EndReason>,
        session: &mut Session<'_>,
    ) -> Result<Conclusion, Stopped> {
        self.progress.clear(session)?;
        self.header(ends, session)?;
        let report = self.fold.report(ended, None);
        let known = self.learnt().await;
        let names = names(ends.cluster, &report).await;
        let view = self.view(ends, &report, &known, &names);
        render::scan_body(session.out, &session.screen, &view)?;
        let facts = ScanFacts {
            request: &self.asked.0,
            report: &report,
            known: &known,
            asked: self.progress.counts(),
        };
        let findings = diagnose::scan(&facts, &ends.context(names.clone()));
        concluded(&report, &known, &ends.aim.peer, findings)
    }
}

impl Scan<'_> {
    /// Who scans whom, and how fast, once it is known.
    fn header(&mut self, ends: &Ends<'_>, session: &mut Session<'_>) -> Result<(), Stopped> {
        let Some(started) = self.started.as_ref().filter(|_| !self.has_header) else {
            return Ok(());
        };
        self.has_header = true;
        let peers = (&ends.from, &ends.aim.peer);
        let (out, screen) = (&mut *session.out, &session.screen);
        Ok(render::scan_header(out, screen, &self.asked.0, started, peers)?)
    }

    /// By now, or within the time that names are worth.
    async fn learnt(&mut self) -> Known {
        match self.learning.take() {
            None => Known::default(),
            Some(learning) => match timeout(NAMING, learning).await {
                Ok(Ok(known)) => known,
                Ok(Err(_)) | Err(_) => Known::late(),
            },
        }
    }

    fn view<'b>(
        &'b self,
        ends: &'b Ends<'_>,
        report: &'b ScanReport,
        known: &'b Known,
        names: &'b Names,
    ) -> ScanView<'b> {
        ScanView {
            request: &self.asked.0,
            report,
            to: &ends.aim.peer,
            known,
            names,
            brief: self.args.brief,
        }
    }
}

/// The object that the target is, as the request names it.
fn object(peer: &Peer) -> Option<Source> {
    let name = peer.name.clone();
    match peer.kind {
        PeerKind::Pod => Some(Source::Pod {
            namespace: peer.namespace.clone().unwrap_or_default(),
            name,
            uid: peer.uid.clone(),
        }),
        PeerKind::Node => Some(Source::Node { name }),
        PeerKind::Service
        | PeerKind::Workload(_)
        | PeerKind::Address
        | PeerKind::Host
        | PeerKind::Local => None,
    }
}

/// Who the addresses are that a network was found to have, and those that rejected.
async fn names(cluster: Option<&Cluster>, report: &ScanReport) -> Names {
    let up = report.hosts.iter().filter(|host| host.is_up).map(|host| host.address);
    let by = report.rest.iter().filter_map(|rest| rest.by);
    let by = by.chain(report.ports.iter().filter_map(|port| port.by));
    let addresses: Vec<IpAddr> = up.chain(by).collect();
    match cluster.filter(|_| !addresses.is_empty()) {
        Some(cluster) => timeout(NAMING, cluster.names_of(&addresses)).await.unwrap_or_default(),
        None => Names::default(),
    }
}

/// The document's parts: the report with what is known of each open port, and the rest of that.
fn concluded(
    report: &ScanReport,
    known: &Known,
    to: &Peer,
    findings: Vec<Finding>,
) -> Result<Conclusion, Stopped> {
    let (_, mut scan) = probe::part("scan", report)?;
    if let Some(ports) = scan.get_mut("ports") {
        *ports = entries::of(&report.ports, known, to)?;
    }
    let mut parts: Vec<(&'static str, Value)> = vec![("scan", scan)];
    if *known != Known::default() {
        parts.push(probe::part("known", known)?);
    }
    Ok(Conclusion { findings, parts })
}
