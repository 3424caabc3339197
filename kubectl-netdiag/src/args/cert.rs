//! `cert CERT`.

use std::{net::IpAddr, time::Duration};

use clap::Args;

use super::{
    KubeFlags, OutputFlags, SourceFlags, TlsArgs, duration, held::Held, tls::Protocol,
    usage::bad_value,
};
use crate::finding::Failure;

const AFTER: &str = "\
CERT is [NAMESPACE/]secret/NAME[:KEY], [NAMESPACE/]configmap/NAME[:KEY], a file, or - for stdin;
PEM, DER or PKCS#7; -v shows all that is in it, as openssl x509 -text does. Without KEY it is tls.crt, else ca.crt, else the only one. A file of such a name
is ./secret/NAME. Private keys are never shown and never leave this machine.
kubectl netdiag options lists kubectl's flags, which work too.";

/// Show what is in a certificate (openssl x509 -text) and what strict clients say of it. Sends
/// nothing to anybody but, for a Secret or ConfigMap, to the API server, and with --compare a
/// handshake to TARGET.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(override_usage = "kubectl netdiag cert CERT [--compare TARGET:PORT] [flags]", after_help = AFTER)]
pub(crate) struct CertArgs {
    /// A file, -, [NAMESPACE/]secret/NAME[:KEY] or [NAMESPACE/]configmap/NAME[:KEY]
    #[arg(value_name = "CERT", value_parser = Held::parse)]
    pub(crate) held: Held,
    /// Trust these CAs instead of Mozilla's list: what CERT may be
    #[arg(long, visible_alias = "cacert", value_name = "CERT", value_parser = Held::parse)]
    pub(crate) ca_file: Option<Held>,
    /// The host name or address that it has to be good for
    #[arg(long, value_name = "NAME")]
    pub(crate) servername: Option<String>,
    /// Print the certificates as PEM, and nothing else
    #[arg(long)]
    pub(crate) showcerts: bool,
    /// Ask this server, as tls does, whether it serves what is in CERT
    #[arg(long, value_name = "TARGET:PORT", conflicts_with = "showcerts")]
    pub(crate) compare: Option<String>,
    /// With --compare: begin in the clear and change to TLS as this protocol does
    #[arg(long, value_name = "PROTOCOL", requires = "compare")]
    starttls: Option<Protocol>,
    /// With --compare: end after this time with what is known
    #[arg(long, value_name = "TIME", default_value = "30", value_parser = duration::deadline)]
    deadline: Option<Duration>,
    #[command(flatten)]
    pub(crate) source: SourceFlags,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
    #[command(flatten)]
    pub(crate) kube: KubeFlags,
}

impl CertArgs {
    /// What is asked of the server, as `tls` would.
    pub(crate) fn compared(&self) -> Option<TlsArgs> {
        let mut tls = TlsArgs::to(self.compare.clone()?);
        let is_address = |name: &String| name.parse::<IpAddr>().is_ok();
        tls.servername = self.servername.clone().filter(|name| !is_address(name));
        tls.source = self.source.clone();
        tls.starttls = self.starttls;
        tls.deadline = self.deadline;
        tls.output = self.output.clone();
        tls.kube = self.kube.clone();
        Some(tls)
    }

    fn check_compared(&self) -> Result<(), Failure> {
        match self.compared() {
            Some(tls) => tls.check(),
            None if self.source == SourceFlags::default() => Ok(()),
            None => {
                let why =
                    "--from, -4, -6 and --service-account go with --compare: nothing else is sent";
                Err(bad_value("cert", why.into()))
            }
        }
    }

    pub(super) fn check(&self) -> Result<(), Failure> {
        self.check_compared()?;
        if self.held == Held::Stdin && self.ca_file == Some(Held::Stdin) {
            let why = "CERT and --ca-file cannot both be stdin";
            return Err(bad_value("cert", why.into()));
        }
        if self.showcerts && self.output.format.is_some() {
            return Err(bad_value("cert", "--showcerts prints PEM and takes no -o".into()));
        }
        match self.servername.as_deref() {
            Some("") => Err(bad_value("cert", "--servername: a name is missing".into())),
            Some(_) | None => Ok(()),
        }
    }
}
