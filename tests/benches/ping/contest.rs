//! Commands that answer the same question, each timed to its first answer.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use netdiag_tests::command::{command, describe};
use netdiag_tests::{Cluster, Pod, build};

/// What both kinds of ping write when a reply came.
const REPLY: &str = "64 bytes from";

/// The commands that are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Entry {
    Netdiag,
    Exec,
    Debug,
    DefaultSource,
    Plugin,
    Kubectl,
}

impl Entry {
    pub(crate) const ALL: [Self; 6] =
        [Self::Netdiag, Self::Exec, Self::Debug, Self::DefaultSource, Self::Plugin, Self::Kubectl];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Netdiag => "first reply of `kubectl netdiag ping ADDRESS -c 1 --from pod/foo`",
            Self::Exec => "first reply of `kubectl exec foo -- ping -c 1 ADDRESS`",
            Self::Debug => {
                "first reply seen of `kubectl debug -i foo --image=busybox -- ping ADDRESS`, image cached"
            }
            Self::DefaultSource => "first reply of `kubectl netdiag ping pod/bar -c 1`",
            Self::Plugin => "the first of these without kubectl in front",
            Self::Kubectl => "of each but that: kubectl's own start, `kubectl version --client`",
        }
    }

    pub(crate) fn goal(self) -> &'static str {
        match self {
            Self::Netdiag => "not slower than exec",
            Self::Exec | Self::Debug | Self::DefaultSource | Self::Plugin | Self::Kubectl => "",
        }
    }

    /// An ephemeral container stays in the pod, so that one gets few.
    pub(crate) fn is_in(self, round: usize) -> bool {
        self != Self::Debug || round < 5
    }
}

/// Both ends, on two nodes.
pub(crate) struct Contest<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) source: Pod,
    pub(crate) target: Pod,
}

impl Contest<'_> {
    /// From the start of the command to its first line that tells of a reply.
    pub(crate) fn time(&self, entry: Entry) -> Result<Duration> {
        let sign = if entry == Entry::Kubectl { "Client Version" } else { REPLY };
        first_line(self.command(entry)?, sign)
    }

    fn command(&self, entry: Entry) -> Result<Command> {
        let (address, namespace) = (self.target.ip(), self.cluster.namespace());
        let (from, to) = (self.source.target(), self.target.target());
        let netdiag = format!("netdiag ping {address} -c 1 --from {from}");
        let line = match entry {
            Entry::Netdiag => netdiag,
            Entry::Plugin => {
                let words = netdiag.split_whitespace().skip(1);
                return self.cluster.netdiag_command(words);
            }
            Entry::DefaultSource => format!("netdiag ping {to} -c 1"),
            Entry::Exec => format!("exec -n {namespace} foo -- ping -c 1 {address}"),
            // With one echo the answer may be gone before kubectl is attached.
            Entry::Debug => format!(
                "debug -q -i -n {namespace} foo --image=localhost/busybox:1 \
                 --image-pull-policy=IfNotPresent -- ping -i 0.1 -c 100 {address}"
            ),
            Entry::Kubectl => "version --client".into(),
        };
        let plugin = build::plugin_path();
        let folder = plugin.parent().context("the plugin has a folder")?;
        let mut kubectl = command(self.cluster.kubectl_command([""; 0]).get_program());
        kubectl.args(line.split_whitespace()).env("KUBECONFIG", self.cluster.kubeconfig());
        kubectl.env("PATH", format!("{}:/usr/bin:/bin", folder.display()));
        Ok(kubectl)
    }
}

fn first_line(mut command: Command, sign: &str) -> Result<Duration> {
    // An input that has ended would end `debug -i` at once.
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let begin = Instant::now();
    let mut child = command.spawn().with_context(|| describe(&command))?;
    let output = child.stdout.take().context("no standard output")?;
    let mut said = String::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        if line.contains(sign) {
            let elapsed = begin.elapsed();
            child.kill()?;
            child.wait()?;
            return Ok(elapsed);
        }
        said.push_str(&line);
    }
    child.wait()?;
    bail!("no answer of {}: {said}", describe(&command))
}

/// From the start to the end of a command that has nothing to wait for.
pub(crate) fn to_the_end(mut command: Command) -> Result<Duration> {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let begin = Instant::now();
    let status = command.status().with_context(|| describe(&command))?;
    anyhow::ensure!(status.success(), "{}: {status}", describe(&command));
    Ok(begin.elapsed())
}
