//! The commands about netdiag itself.

use std::path::PathBuf;

use clap::Args;

use super::{AFTER, KubeFlags, OutputFlags, Target, usage::bad_target};
use crate::finding::Failure;

/// Say whether netdiag can work here: agents, versions, your rights.
#[derive(Args, Debug, PartialEq)]
#[command(override_usage = "kubectl netdiag doctor [TARGET] [flags]", after_help = AFTER)]
pub(crate) struct DoctorArgs {
    /// Only what this pod or node needs: [NAMESPACE/]KIND/NAME
    #[arg(value_name = "TARGET", num_args = 0..=2)]
    words: Vec<String>,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
    #[command(flatten)]
    pub(crate) kube: KubeFlags,
}

impl DoctorArgs {
    pub(crate) fn target(&self) -> Result<Option<Target>, Failure> {
        if self.words.is_empty() {
            return Ok(None);
        }
        let target = Target::parse(&self.words).map(Some);
        target.map_err(|why| bad_target("doctor", &self.words, &why))
    }
}

/// Print the versions of the plugin and of every agent.
#[derive(Args, Debug, PartialEq)]
#[command(override_usage = "kubectl netdiag version [flags]", after_help = AFTER)]
pub(crate) struct VersionArgs {
    /// The plugin alone; asks no cluster
    #[arg(long)]
    pub(crate) client: bool,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
    #[command(flatten)]
    pub(crate) kube: KubeFlags,
}

/// Explain a code such as ND0302; without one list them all.
#[derive(Args, Debug, PartialEq)]
#[command(override_usage = "kubectl netdiag explain [CODE]")]
pub(crate) struct ExplainArgs {
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
}

/// Show a saved `-o ndjson`, or what `netdiag-agent local` prints, as people read it.
#[derive(Args, Debug, PartialEq)]
#[command(override_usage = "kubectl netdiag render FILE|- [flags]")]
pub(crate) struct RenderArgs {
    /// The file; - is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
}
