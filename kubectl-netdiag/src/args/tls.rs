//! `tls TARGET:PORT`.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, ValueEnum};
use netdiag_wire::tls::{MAX_ALPN, StartTls, TlsOffer, TlsRequest, TlsVersion};

use super::{
    Held, KubeFlags, OutputFlags, Port, ProbeArgs, SourceFlags, Target, duration,
    usage::{bad_target, bad_value},
};
use crate::finding::Failure;

/// Bounds the whole command.
const DEADLINE: Duration = Duration::from_secs(30);

const ABOUT_NAMES: &str = "\
The name that is sent (SNI) and checked: a host name as typed, NAME.NAMESPACE.svc of a svc, none of
a pod, a node or an address; --servername says another one. The agent takes any certificate and
judges none: that is done here.
kubectl netdiag options lists kubectl's flags, which work too.";

/// Shake hands with a TLS server, from anywhere, and say what clients will make of its certificate.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(override_usage = "kubectl netdiag tls TARGET:PORT [--from SOURCE] [flags]", after_help = ABOUT_NAMES)]
pub(crate) struct TlsArgs {
    /// [NAMESPACE/]KIND/NAME:PORT (pod, node, svc, deploy, ...), an address or a host name, with
    /// :PORT, which may be a name that the pod or svc declares
    #[arg(value_name = "TARGET:PORT", required = true, num_args = 1..=2)]
    words: Vec<String>,
    #[command(flatten)]
    pub(crate) source: SourceFlags,
    /// Send from this address of the source
    #[arg(short = 'S', long = "source", value_name = "ADDRESS")]
    source_address: Option<IpAddr>,
    /// Ask for this name (SNI), and check the certificate for it
    #[arg(long, value_name = "NAME", conflicts_with = "no_servername")]
    pub(super) servername: Option<String>,
    /// Ask for no name
    #[arg(long)]
    no_servername: bool,
    /// Offer these protocols, the best first: h2,http/1.1
    #[arg(long, value_name = "PROTOCOL,...", value_delimiter = ',')]
    alpn: Vec<String>,
    /// TLS 1.2 only
    #[arg(long = "tls1.2", conflicts_with = "tls13")]
    tls12: bool,
    /// TLS 1.3 only
    #[arg(long = "tls1.3")]
    tls13: bool,
    /// Begin in the clear and change to TLS as this protocol does
    #[arg(long, value_name = "PROTOCOL")]
    pub(super) starttls: Option<Protocol>,
    /// Instead of a handshake: every version, cipher suite and group that the server takes, graded
    #[arg(long, conflicts_with_all = ["alpn", "tls12", "tls13", "showcerts", "save"])]
    scan: bool,
    /// Trust these CAs instead of the public ones: a file, [NAMESPACE/]secret/NAME:KEY or
    /// configmap/NAME:KEY
    #[arg(long, visible_alias = "cacert", value_name = "CA", value_parser = Held::parse)]
    pub(crate) ca_file: Option<Held>,
    /// Show this client certificate (PEM, its CA's behind it) where one is asked for
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with = "scan")]
    cert: Option<PathBuf>,
    /// Its private key (PEM), which stays here: the handshake is made by this process, over a byte
    /// stream from the source (right connect)
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// How long to wait for a connection; without it 3.1 s
    #[arg(short, long, value_name = "TIME", value_parser = duration::wait)]
    wait: Option<u32>,
    /// How long a handshake may take
    #[arg(long, value_name = "TIME", default_value = "10", value_parser = duration::wait)]
    handshake_time: u32,
    /// End after this time with what is known
    #[arg(long, value_name = "TIME", default_value = "30", value_parser = duration::deadline)]
    pub(super) deadline: Option<Duration>,
    /// Print the certificates in PEM and nothing else
    #[arg(long, conflicts_with_all = ["format", "quiet"])]
    pub(crate) showcerts: bool,
    /// Write the certificates in PEM to this new file
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
    #[command(flatten)]
    pub(crate) kube: KubeFlags,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Protocol {
    Smtp,
    Imap,
    Pop3,
    Postgres,
    Mysql,
    Ldap,
    Xmpp,
}

