//! Which ports of which addresses answer: every port is asked, silence again, and why is told.

use std::{net::IpAddr, num::NonZeroU32};

use netdiag_wire::scan::{Scan, ScanEvent, ScanLane, ScanRequest};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

mod connect;
mod discovery;
mod echo;
mod family;
mod field;
mod identify;
mod intercepted;
mod lane;
mod pace;
mod rtt;
mod schedule;
mod second_sender;
mod sockets;
mod syn;
mod tale;
mod targets;
mod tcp;
mod udp;

pub use sockets::{DESCRIPTORS, ScanSockets};

use crate::{Probe, ProbeError, names::ResolverFiles, sys::datagram::Origin};
use family::Family;
use field::Host;
use pace::Pace;
use tale::Tale;
use targets::Targets;
use tcp::Run;

impl Probe for Scan {
    type Sockets = ScanSockets;
    type Event = ScanEvent;

    fn open(&self) -> Result<ScanSockets, ProbeError> {
        sockets::open(self)
    }

    async fn run(
        &self,
        sockets: ScanSockets,
        files: &ResolverFiles,
        destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
        emit: &mut impl FnMut(ScanEvent),
        stop: CancellationToken,
    ) -> Result<(), ProbeError> {
        let is_open = |version| sockets.has(version);
        let find = targets::find(&self.request, files, destination, &is_open);
        let targets = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            targets = find => targets?,
        };
        emit(started(self, &sockets, &targets));
        let mut run = Run {
            pace: Pace::new(rates(self)),
            tale: Tale::new(emit),
            open: Vec::new(),
            syn_acks: Vec::new(),
            up: 0,
            start: Instant::now(),
            stop,
        };
        let ScanSockets { opened, means, links, tables } = sockets;
        if let Some((host, port)) = first_tcp(&self.request, &targets)
            && intercepted::check(&tables, host, port).await
        {
            run.tale.say(ScanEvent::Intercepted);
            return Ok(());
        }
        let addresses = targets.hosts.len();
        for opened in opened {
            let named = targets.of(opened.version);
            if !named.is_empty() {
                let family = Family { scan: self, named, addresses, links: links.as_ref() };
                family.run(&mut run, opened, means).await?;
            }
        }
        if self.request.identify {
            run.identify(limits(self)).await;
        }
        run.end();
        Ok(())
    }
}

fn started(scan: &Scan, sockets: &ScanSockets, targets: &Targets) -> ScanEvent {
    let Scan { request, lane } = scan;
    ScanEvent::Started {
        method: sockets.method(),
        lane: lane.clone(),
        addresses: targets.hosts.len() as u32,
        off_limits: targets.off_limits,
        tcp_ports: request.tcp.len() as u32,
        udp_ports: request.udp.len() as u32,
        source: targets.hosts[0].host.source,
        other_addresses: targets.others.clone(),
    }
}

/// Whether connections are taken by a proxy is found out by one to this.
fn first_tcp(request: &ScanRequest, targets: &Targets) -> Option<(Host, u16)> {
    Some((targets.hosts.first()?.host, request.tcp.iter().next()?))
}

/// Most packets a second, by the request and by the lane.
fn rates(scan: &Scan) -> impl Iterator<Item = u32> {
    let lane = match scan.lane {
        ScanLane::Full => None,
        ScanLane::Held { rate, .. } => Some(rate),
        // A lane of a newer front: as slow as can be.
        ScanLane::Unknown => Some(1),
    };
    lane.into_iter().chain(scan.request.rate.map(Into::into))
}

/// For what is asked of open ports.
fn limits(scan: &Scan) -> identify::Limits {
    let rate = rates(scan).min().and_then(NonZeroU32::new);
    let from = Origin { address: scan.request.source_address, ..Origin::default() };
    identify::Limits { rate, from }
}
