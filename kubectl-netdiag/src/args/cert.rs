//! `cert CERT`.

use clap::Args;

use super::{KubeFlags, OutputFlags, held::Held, usage::bad_value};
use crate::finding::Failure;

const AFTER: &str = "\
CERT is [NAMESPACE/]secret/NAME[:KEY], [NAMESPACE/]configmap/NAME[:KEY], a file, or - for stdin;
PEM, DER or PKCS#7; -v shows all that is in it, as openssl x509 -text does. Without KEY it is tls.crt, else ca.crt, else the only one. A file of such a name
is ./secret/NAME. Private keys are never shown and never leave this machine.
kubectl netdiag options lists kubectl's flags, which work too.";

/// Show what is in a certificate (openssl x509 -text) and what strict clients say of it. Sends
/// nothing to anybody but, for a Secret or ConfigMap, to the API server.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(override_usage = "kubectl netdiag cert CERT [flags]", after_help = AFTER)]
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
    #[command(flatten)]
    pub(crate) output: OutputFlags,
    #[command(flatten)]
    pub(crate) kube: KubeFlags,
}

impl CertArgs {
    pub(super) fn check(&self) -> Result<(), Failure> {
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
