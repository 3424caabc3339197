//! `diagnose [SOURCE] TARGET`.

use std::time::Duration;

use clap::Args;

use super::{
    AFTER, Kind, KubeFlags, Object, Origin, OutputFlags, SourceFlags, Target, duration,
    usage::{bad_target, bad_value},
};
use crate::finding::Failure;

/// Find out what is wrong between two ends: name, Service, address, endpoints, listeners, policies.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(override_usage = "kubectl netdiag diagnose [SOURCE] TARGET [flags]", after_help = AFTER)]
pub(crate) struct DiagnoseArgs {
    /// [SOURCE] TARGET: where from (as --from), and what to: [NAMESPACE/]KIND/NAME (svc, pod, ...)
    #[arg(value_name = "TARGET", required = true, num_args = 1..=2)]
    words: Vec<String>,
    #[command(flatten)]
    pub(crate) source: SourceFlags,
    /// End after this time with what is known
    #[arg(short = 'w', long, value_name = "TIME", default_value = "30", value_parser = duration::deadline)]
    pub(crate) deadline: Duration,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
    #[command(flatten)]
    pub(crate) kube: KubeFlags,
}

impl DiagnoseArgs {
    /// Of two words that both name an object the first is the source; else they are kubectl's two.
    fn ends(&self) -> (Option<&str>, &[String]) {
        match &self.words[..] {
            [from, to] if from.contains('/') || to.contains('/') => (Some(from), &self.words[1..]),
            words => (None, words),
        }
    }

    /// As it was typed; $NETDIAG_FROM is somebody else's to read.
    pub(crate) fn origin(&self) -> Result<Option<Origin>, Failure> {
        let (Some(word), _) = self.ends() else { return Ok(self.source.from.clone()) };
        if self.source.from.is_some() {
            return Err(bad_value("diagnose", format!("{word} and --from: one source at a time")));
        }
        let origin = Origin::parse(word).map(Some);
        origin.map_err(|why| bad_value("diagnose", format!("{word}: {why}")))
    }

    pub(crate) fn target(&self) -> Result<Object, Failure> {
        let (_, words) = self.ends();
        let target = Target::parse(words).map_err(|why| bad_target("diagnose", words, &why))?;
        match target {
            Target::Object(object) if object.kind != Kind::Node => Ok(object),
            Target::Object(_) | Target::Address(_) | Target::Host(_) => {
                let why = "a svc, a pod or a workload is wanted; trace and connect take any host";
                Err(bad_target("diagnose", words, why))
            }
        }
    }

    pub(super) fn check(&self) -> Result<(), Failure> {
        let (origin, _) = (self.origin()?, self.target()?);
        match origin {
            Some(Origin::Local) => {
                let why = "local: this machine is outside of the cluster; name a pod or a node";
                Err(bad_value("diagnose", why.into()))
            }
            Some(Origin::Object(_) | Origin::Nodes) | None => Ok(()),
        }
    }
}
