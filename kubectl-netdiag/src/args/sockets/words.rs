//! States by the names that ss and netstat have for them, and the other end of a connection.

use std::{net::IpAddr, num::NonZeroU16};

use netdiag_wire::sockets::{Network, SocketState};

/// One word's states: ss has words for groups of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct States(pub(super) Vec<SocketState>);

/// Where the other end must be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Peer {
    /// As the request takes it: an address or a CIDR.
    pub(super) network: Option<String>,
    pub(super) port: Option<NonZeroU16>,
}

/// What ss calls `synchronized`; with SYN-SENT it is `connected`.
const SYNCHRONIZED: [SocketState; 8] = [
    SocketState::Established,
    SocketState::SynReceived,
    SocketState::FinWait1,
    SocketState::FinWait2,
    SocketState::TimeWait,
    SocketState::CloseWait,
    SocketState::LastAck,
    SocketState::Closing,
];

pub(super) fn states(text: &str) -> Result<States, String> {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let one = |state| Ok(States(vec![state]));
    match plain.to_ascii_lowercase().as_str() {
        "established" | "estab" => one(SocketState::Established),
        "synsent" => one(SocketState::SynSent),
        "synrecv" | "synreceived" => one(SocketState::SynReceived),
        "finwait1" => one(SocketState::FinWait1),
        "finwait2" => one(SocketState::FinWait2),
        "timewait" => one(SocketState::TimeWait),
        "closewait" => one(SocketState::CloseWait),
        "lastack" => one(SocketState::LastAck),
        "closing" => one(SocketState::Closing),
        "listen" | "listening" => one(SocketState::Listen),
        "closed" | "close" => one(SocketState::Closed),
        "unconn" | "unconnected" => one(SocketState::Unconnected),
        "synchronized" => Ok(States(SYNCHRONIZED.to_vec())),
        "connected" => Ok(States([&SYNCHRONIZED[..], &[SocketState::SynSent]].concat())),
        _ => Err("must be a state such as established, syn-sent, syn-recv, fin-wait-1, \
                  fin-wait-2, time-wait, close-wait, last-ack, closing, listen, unconnected, or \
                  connected, synchronized"
            .into()),
    }
}

/// `10.0.0.7`, `10.0.0.0/8`, `10.0.0.7:80`, `[fd00::7]:80`, `:80`.
pub(super) fn peer(text: &str) -> Result<Peer, String> {
    let (network, port) = match text.parse::<IpAddr>() {
        Ok(_) => (text, None),
        Err(_) => match text.rsplit_once(':') {
            Some((network, port)) if !network.contains(':') || network.ends_with(']') => {
                (network, Some(port))
            }
            _ => (text, None),
        },
    };
    let port = match port.filter(|port| *port != "*") {
        Some(port) => Some(port.parse().map_err(|_| format!("port {port}: must be 1 to 65535"))?),
        None => None,
    };
    let network = network.trim_start_matches('[').trim_end_matches(']');
    let network = Some(network).filter(|network| !matches!(*network, "" | "*"));
    if let Some(network) = network {
        Network::read(network)
            .map_err(|_| "must be an address, a CIDR or either with :PORT".to_owned())?;
    }
    if network.is_none() && port.is_none() {
        return Err("must be an address, a CIDR or either with :PORT".into());
    }
    Ok(Peer { network: network.map(str::to_owned), port })
}
