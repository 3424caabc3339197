//! Where a probe is sent from, and by what right: the flags that every probe has.

use std::{net::IpAddr, time::Duration};

use clap::Args;
use netdiag_wire::Family;

use super::{KubeFlags, Origin, Target, kube::is_namespace, usage::bad_value};
use crate::finding::Failure;

/// What a probe's command line must tell.
pub(crate) trait ProbeArgs {
    fn source(&self) -> &SourceFlags;
    fn kube(&self) -> &KubeFlags;
    fn target(&self) -> Result<Target, Failure>;
    /// What is looked into by a probe that aims at nobody: its source, whatever `--from` says.
    fn place(&self) -> Result<Option<Origin>, Failure> {
        Ok(None)
    }
    /// Bounds the whole command, the looking-up as well.
    fn deadline(&self) -> Option<Duration>;
}

#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct SourceFlags {
    /// Where from: [NAMESPACE/]pod/NAME, node/NAME, deploy/NAME (a ready pod), local, or of ping svc nodes; $NETDIAG_FROM
    #[arg(long, value_name = "SOURCE", value_parser = Origin::parse)]
    pub(crate) from: Option<Origin>,
    /// IPv4 only
    #[arg(short = '4', conflicts_with = "v6")]
    v4: bool,
    /// IPv6 only
    #[arg(short = '6')]
    v6: bool,
    /// Act as this ServiceAccount at the agent: [NAMESPACE/]NAME
    #[arg(long, value_name = "NAME", value_parser = account)]
    pub(crate) service_account: Option<Account>,
}

/// A ServiceAccount whose token is to be minted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Account {
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
}

impl SourceFlags {
    pub(crate) fn family(&self) -> Family {
        match (self.v4, self.v6) {
            (true, _) => Family::V4,
            (_, true) => Family::V6,
            (false, false) => Family::Any,
        }
    }

    /// Family against the addresses that were typed, and these against each other.
    pub(super) fn check_addresses(
        &self,
        command: &str,
        target: Option<IpAddr>,
        source: Option<IpAddr>,
    ) -> Result<(), Failure> {
        for (what, address) in [(command, target), ("-S", source)] {
            let (flag, other) = match (self.family(), address) {
                (Family::V4, Some(IpAddr::V6(_))) => ("-4", "an IPv6"),
                (Family::V6, Some(IpAddr::V4(_))) => ("-6", "an IPv4"),
                (Family::Any | Family::V4 | Family::V6, _) => continue,
            };
            let address = address.map(|address| address.to_string()).unwrap_or_default();
            let message = format!("{what} {address}: {other} address, and {flag} was given");
            return Err(bad_value(command, message));
        }
        match (source, target) {
            (Some(source), Some(to)) if source.is_ipv4() != to.is_ipv4() => {
                let message = format!("-S {source}: cannot send to {to}, another family");
                Err(bad_value(command, message))
            }
            (_, _) => Ok(()),
        }
    }
}

fn account(text: &str) -> Result<Account, String> {
    let (namespace, name) = match text.split_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, text),
    };
    if namespace.is_some_and(|n| !is_namespace(n)) || name.is_empty() || name.contains('/') {
        return Err("must be [NAMESPACE/]NAME of a ServiceAccount".into());
    }
    Ok(Account { namespace: namespace.map(str::to_owned), name: name.to_owned() })
}
