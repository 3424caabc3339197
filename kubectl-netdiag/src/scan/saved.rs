//! A saved scan: its document where there is one, as that knows the cluster, else its events.

use jiff::Timestamp;
use netdiag_wire::{
    EndReason,
    scan::{Discovery, Ports, ScanEvent, ScanFold, ScanLane, ScanMethod, ScanReport, ScanRequest},
};
use serde_json::Value;

use super::{Known, concluded};
use crate::{
    diagnose::{self, Context, ScanFacts},
    finding::{Peer, PeerKind},
    probe::Conclusion,
    render::{self, Names, ScanView},
    saved::Replay,
    session::{Session, Stopped},
};

#[derive(Default)]
pub(crate) struct Saved {
    fold: ScanFold,
    started: Option<ScanEvent>,
    progress: (u64, u64),
    /// The first address that was asked, where no document says whom.
    first: Option<Peer>,
    /// Of a document.
    report: Option<(ScanReport, Peer, Known)>,
}

impl Replay for Saved {
    const NAME: &'static str = "scan";
    const KIND: &'static str = "ScanReport";
    type Event = ScanEvent;
    const IS_WHOLE: bool = true;

    fn take(
        &mut self,
        from: &mut Peer,
        event: ScanEvent,
        _: Timestamp,
        _: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        self.fold.push(&event);
        match &event {
            ScanEvent::Started { source, .. } => {
                if !source.is_unspecified() {
                    from.address.get_or_insert(*source);
                }
                self.started = Some(event);
            }
            ScanEvent::Host(host) => {
                let address = host.address.to_string();
                let name = host.name.as_ref().map(ToString::to_string);
                let kind = if name.is_some() { PeerKind::Host } else { PeerKind::Address };
                self.first.get_or_insert_with(|| Peer {
                    kind,
                    name: name.unwrap_or(address),
                    address: Some(host.address),
                    ..Peer::default()
                });
            }
            ScanEvent::Progress { done, total, .. } => self.progress = (*done, *total),
            _ => {}
        }
        Ok(())
    }

    fn of_document(&mut self, document: &Value, to: Peer) -> serde_json::Result<()> {
        let report: ScanReport = serde_json::from_value(document["scan"].clone())?;
        let known = document.get("known").cloned().map(serde_json::from_value).transpose()?;
        self.report = Some((report, to, known.unwrap_or_default()));
        Ok(())
    }

    fn conclude(
        self,
        from: &Peer,
        ended: Option<EndReason>,
        session: &mut Session<'_>,
    ) -> Result<Option<(Conclusion, Option<Peer>)>, Stopped> {
        let events = self.started.is_some().then(|| self.fold.report(ended, None));
        let (report, to, known) = match (self.report, events) {
            (Some(document), _) => document,
            (None, Some(report)) => (report, self.first.unwrap_or_default(), Known::default()),
            (None, None) => return Ok(None),
        };
        let request = request_of(&report, &to);
        let started = self.started.unwrap_or_else(|| started_of(&report));
        let (out, screen) = (&mut *session.out, &session.screen);
        render::scan_header(out, screen, &request, &started, (from, &to))?;
        let names = Names::default();
        let view = ScanView {
            request: &request,
            report: &report,
            to: &to,
            known: &known,
            names: &names,
            brief: 0,
        };
        render::scan_body(out, screen, &view)?;
        let (from, now_at) = (from.clone(), Timestamp::now());
        let context = Context { from, to: to.clone(), now_at, ..Context::default() };
        let facts =
            ScanFacts { request: &request, report: &report, known: &known, asked: self.progress };
        let findings = diagnose::scan(&facts, &context);
        Ok(Some((concluded(&report, &known, &to, findings)?, Some(to))))
    }
}

/// What must have been asked for this to come of it.
fn request_of(report: &ScanReport, to: &Peer) -> ScanRequest {
    use netdiag_wire::scan::ScanProtocol;
    let ports = |protocol: ScanProtocol| -> Ports {
        let rest = report.rest.iter().filter(|rest| rest.protocol == protocol);
        let ports = report.ports.iter().filter(|port| port.protocol == protocol);
        rest.flat_map(|rest| rest.ports.iter()).chain(ports.map(|port| port.port)).collect()
    };
    // Of several addresses the first stands for a network, which is all that is asked of it.
    let target = match report.hosts.len() {
        0 | 1 => to.name.clone(),
        _ if to.name.contains('/') => to.name.clone(),
        _ => format!("{}/", to.name),
    };
    ScanRequest {
        udp: ports(ScanProtocol::Udp),
        identify: !report.identified.is_empty(),
        discovery: Discovery::Auto,
        ..ScanRequest::to(target, ports(ScanProtocol::Tcp))
    }
}

/// What the first event must have been.
fn started_of(report: &ScanReport) -> ScanEvent {
    ScanEvent::Started {
        method: report.method.unwrap_or(ScanMethod::Auto),
        lane: report.lane.clone().unwrap_or(ScanLane::Unknown),
        addresses: report.hosts.len() as u32,
        off_limits: 0,
        tcp_ports: 0,
        udp_ports: 0,
        source: std::net::Ipv4Addr::UNSPECIFIED.into(),
        other_addresses: Vec::new(),
    }
}
