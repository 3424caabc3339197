//! `audit who`: which person minted a probe's token.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{AFTER, KubeFlags, OutputFlags};

/// Say which person a probe was, by the API server's audit log.
#[derive(Args, Debug, PartialEq)]
#[command(
    override_usage = "kubectl netdiag audit who JTI|PROBE-ID --audit-log FILE [flags]",
    after_help = AFTER
)]
pub(crate) struct AuditArgs {
    #[arg(value_name = "VERB", hide = true)]
    pub(crate) verb: AuditVerb,
    /// A token's ID (JTI=...), or the ID of a probe, as an agent's audit line has them
    #[arg(value_name = "JTI|PROBE-ID")]
    pub(crate) id: String,
    /// The API server's audit log, one JSON event a line; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) audit_log: PathBuf,
    /// The agents' lines, as they were collected; else they are read from the agents' pods
    #[arg(long, value_name = "FILE")]
    pub(crate) agent_log: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
    #[command(flatten)]
    pub(crate) kube: KubeFlags,
}

/// What is asked of the trail.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum AuditVerb {
    Who,
}
