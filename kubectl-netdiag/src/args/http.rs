//! `http URL|TARGET`: curl's flags, but those whose letters are kubectl's.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{
    ArgAction, Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use netdiag_wire::http::{HttpVersion, ProxyProtocol};

mod place;

pub(crate) use place::{Scheme, Site, credentials, unbracketed};

use super::{
    Held, KubeFlags, OutputFlags, ProbeArgs, SourceFlags, Target, duration,
    kube::Secret,
    usage::{bad_target, bad_value},
};
use crate::finding::Failure;

/// Bounds the whole command.
const DEADLINE: Duration = Duration::from_secs(30);

const ABOUT: &str = "\
A body goes to stdout with --body, to a file with --save, and nowhere else; both need the right
http-body. https sends nothing before the certificate is accepted; -k takes any.
kubectl owns -o, -s, -n, --user: see --save, --quiet, -u. Each redirect of -L is a request of its own.
kubectl netdiag options lists kubectl's flags, which work too.";

/// Send one HTTP request from anywhere, and say who answered, what, and where the time went (curl).
/// Needs the right http there.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(override_usage = "kubectl netdiag http URL|TARGET[:PORT][/PATH] [--from SOURCE] [flags]", after_help = ABOUT)]
pub(crate) struct HttpArgs {
    /// http://HOST[:PORT][/PATH], https://..., or [NAMESPACE/]KIND/NAME:PORT[/PATH] (pod, node, svc,
    /// deploy, ...), where PORT may be a name that the pod or svc declares
    #[arg(value_name = "URL|TARGET", required = true, num_args = 1..=2)]
    words: Vec<String>,
    #[command(flatten)]
    pub(crate) source: SourceFlags,
    #[command(flatten)]
    pub(crate) ask: AskFlags,
    #[command(flatten)]
    pub(crate) way: WayFlags,
    #[command(flatten)]
    pub(crate) shown: ShownFlags,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
    #[command(flatten)]
    pub(crate) kube: KubeFlags,
}

/// What is asked.
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(next_help_heading = "Request")]
pub(crate) struct AskFlags {
    /// Method; without it GET, POST where data is sent, PUT with -T
    #[arg(short = 'X', long, value_name = "METHOD")]
    pub(crate) request: Option<String>,
    /// Ask for the head alone (HEAD), and show it
    #[arg(short = 'I', long, conflicts_with_all = ["data", "form", "upload_file"])]
    pub(crate) head: bool,
    /// Path and query, where TARGET has none
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<String>,
    /// https, where TARGET is no URL; without it, for port 443 and 8443 and ports named https
    #[arg(long)]
    pub(crate) https: bool,
    /// A field: 'NAME: VALUE', 'NAME;' for an empty one, 'NAME:' to leave one out; may be repeated
    #[arg(short = 'H', long, value_name = "FIELD")]
    pub(crate) header: Vec<String>,
    /// Data of a form, joined by &; @FILE and @- read it, without line ends
    #[arg(short = 'd', long, value_name = "DATA", conflicts_with_all = ["form", "upload_file"])]
    pub(crate) data: Vec<String>,
    /// As -d, where @ means nothing
    #[arg(long, value_name = "DATA")]
    pub(crate) data_raw: Vec<String>,
    /// As -d, with the line ends of a file
    #[arg(long, value_name = "DATA")]
    pub(crate) data_binary: Vec<String>,
    /// As -d, percent-encoded: CONTENT, =CONTENT, NAME=CONTENT, NAME@FILE
    #[arg(long, value_name = "DATA")]
    pub(crate) data_urlencode: Vec<String>,
    /// JSON, with its Content-Type and Accept; @FILE and @- read it
    #[arg(long, value_name = "DATA", conflicts_with_all = ["data", "form", "upload_file"])]
    pub(crate) json: Vec<String>,
    /// A part of multipart/form-data: NAME=VALUE, NAME=@FILE, NAME=<FILE, with ;type= and ;filename=
    #[arg(short = 'F', long, value_name = "PART")]
    pub(crate) form: Vec<String>,
    /// Put the data into the query
    #[arg(short = 'G', long)]
    pub(crate) get: bool,
    /// Send this file's bytes (PUT); - is stdin
    #[arg(short = 'T', long, value_name = "FILE")]
    pub(crate) upload_file: Option<PathBuf>,
    /// User and password, by Basic
    #[arg(short = 'u', long = "credentials", value_name = "USER:PASSWORD", value_parser = secret)]
    pub(crate) credentials: Option<Secret>,
    /// User-Agent
    #[arg(short = 'A', long, value_name = "NAME")]
    pub(crate) user_agent: Option<String>,
    /// Referer
    #[arg(short = 'e', long, value_name = "URL")]
    pub(crate) referer: Option<String>,
    /// Cookies: NAME=VALUE; ..., or without = a Netscape cookie file, of which those go that are meant
    /// for host and path; may be repeated
    #[arg(short = 'b', long, value_name = "COOKIES|FILE", value_parser = secret)]
    pub(crate) cookie: Vec<Secret>,
    /// Ask for a compressed body, and unpack it
    #[arg(long)]
    pub(crate) compressed: bool,
    /// Ask for the upgrade to WebSocket, and say whether it is granted
    #[arg(long, conflicts_with_all = ["data", "form", "upload_file", "head", "grpc_health"])]
    pub(crate) websocket: bool,
    /// Ask gRPC's health service; SERVICE, or '' for the whole server
    #[arg(long, value_name = "SERVICE", num_args = 0..=1, require_equals = true, default_missing_value = "",
        conflicts_with_all = ["data", "form", "upload_file", "head", "request"])]
    pub(crate) grpc_health: Option<String>,
}

