//! What root types, as the order that front would have made of it.

use std::num::NonZeroU32;

use anyhow::{Context, anyhow};
use clap::{Subcommand, ValueEnum};
use netdiag_wire::{
    dns::{DnsMode, DnsRequest, DnsServer, RecordType},
    ping::PingRequest,
    sockets::{SocketsRequest, Which},
    trace::{TraceProtocol, TraceRequest},
};

mod ports;

use ports::{ConnectArgs, ScanArgs, TlsArgs};

use crate::ipc::ProbeOrder;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    pub(super) probe: Probe,
}

#[derive(Subcommand)]
pub(super) enum Probe {
    /// Send echo requests
    Ping(PingArgs),
    /// Find the path to a target
    Trace(TraceArgs),
    /// Resolve a name as the source does, or ask one server
    Dns(DnsArgs),
    /// Connect to a port, or send it a datagram
    Connect(ConnectArgs),
    /// Find out which ports are open
    Scan(ScanArgs),
    /// Make a TLS handshake and show what the server serves
    Tls(TlsArgs),
    /// List sockets
    Sockets(SocketsArgs),
}

#[derive(clap::Args)]
pub(super) struct Source {
    /// From the pod with this UID (`ls /var/log/pods`), not from the node
    #[arg(long, value_name = "UID")]
    pod: Option<String>,
}

#[derive(clap::Args)]
pub(super) struct PingArgs {
    /// Addresses or names
    #[arg(required = true)]
    host: Vec<String>,
    /// Echo requests to each; without it until Ctrl-C
    #[arg(short, long)]
    count: Option<NonZeroU32>,
    #[command(flatten)]
    source: Source,
}

#[derive(clap::Args)]
pub(super) struct TraceArgs {
    /// Address or name
    host: String,
    #[arg(short = 'P', long, default_value = "udp")]
    protocol: Protocol,
    /// Without it 33434 for UDP, 80 for TCP
    #[arg(short, long)]
    port: Option<u16>,
    #[arg(short, long, default_value_t = 30)]
    max_ttl: u8,
    /// Probes to each hop
    #[arg(short, long, default_value_t = 3)]
    queries: u8,
    /// No reverse DNS
    #[arg(long)]
    no_names: bool,
    #[command(flatten)]
    source: Source,
}

#[derive(Clone, Copy, ValueEnum)]
enum Protocol {
    Udp,
    Tcp,
    Icmp,
}

#[derive(clap::Args)]
pub(super) struct DnsArgs {
    name: String,
    /// Ask this server and no other, without the search list
    #[arg(value_name = "@SERVER[#PORT]")]
    server: Option<String>,
    /// Type of record; without it A and AAAA
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    kind: Option<RecordType>,
    #[command(flatten)]
    source: Source,
}

#[derive(clap::Args)]
pub(super) struct SocketsArgs {
    /// Only those that listen
    #[arg(short, long)]
    listening: bool,
    /// With the processes that hold them
    #[arg(short, long)]
    processes: bool,
    /// With what the kernel knows of each TCP connection
    #[arg(short = 'i', long)]
    tcp_info: bool,
    /// With the namespace's counters
    #[arg(short, long)]
    stats: bool,
    #[command(flatten)]
    source: Source,
}

impl Probe {
    /// The source pod's UID, none for the node; and what the worker is to do.
    pub(super) fn order(self) -> anyhow::Result<(Option<String>, ProbeOrder)> {
        let (source, order, checked) = match self {
            Self::Ping(args) => {
                let (source, request) = args.request();
                let checked = request.check();
                (source, ProbeOrder::Ping(request), checked)
            }
            Self::Trace(args) => {
                let (source, request) = args.request();
                let checked = request.check();
                (source, ProbeOrder::Trace(request), checked)
            }
            Self::Dns(args) => {
                let (source, request) = args.request()?;
                let checked = request.check();
                (source, ProbeOrder::Dns(Box::new(request)), checked)
            }
            Self::Connect(args) => {
                let (source, request) = args.request();
                let checked = request.check();
                (source, ProbeOrder::Connect(Box::new(request)), checked)
            }
            Self::Scan(args) => {
                let (source, scan) = args.scan();
                let checked = scan.request.check();
                (source, ProbeOrder::Scan(Box::new(scan)), checked)
            }
            Self::Tls(args) => {
                let (source, request) = args.request();
                let checked = request.check();
                (source, ProbeOrder::Tls(Box::new(request)), checked)
            }
            Self::Sockets(args) => {
                let (source, request) = args.request();
                let checked = request.check();
                (source, ProbeOrder::Sockets(Box::new(request)), checked)
            }
        };
        checked.map_err(|why| anyhow!(why))?;
        Ok((source.pod, order))
    }
}

impl PingArgs {
    fn request(self) -> (Source, PingRequest) {
        let mut request = PingRequest::to("");
        request.targets = self.host.iter().flat_map(|host| PingRequest::to(host).targets).collect();
        request.count = self.count;
        (self.source, request)
    }
}

impl TraceArgs {
    fn request(self) -> (Source, TraceRequest) {
        let Self { host, protocol, port, max_ttl, queries, no_names, source } = self;
        let protocol = match protocol {
            Protocol::Udp => TraceProtocol::Udp,
            Protocol::Tcp => TraceProtocol::Tcp,
            Protocol::Icmp => TraceProtocol::Icmp,
        };
        let to = TraceRequest::to(host, protocol);
        (source, TraceRequest { port, max_ttl, queries, no_names, ..to })
    }
}