impl ProbeArgs for TlsArgs {
    fn source(&self) -> &SourceFlags {
        &self.source
    }

    fn kube(&self) -> &KubeFlags {
        &self.kube
    }

    fn target(&self) -> Result<Target, Failure> {
        self.parsed().map(|(target, _)| target)
    }

    fn deadline(&self) -> Option<Duration> {
        self.deadline.or(Some(DEADLINE))
    }
}

impl TlsArgs {
    /// Every flag at its default.
    pub(super) fn to(target: String) -> Self {
        Self {
            words: vec![target],
            source: SourceFlags::default(),
            source_address: None,
            servername: None,
            no_servername: false,
            alpn: Vec::new(),
            tls12: false,
            tls13: false,
            starttls: None,
            scan: false,
            ca_file: None,
            cert: None,
            key: None,
            wait: None,
            handshake_time: 10_000_000,
            deadline: None,
            showcerts: false,
            save: None,
            output: OutputFlags::default(),
            kube: KubeFlags::default(),
        }
    }

    fn parsed(&self) -> Result<(Target, Option<Port>), Failure> {
        Target::parse_with_port(&self.words).map_err(|why| bad_target("tls", &self.words, &why))
    }

    /// What was typed; an object's may be asked for by the ports that it declares.
    pub(crate) fn port(&self) -> Result<Option<Port>, Failure> {
        self.parsed().map(|(_, port)| port)
    }

    /// The name to ask for, where `known` is the target's own.
    pub(crate) fn server_name(&self, known: Option<&str>) -> Option<String> {
        self.servername.as_deref().or(known).map(|name| name.trim_end_matches('.').to_owned())
    }

    /// `known` is the name that the target goes by.
    pub(crate) fn request(&self, host: String, port: u16, known: Option<&str>) -> TlsRequest {
        let server_name = self.server_name(known).filter(|_| !self.no_servername);
        let to = TlsRequest::to(host, port);
        TlsRequest {
            offer: TlsOffer { server_name, alpn: self.alpn.clone(), version: self.version() },
            start_tls: self.starttls.map(StartTls::from),
            scan: self.scan,
            resume: true,
            without_name: true,
            wait_us: self.wait.unwrap_or(to.wait_us),
            handshake_us: self.handshake_time,
            family: self.source.family(),
            source_address: self.source_address,
            ..to
        }
    }

    /// The files of the client certificate and of its key.
    pub(crate) fn client(&self) -> Option<(&Path, &Path)> {
        self.cert.as_deref().zip(self.key.as_deref())
    }

    fn version(&self) -> Option<TlsVersion> {
        match (self.tls12, self.tls13) {
            (true, _) => Some(TlsVersion::Tls12),
            (_, true) => Some(TlsVersion::Tls13),
            (false, false) => None,
        }
    }

    /// What can be said of the flags without looking at anything else.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let (target, port) = self.parsed()?;
        if port.is_none() && !matches!(target, Target::Object(_)) {
            return Err(bad_target("tls", &self.words, "a port is missing: TARGET:PORT"));
        }
        self.request("a".into(), 1, None).offer.check().map_err(|why| bad_value("tls", why))?;
        if self.alpn.len() > MAX_ALPN || self.alpn.iter().any(String::is_empty) {
            return Err(bad_value("tls", "--alpn: 1 to 16 protocols, as h2,http/1.1".into()));
        }
        if let Some(name) = &self.servername
            && name.parse::<IpAddr>().is_ok()
        {
            let message = format!("--servername {name}: an address is no name in SNI");
            return Err(bad_value("tls", message));
        }
        let target = match target {
            Target::Address(address) => Some(address),
            Target::Object(_) | Target::Host(_) => None,
        };
        self.source.check_addresses("tls", target, self.source_address)
    }
}

impl From<Protocol> for StartTls {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Smtp => Self::Smtp,
            Protocol::Imap => Self::Imap,
            Protocol::Pop3 => Self::Pop3,
            Protocol::Postgres => Self::Postgres,
            Protocol::Mysql => Self::Mysql,
            Protocol::Ldap => Self::Ldap,
            Protocol::Xmpp => Self::Xmpp,
        }
    }
}