/// How it gets there.
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(next_help_heading = "Connection")]
pub(crate) struct WayFlags {
    /// Follow redirects, at most --max-redirs of them
    #[arg(short = 'L', long)]
    pub(crate) location: bool,
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) max_redirs: u32,
    /// Take any certificate
    #[arg(short = 'k', long)]
    pub(crate) insecure: bool,
    /// Trust these CAs instead of the public ones: a file, [NAMESPACE/]secret/NAME:KEY or
    /// configmap/NAME:KEY
    #[arg(long, visible_alias = "ca-file", value_name = "CA", value_parser = Held::parse)]
    pub(crate) cacert: Option<Held>,
    /// Client certificate and what is below it: a file here
    #[arg(short = 'E', long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// Its private key (PEM), which stays here: request and handshake are made by this process, over a
    /// byte stream from the source (the right connect)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// HTTP/1.0
    #[arg(short = '0', long = "http1.0", group = "version")]
    pub(crate) http10: bool,
    /// HTTP/1.1
    #[arg(long = "http1.1", group = "version")]
    pub(crate) http11: bool,
    /// HTTP/2 where the server takes it: the default with https
    #[arg(long, group = "version")]
    pub(crate) http2: bool,
    /// HTTP/2 in the clear, and nothing else
    #[arg(long, visible_alias = "http2-prior-knowledge", group = "version")]
    pub(crate) h2c: bool,
    /// Connect to ADDRESS for HOST and PORT; may be repeated
    #[arg(long, value_name = "HOST:PORT:ADDRESS")]
    pub(crate) resolve: Vec<String>,
    /// Connect to HOST2:PORT2 for HOST1:PORT1, each of which may be left out; may be repeated
    #[arg(long, value_name = "HOST1:PORT1:HOST2:PORT2")]
    pub(crate) connect_to: Vec<String>,
    /// Through this proxy: [http://][USER:PASSWORD@]HOST[:PORT]
    #[arg(short = 'x', long, value_name = "PROXY", value_parser = secret)]
    pub(crate) proxy: Option<Secret>,
    /// Say first whom it comes from (HAProxy's PROXY protocol): v1, a line, which is what the flag
    /// alone means, or v2, binary
    #[arg(long, value_name = "VERSION", num_args = 0..=1, require_equals = true, default_missing_value = "v1",
        value_parser = PossibleValuesParser::new(["v1", "v2"]).map(|word| proxy_protocol(&word)), conflicts_with = "cert")]
    pub(crate) haproxy_protocol: Option<ProxyProtocol>,
    /// Send from this address of the source
    #[arg(short = 'S', long = "source", value_name = "ADDRESS")]
    pub(crate) source_address: Option<IpAddr>,
    /// How long to wait for a connection; without it 3.1 s
    #[arg(long, visible_alias = "wait", value_name = "TIME", value_parser = duration::wait)]
    pub(crate) connect_timeout: Option<u32>,
    /// End after this time with what is known
    #[arg(short = 'm', long, visible_alias = "max-time", value_name = "TIME", default_value = "30",
        value_parser = duration::deadline)]
    pub(crate) deadline: Option<Duration>,
    /// Once more after a failure that may pass, at most N times
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) retry: u32,
    /// So many requests, each on a connection of its own
    #[arg(short = 'c', long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) count: u32,
    /// Between the begins of two
    #[arg(long, value_name = "TIME", default_value = "1", value_parser = duration::parse)]
    pub(crate) interval: Duration,
    /// Then the same request to each endpoint of the Service, in the Service's name
    #[arg(long, conflicts_with_all = ["count", "proxy", "resolve", "connect_to", "retry", "write_out", "grpc_health", "websocket", "upload_file"])]
    pub(crate) each: bool,
}