impl DnsArgs {
    fn request(self) -> anyhow::Result<(Source, DnsRequest)> {
        let mut request = DnsRequest::walk(self.name);
        request.types.extend(self.kind);
        if let Some(server) = self.server {
            request.mode = DnsMode::Ask;
            request.servers.push(one_server(&server)?);
        }
        Ok((self.source, request))
    }
}

impl SocketsArgs {
    fn request(self) -> (Source, SocketsRequest) {
        let Self { listening, processes, tcp_info, stats, source } = self;
        let which = if listening { Which::Listening } else { Which::All };
        (source, SocketsRequest { which, processes, tcp_info, stats, ..Default::default() })
    }
}

fn one_server(word: &str) -> anyhow::Result<DnsServer> {
    let server = word.strip_prefix('@').with_context(|| format!("{word}: a server is @SERVER"))?;
    let Some((host, port)) = server.split_once('#') else {
        return Ok(DnsServer { host: server.into(), port: None });
    };
    let port = port.parse().with_context(|| format!("port {port}"))?;
    Ok(DnsServer { host: host.into(), port: Some(port) })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use netdiag_wire::{
        connect::{ConnectProtocol, ConnectRequest},
        scan::{Ports, Scan, ScanLane, ScanMethod, ScanRequest},
    };

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn order(line: &str) -> Result<(Option<String>, ProbeOrder), String> {
        let parsed = Line::try_parse_from(["local"].into_iter().chain(line.split(' ')));
        let args = parsed.map_err(|refusal| refusal.to_string())?.args;
        args.probe.order().map_err(|refusal| format!("{refusal:#}"))
    }

    #[test]
    fn what_is_typed_is_what_front_would_order() {
        let trace = TraceRequest::to("10.0.0.1", TraceProtocol::Udp);
        assert_eq!(order("trace 10.0.0.1"), Ok((None, ProbeOrder::Trace(trace.clone()))));
        let typed = order("trace 10.0.0.1 -P tcp -p 443 -m 8 -q 1 --no-names --pod u-1");
        let tcp = TraceRequest {
            protocol: TraceProtocol::Tcp,
            port: Some(443),
            max_ttl: 8,
            queries: 1,
            no_names: true,
            ..trace
        };
        assert_eq!(typed, Ok((Some("u-1".into()), ProbeOrder::Trace(tcp))));

        let dns = |request| Ok((None, ProbeOrder::Dns(Box::new(request))));
        assert_eq!(order("dns shop"), dns(DnsRequest::walk("shop")));
        let mut ask = DnsRequest::ask("a.example", RecordType::MX, "10.96.0.10");
        assert_eq!(order("dns a.example @10.96.0.10 -t MX"), dns(ask.clone()));
        ask.servers[0].port = Some(5353);
        assert_eq!(order("dns a.example @10.96.0.10#5353 -t mx"), dns(ask));
    }

    #[test]
    fn the_kernels_sockets_need_no_target() {
        let sockets = |request| Ok((None, ProbeOrder::Sockets(Box::new(request))));
        assert_eq!(order("sockets"), sockets(SocketsRequest::default()));
        let request = SocketsRequest {
            which: Which::Listening,
            processes: true,
            tcp_info: true,
            stats: true,
            ..SocketsRequest::default()
        };
        assert_eq!(order("sockets -lpi --stats"), sockets(request));
    }

    #[test]
    fn ports_are_connected_to_or_scanned_at_full_speed() {
        let connect = |request| Ok((None, ProbeOrder::Connect(Box::new(request))));
        let to = ConnectRequest::to("10.0.0.1", 53);
        assert_eq!(order("connect 10.0.0.1 53"), connect(to.clone()));
        let udp = ConnectRequest { protocol: ConnectProtocol::Udp, ..to };
        assert_eq!(order("connect 10.0.0.1 53 -u"), connect(udp));

        let scan = |request| {
            Ok((None, ProbeOrder::Scan(Box::new(Scan { request, lane: ScanLane::Full }))))
        };
        let all = ScanRequest::to("10.0.0.1", Ports::all());
        assert_eq!(order("scan 10.0.0.1 -p-"), scan(all.clone()));
        let whole = ScanRequest { method: ScanMethod::Connect, identify: true, ..all.clone() };
        assert_eq!(order("scan 10.0.0.1 -p - -A --connect"), scan(whole));
        let udp = ScanRequest { tcp: Ports::default(), udp: Ports::all(), ..all };
        assert_eq!(order("scan 10.0.0.1 -p 1-65535 --udp"), scan(udp));
    }

    #[test]
    fn what_cannot_be_is_refused_in_words() {
        for (line, said) in [
            ("trace a -m 0", "maxTtl: 0, must be 1 to 255"),
            ("trace a -P icmp -p 7", "port: 7, but ICMP has no ports"),
            ("trace a -P sctp", "[possible values: udp, tcp, icmp]"),
            ("dns a 10.96.0.10", "10.96.0.10: a server is @SERVER"),
            ("dns a @", "servers.host: 0 bytes, must be 1 to 253"),
            ("dns a @b#0", "servers.port: 0, must be 1 to 65535"),
            ("dns a @b#c", "port c: invalid digit found in string"),
            ("dns a -t BANANA", "BANANA"),
            ("ping", "required"),
            ("connect a 0", "port: 0, must be 1 to 65535"),
            ("connect a 65536", "65536 is not in 0..=65535"),
            ("scan a", "--ports"),
            ("scan a -p 9-7", "9-7 is reversed: write 7-9"),
            ("scan 10.0.0.1/24 -p 1", "10.0.0.1/24"),
        ] {
            let refusal = order(line).unwrap_err();
            assert!(refusal.contains(said), "{line}: {refusal}");
        }
    }
}
