//! What is sent: the protocol and the port, from the flags and what the target declares.

use netdiag_wire::trace::{TraceProtocol, TraceRequest};

use crate::{
    args::TraceArgs,
    finding::Failure,
    plan::{Aim, DeclaredPort, PortProtocol, declared_port},
};

/// The request; where it goes to a port that is known, the target is named with it from now on.
pub(super) fn request(args: &TraceArgs, aim: &mut Aim) -> Result<TraceRequest, Failure> {
    let asked = args.port()?;
    let wanted = match args.protocol() {
        Some(TraceProtocol::Udp) => Some(PortProtocol::Udp),
        Some(TraceProtocol::Tcp) => Some(PortProtocol::Tcp),
        Some(TraceProtocol::Icmp) | None => None,
    };
    let found = asked.as_ref().map(|port| declared_port(port, wanted, aim)).transpose()?;
    let (protocol, port) = settle(args, found.as_ref(), &aim.ports);
    aim.peer.port = port;
    Ok(args.request(aim.host.clone(), protocol, port))
}

/// Policies and rate limits eat UDP 33434, a declared TCP port they mostly do not.
fn settle(
    args: &TraceArgs,
    port: Option<&DeclaredPort>,
    declared: &[DeclaredPort],
) -> (TraceProtocol, Option<u16>) {
    let tcp = || declared.iter().find(|port| port.protocol == PortProtocol::Tcp);
    match (args.protocol(), port) {
        (Some(TraceProtocol::Icmp), _) => (TraceProtocol::Icmp, None),
        (Some(TraceProtocol::Tcp), port) => {
            (TraceProtocol::Tcp, port.or_else(tcp).map(|port| port.number))
        }
        (Some(TraceProtocol::Udp), port) => (TraceProtocol::Udp, port.map(|port| port.number)),
        (None, Some(port)) if port.protocol == PortProtocol::Udp || args.is_sweep() => {
            (TraceProtocol::Udp, Some(port.number))
        }
        (None, Some(port)) => (TraceProtocol::Tcp, Some(port.number)),
        (None, None) if args.is_sweep() => (TraceProtocol::Udp, None),
        (None, None) => match tcp() {
            Some(port) => (TraceProtocol::Tcp, Some(port.number)),
            None => (TraceProtocol::Udp, None),
        },
    }
}

/// The port as the header has it: not the first of a classic UDP trace, which stands for none.
pub(super) fn shown_port(request: &TraceRequest, used: Option<u16>) -> Option<u16> {
    match request.protocol {
        TraceProtocol::Tcp => used,
        TraceProtocol::Udp => request.port,
        TraceProtocol::Icmp => None,
    }
}

#[cfg(test)]
mod tests;
