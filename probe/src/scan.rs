//! Which ports of which addresses answer: every port is asked, silence again, and why is told.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
};

use netdiag_wire::scan::{Ports, Scan, ScanEvent, ScanHost, ScanLane};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

mod connect;
mod field;
mod identify;
mod lane;
mod pace;
mod rtt;
mod schedule;
mod sockets;
mod syn;
mod tale;
mod targets;
mod tcp;
mod udp;

pub use sockets::{DESCRIPTORS, ScanSockets};

use crate::{
    Probe, ProbeError,
    names::ResolverFiles,
    packet::{Version, syn::Syns},
    sys::{datagram::Origin, packets::any, unprivileged::Terms},
};
use connect::ConnectLane;
use field::Host;
use pace::Pace;
use sockets::Opened;
use syn::SynLane;
use tale::Tale;
use targets::{Named, Targets};
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
        let Scan { request, .. } = self;
        let count = (request.tcp.len() + request.udp.len()) as u64;
        let mut run = Run {
            pace: Pace::new(rates(self)),
            tale: Tale::new(emit, targets.hosts.len() as u64 * count),
            open: Vec::new(),
            syn_acks: Vec::new(),
            start: Instant::now(),
            stop,
        };
        targets.hosts.iter().for_each(|named| run.tale.say(counts_as_up(named)));
        for opened in sockets.opened {
            let hosts: Vec<Host> = targets.of(opened.version).collect();
            let source = request.source_address.filter(|a| Version::of(*a) == opened.version);
            let terms = Terms { version: opened.version, source, dont_fragment: false };
            tcp(&mut run, opened, sockets.descriptors, &hosts, &request.tcp).await?;
            run.udp(terms, &hosts, &request.udp).await?;
        }
        if request.identify {
            run.identify(limits(self)).await;
        }
        run.end();
        Ok(())
    }
}

async fn tcp<E: FnMut(ScanEvent)>(
    run: &mut Run<'_, E>,
    opened: Opened,
    descriptors: usize,
    hosts: &[Host],
    ports: &Ports,
) -> Result<(), ProbeError> {
    let watch = |e| ProbeError::Socket("watch sockets", e);
    let Opened { version, reserved, raw } = opened;
    match raw {
        Some(raw) => {
            let syns = Syns::new(reserved.ports.clone());
            let mut lane = SynLane::new(version, syns, raw).map_err(watch)?;
            run.tcp(&mut lane, hosts, ports).await
        }
        None => {
            let from = SocketAddr::new(any(version), reserved.ports.start);
            let mut lane = ConnectLane::new(from, descriptors).map_err(watch)?;
            run.tcp(&mut lane, hosts, ports).await
        }
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
    }
}

fn counts_as_up(named: &Named) -> ScanEvent {
    ScanEvent::Host(ScanHost {
        address: named.host.address,
        name: named.name.clone(),
        is_up: true,
        why: None,
        rtt_us: None,
    })
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
