//! From the open sockets and the target's address to the lane that probes go by.

use std::{net::IpAddr, time::Duration};

use netdiag_wire::trace::{
    Interface, TCP_PORT, TraceEvent, TraceMethod, TraceProtocol, TraceRequest, UDP_PORT,
};

use super::{
    exchange::Exchange,
    raw::RawLane,
    sockets::{Lane, TraceSockets},
};
use crate::{
    ProbeError,
    packet::{Version, probe::Shape},
    sys::{links::Links, route, watched::Watched},
};

/// Says what is known before the first probe; beside the exchange gives the interface's MTU. Must
/// be called in the runtime that will run it.
pub(super) fn start(
    request: &TraceRequest,
    sockets: TraceSockets,
    target: IpAddr,
    emit: &mut impl FnMut(TraceEvent),
) -> Result<(Exchange, Option<u32>), ProbeError> {
    let TraceSockets { lanes, secret, links } = sockets;
    let lane = lanes.into_iter().find(|lane| lane.version == Version::of(target));
    let Lane { sender, receivers, ports, ident, reserved, .. } =
        lane.ok_or_else(|| ProbeError::Request(format!("no sockets were opened for {target}")))?;
    let source = route::source(target, request.source_address);
    // Without a route there is none.
    let source = source.unwrap_or(route::unspecified(target));
    let port = port(request);
    let interface = interface(links.as_ref(), target, source);
    let mtu = interface.as_ref().map(|interface| interface.mtu);
    emit(TraceEvent::Started {
        host: request.host.as_str().into(),
        address: target,
        source,
        method: TraceMethod::Raw,
        port,
        interface,
    });
    let watch =
        |socket| Watched::new(socket).map_err(|e| ProbeError::Socket("watch raw socket", e));
    let shape = Shape {
        protocol: request.protocol,
        source,
        target,
        port: port.unwrap_or_default(),
        first_port: ports.start,
        flows: request.flows,
        secret,
    };
    let is_udp = request.protocol == TraceProtocol::Udp;
    let knock = is_udp.then(|| {
        let protocol = TraceProtocol::Icmp;
        Shape { protocol, port: 0, first_port: ident, flows: 1, ..shape.clone() }
    });
    let lane = RawLane {
        knock,
        is_alive: false,
        shape,
        sender,
        receivers: receivers.into_iter().map(watch).collect::<Result<_, _>>()?,
        _reserved: reserved,
    };
    let wait = request.wait_us.map(|us| Duration::from_micros(us.into()));
    Ok((Exchange::new(lane, target, wait), mtu))
}

fn port(request: &TraceRequest) -> Option<u16> {
    match request.protocol {
        TraceProtocol::Udp => Some(request.port.unwrap_or(UDP_PORT)),
        TraceProtocol::Tcp => Some(request.port.unwrap_or(TCP_PORT)),
        TraceProtocol::Icmp => None,
    }
}

fn interface(links: Option<&Links>, target: IpAddr, source: IpAddr) -> Option<Interface> {
    let from = Some(source).filter(|source| !source.is_unspecified());
    let link = links?.toward(target, from)?;
    Some(Interface { name: link.name.clone().into(), mtu: link.mtu })
}
