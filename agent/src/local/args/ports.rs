//! The probes that name ports.

use std::net::IpAddr;

use netdiag_wire::{
    connect::{ConnectProtocol, ConnectRequest},
    scan::{Ports, Scan, ScanLane, ScanMethod, ScanRequest},
    tls::TlsRequest,
};

use super::Source;

#[derive(clap::Args)]
pub(crate) struct ConnectArgs {
    /// Address or name
    host: String,
    port: u16,
    /// Send a datagram instead
    #[arg(short, long)]
    udp: bool,
    #[command(flatten)]
    source: Source,
}

#[derive(clap::Args)]
pub(crate) struct TlsArgs {
    /// Address or name
    host: String,
    port: u16,
    /// Ask for the certificate of this name; without it of the host, where that is one
    #[arg(long, value_name = "NAME")]
    servername: Option<String>,
    #[command(flatten)]
    source: Source,
}

#[derive(clap::Args)]
pub(crate) struct ScanArgs {
    /// Addresses, names, CIDRs
    #[arg(required = true)]
    target: Vec<String>,
    /// As in 22,80,8000-8100; - alone is all
    #[arg(short, long, allow_hyphen_values = true)]
    ports: Ports,
    /// Of UDP
    #[arg(short, long)]
    udp: bool,
    /// By whole connections
    #[arg(long, conflicts_with = "udp")]
    connect: bool,
    /// Ask what is open which protocol it speaks
    #[arg(short = 'A', long)]
    identify: bool,
    #[command(flatten)]
    source: Source,
}

impl ConnectArgs {
    pub(super) fn request(self) -> (Source, ConnectRequest) {
        let protocol = if self.udp { ConnectProtocol::Udp } else { ConnectProtocol::Tcp };
        let to = ConnectRequest::to(self.host, self.port);
        (self.source, ConnectRequest { protocol, ..to })
    }
}

impl TlsArgs {
    pub(super) fn request(self) -> (Source, TlsRequest) {
        let Self { host, port, servername, source } = self;
        let is_name = host.parse::<IpAddr>().is_err();
        let name = servername.or_else(|| is_name.then(|| host.trim_end_matches('.').to_owned()));
        let mut request = TlsRequest::to(host, port);
        request.offer.server_name = name;
        (source, request)
    }
}

impl ScanArgs {
    /// At full speed: root on the node may do that without us.
    pub(super) fn scan(self) -> (Source, Scan) {
        let Self { target, ports, udp, connect, identify, source } = self;
        let (tcp, udp) = if udp { (Ports::default(), ports) } else { (ports, Ports::default()) };
        let method = if connect { ScanMethod::Connect } else { ScanMethod::Auto };
        let to = ScanRequest::to("", tcp);
        let request = ScanRequest { targets: target, udp, method, identify, ..to };
        (source, Scan { request, lane: ScanLane::Full })
    }
}