/// What is shown of the answer.
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(next_help_heading = "Answer")]
pub(crate) struct ShownFlags {
    /// Print the body, and nothing else, to stdout; the report goes to stderr
    #[arg(long)]
    pub(crate) body: bool,
    /// Write the body to this new file
    #[arg(long, value_name = "FILE", conflicts_with = "body")]
    pub(crate) save: Option<PathBuf>,
    /// Show the answer's head; with --body above the body
    #[arg(short = 'i', long)]
    pub(crate) include: bool,
    /// A status of 400 or above is a failure, and nothing of its body goes to stdout
    #[arg(short = 'f', long)]
    pub(crate) fail: bool,
    /// Print this to stdout at the end, with curl's variables: '%{http_code} %{time_total}\n'
    #[arg(short = 'w', long, value_name = "FORMAT")]
    pub(crate) write_out: Option<String>,
    /// This status is well, whatever it is; may be repeated
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(100..=599), action = ArgAction::Append)]
    pub(crate) expect: Vec<u16>,
    /// Show credentials and cookies with -v and in -o json
    #[arg(long)]
    pub(crate) show_secrets: bool,
}

impl ProbeArgs for HttpArgs {
    fn source(&self) -> &SourceFlags {
        &self.source
    }

    fn kube(&self) -> &KubeFlags {
        &self.kube
    }

    fn target(&self) -> Result<Target, Failure> {
        self.site().map(|site| site.target)
    }

    fn deadline(&self) -> Option<Duration> {
        self.way.deadline.or(Some(DEADLINE))
    }
}

impl HttpArgs {
    /// Of a URL and no flag.
    pub(crate) fn bare(url: &str) -> Self {
        Self {
            words: vec![url.to_owned()],
            source: SourceFlags::default(),
            ask: AskFlags::default(),
            way: WayFlags { count: 1, ..WayFlags::default() },
            shown: ShownFlags::default(),
            output: OutputFlags::default(),
            kube: KubeFlags::default(),
        }
    }

    /// What was typed, in its parts.
    pub(crate) fn site(&self) -> Result<Site, Failure> {
        let mut site =
            Site::parse(&self.words).map_err(|why| bad_target("http", &self.words, &why))?;
        if let Some(path) = &self.ask.path {
            site.set_path(path).map_err(|why| bad_value("http", format!("--path: {why}")))?;
        }
        if self.ask.https {
            site.scheme = Some(Scheme::Https);
        }
        Ok(site)
    }

    /// Whether the answer's body is wanted here.
    pub(crate) fn wants_body(&self) -> bool {
        self.shown.body || self.shown.save.is_some()
    }

    /// Whether the report has to make room on stdout.
    pub(crate) fn is_stdout_taken(&self) -> bool {
        self.shown.body || self.shown.write_out.is_some()
    }

    /// What can be said of the flags without looking at anything else.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let site = self.site()?;
        let is_machine = self.output.format.is_some();
        if self.is_stdout_taken() && is_machine {
            let message = "--body and -w have stdout for themselves: without -o";
            return Err(bad_value("http", message.into()));
        }
        if self.way.count > 1 && (self.wants_body() || self.shown.write_out.is_some()) {
            let message = "-c: one body at a time: without --body, --save and -w";
            return Err(bad_value("http", message.into()));
        }
        if self.ask.get && (!self.ask.form.is_empty() || self.ask.upload_file.is_some()) {
            return Err(bad_value("http", "-G: only data goes into a query, no -F or -T".into()));
        }
        if self.way.each && site.target.service().is_none() {
            let message = "--each: only a Service (svc/NAME) has endpoints";
            return Err(bad_value("http", message.into()));
        }
        let target = match site.target {
            Target::Address(address) => Some(address),
            Target::Object(_) | Target::Host(_) => None,
        };
        self.source.check_addresses("http", target, self.way.source_address)
    }
}

impl WayFlags {
    /// The files of the client certificate and of its key.
    pub(crate) fn client(&self) -> Option<(&Path, &Path)> {
        self.cert.as_deref().zip(self.key.as_deref())
    }

    pub(crate) fn version(&self) -> HttpVersion {
        match (self.http10, self.http11, self.h2c) {
            (true, ..) => HttpVersion::Http10,
            (_, true, _) => HttpVersion::Http11,
            (.., true) => HttpVersion::Http2,
            _ => HttpVersion::Any,
        }
    }
}

fn proxy_protocol(word: &str) -> ProxyProtocol {
    match word {
        "v2" => ProxyProtocol::V2,
        _ => ProxyProtocol::V1,
    }
}

fn secret(text: &str) -> Result<Secret, String> {
    Ok(text.to_owned().into())
}
