//! From the open sockets and the target's address to the lane that probes go by.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use netdiag_wire::trace::{Interface, TCP_PORT, TraceEvent, TraceProtocol, TraceRequest, UDP_PORT};

use super::{
    datagram::DatagramLane,
    exchange::Exchange,
    lane::Lane,
    raw::RawLane,
    sequential::SequentialLane,
    sockets::{Opened, Sockets, TraceSockets},
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
    let TraceSockets { opened, secret, links, .. } = sockets;
    let opened = opened.into_iter().find(|opened| opened.terms.version == Version::of(target));
    let opened = opened
        .ok_or_else(|| ProbeError::Request(format!("no sockets were opened for {target}")))?;
    let source = route::source(target, request.source_address);
    // Without a route there is none.
    let source = source.unwrap_or(route::unspecified(target));
    let port = port(request);
    let shape = Shape {
        protocol: request.protocol,
        source,
        target,
        port: port.unwrap_or_default(),
        first_port: opened.ports.start,
        flows: request.flows,
        secret,
    };
    let lane = lane(opened, shape).map_err(|e| ProbeError::Socket("watch socket", e))?;
    let interface = interface(links.as_ref(), target, source);
    let mtu = interface.as_ref().map(|interface| interface.mtu);
    emit(TraceEvent::Started {
        host: request.host.as_str().into(),
        address: target,
        source,
        method: lane.method(),
        port,
        interface,
    });
    let wait = request.wait_us.map(|us| Duration::from_micros(us.into()));
    Ok((Exchange::new(lane, target, wait), mtu))
}

fn lane(opened: Opened, shape: Shape) -> io::Result<Lane> {
    let Opened { terms, sockets, ports, reserved } = opened;
    match sockets {
        Sockets::Raw { sender, receivers, ident } => {
            let receivers = receivers.into_iter().map(Watched::new).collect::<Result<_, _>>()?;
            let is_udp = shape.protocol == TraceProtocol::Udp;
            let knock = is_udp.then(|| {
                let protocol = TraceProtocol::Icmp;
                Shape { protocol, port: 0, first_port: ident, flows: 1, ..shape.clone() }
            });
            Ok(Lane::Raw(RawLane {
                shape,
                sender,
                receivers,
                knock,
                is_alive: false,
                nearest_echo: None,
                _reserved: reserved,
            }))
        }
        Sockets::Datagram(sockets) => Ok(Lane::Datagram(DatagramLane {
            shape,
            terms,
            sockets: sockets.into_iter().map(Watched::new).collect::<Result<_, _>>()?,
            single: Vec::new(),
            tags: Vec::new(),
            is_blind: false,
        })),
        Sockets::Sequential => Ok(Lane::Sequential(SequentialLane {
            target: SocketAddr::new(shape.target, shape.port),
            terms,
            ports,
            sockets: Vec::new(),
            tags: Vec::new(),
            _reserved: reserved,
        })),
    }
}

pub(super) fn port(request: &TraceRequest) -> Option<u16> {
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
