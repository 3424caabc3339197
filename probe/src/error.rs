//! Why a probe could not be carried out.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use netdiag_wire::ErrorCode;
use rustix::io::Errno;

/// Silence, a rejection or a refused send are no errors: they are what a probe is for.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error("{0}")]
    Request(String),
    #[error(
        "open ICMP socket: a raw one needs CAP_NET_RAW, a datagram one \
         a group within net.ipv4.ping_group_range"
    )]
    NoIcmpSocket(#[source] io::Error),
    #[error("{0}")]
    Socket(&'static str, #[source] io::Error),
    #[error("source {wanted} is no address of this network namespace; it has {}", list(.has))]
    SourceAddress { wanted: IpAddr, has: Vec<IpAddr> },
    #[error("{host} has no {family} address")]
    WrongFamily { host: String, family: &'static str },
    #[error("port {port} is in use{}", holder(.by))]
    PortTaken { port: u16, by: Option<(SocketAddr, Option<u32>)> },
    #[error(
        "port {port} is privileged here: the first that is not is {first} \
         (net.ipv4.ip_unprivileged_port_start)"
    )]
    PrivilegedPort { port: u16, first: u16 },
    #[error("resolve {host}")]
    Resolve { host: String, source: ResolveError },
    /// By the caller's limits, where only the probe itself could find out.
    #[error("{0}")]
    Limit(String),
    /// By the caller's policy on destinations.
    #[error("{address} is off limits: {why}")]
    Forbidden { address: IpAddr, why: String },
}

/// How a name came to have no address.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    #[error("not a host name")]
    NotAName,
    #[error("no such name: no nameserver is asked for names in {0}, which is reserved")]
    Reserved(&'static str),
    #[error("no such name (NXDOMAIN), says nameserver {}", list(.0))]
    NoSuchName(Vec<IpAddr>),
    #[error("the name exists but has no such address, says nameserver {}", list(.0))]
    NoAddress(Vec<IpAddr>),
    #[error("no answer from nameserver {}", list(.0))]
    NoAnswer(Vec<IpAddr>),
    #[error("nameserver {} answered {}", list(.0), .1)]
    Answered(Vec<IpAddr>, String),
    #[error("ask nameserver {}", list(.0))]
    Lookup(Vec<IpAddr>, #[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ProbeError {
    /// This kernel knows no such sockets, as one without IPv6.
    pub(crate) fn is_unsupported(&self) -> bool {
        let Self::Socket(_, error) = self else { return false };
        matches!(Errno::from_io_error(error), Some(Errno::AFNOSUPPORT | Errno::PROTONOSUPPORT))
    }

    /// The word that clients match on; the message is not part of the API.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Request(_) | Self::WrongFamily { .. } => ErrorCode::BadRequest,
            Self::NoIcmpSocket(_) => ErrorCode::Permission,
            Self::Socket(_, cause) if cause.kind() == io::ErrorKind::PermissionDenied => {
                ErrorCode::Permission
            }
            Self::Socket(..) => ErrorCode::Socket,
            Self::SourceAddress { .. } => ErrorCode::SourceAddress,
            Self::PortTaken { .. } | Self::PrivilegedPort { .. } => ErrorCode::PortUnavailable,
            Self::Limit(_) => ErrorCode::LimitExceeded,
            Self::Resolve { .. } => ErrorCode::NameResolution,
            Self::Forbidden { .. } => ErrorCode::Forbidden,
        }
    }
}

fn holder(by: &Option<(SocketAddr, Option<u32>)>) -> String {
    match by {
        Some((local, Some(uid))) => format!(": a process of uid {uid} has {local}"),
        Some((local, None)) => format!(": {local}"),
        None => String::new(),
    }
}

fn list(addresses: &[IpAddr]) -> String {
    let words: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
    if words.is_empty() { "none".into() } else { words.join(", ") }
}
