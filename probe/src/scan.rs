//! Which ports of which addresses answer: every port is asked, silence again, and why is told.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
};

use netdiag_wire::scan::{Scan, ScanEvent, ScanHost, ScanLane, ScanMethod, ScanProtocol};
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
mod tale;
mod targets;
mod tcp;

pub use sockets::ScanSockets;

use crate::{
    Probe, ProbeError,
    clock::micros,
    names::ResolverFiles,
    packet::Version,
    sys::{datagram::Origin, route},
};
use connect::ConnectLane;
use field::{Field, Host};
use pace::Pace;
use tale::Tale;
use targets::{Named, Targets};
use tcp::Tcp;

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
        emit(started(self, &targets));
        let request = &self.request;
        let count = (request.tcp.len() + request.udp.len()) as u64;
        let mut open = Vec::new();
        let mut tell = |event| {
            if let ScanEvent::Port(port) = &event
                && request.identify
            {
                open.push(port.clone());
            }
            emit(event);
        };
        let mut tale = Tale::new(&mut tell, targets.hosts.len() as u64 * count);
        targets.hosts.iter().for_each(|named| tale.say(counts_as_up(named)));
        let hosts: Vec<Host> = targets.hosts.iter().map(|named| named.host).collect();
        let mut pace = Pace::new(rates(self));
        let start = Instant::now();
        for field in Field::parts(&hosts, &request.tcp, ScanProtocol::Tcp) {
            if stop.is_cancelled() {
                break;
            }
            let mut lane = connect_lane(&sockets, field.hosts[0])?;
            Tcp { lane: &mut lane, field, pace: &mut pace, tale: &mut tale, start, stop: &stop }
                .run()
                .await?;
        }
        let (asked_again, mut sent) = (tale.asked_again, tale.sent);
        sent += identify::run(&open, limits(self), emit, &stop).await;
        emit(ScanEvent::Done { took_us: micros(start.elapsed()), asked_again, sent });
        Ok(())
    }
}

fn started(scan: &Scan, targets: &Targets) -> ScanEvent {
    let Scan { request, lane } = scan;
    ScanEvent::Started {
        method: ScanMethod::Connect,
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
        ScanLane::Held { rate } => Some(rate),
        // A lane of a newer front: as slow as can be.
        ScanLane::Unknown => Some(1),
    };
    lane.into_iter().chain(scan.request.rate.map(Into::into))
}

/// For what is asked of open ports.
fn limits(scan: &Scan) -> identify::Limits {
    let rate = rates(scan).min().and_then(NonZeroU32::new);
    let from = Origin { address: scan.request.source_address, port: None };
    identify::Limits { rate, from }
}

fn connect_lane(sockets: &ScanSockets, host: Host) -> Result<ConnectLane, ProbeError> {
    let version = Version::of(host.address);
    let opened = sockets.opened.iter().find(|opened| opened.version == version);
    let port = opened.map_or(0, |opened| opened.reserved.ports.start);
    let from = SocketAddr::new(route::unspecified(host.address), port);
    ConnectLane::new(from, sockets::descriptors())
        .map_err(|e| ProbeError::Socket("watch connections", e))
}
