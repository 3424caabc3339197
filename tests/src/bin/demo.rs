//! `make demo`: from a bare machine to a Service that is explained, on two nodes.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Result, ensure};
use netdiag_tests::command::{command, feed, finish};
use netdiag_tests::environment::program;
use netdiag_tests::lab::state;
use netdiag_tests::parts::Parts;
use netdiag_tests::progress::{say, show};
use netdiag_tests::{build, root, tools};

const PODS: &str = include_str!("../../cluster/manifests/demo.yaml");

fn main() -> ExitCode {
    match demo() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("demo: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn demo() -> Result<()> {
    tools::install()?;
    root::ask()?;
    say("building the agent's image and the plugin");
    let plugin = build::plugin()?;
    build::image()?;
    let parts = Parts::build()?;
    cluster("up")?;
    say("installing the chart: an agent on each node");
    cluster("agents")?;

    let kubectl = |words: &str| kubectl(&parts, &plugin, words);
    feed(kubectl("replace --force -f -"), PODS.as_bytes())?;
    finish(kubectl("wait pod/foo pod/bar --for=condition=Ready --timeout=60s"))?;
    for line in [
        "get pods -o wide",
        "netdiag ping pod/foo --from pod/bar -c 5",
        "netdiag ping svc/foo --from pod/bar",
        "netdiag ping svc/lost --from pod/bar",
    ] {
        show(&format!("\n$ kubectl {line}"));
        let status = kubectl(line).status()?;
        // 1 says that the target is not well.
        ensure!(matches!(status.code(), Some(0 | 1)), "kubectl {line}: {status}");
    }
    farewell(&parts, &plugin);
    Ok(())
}

/// kubectl with the plugin on its path, as a user would have it.
fn kubectl(parts: &Parts, plugin: &Path, words: &str) -> Command {
    let folders = [plugin.parent(), Some(parts.folder("kubernetes"))];
    let folders: Vec<_> = folders.iter().flatten().map(|f| f.display().to_string()).collect();
    let mut kubectl = command(parts.program("kubectl"));
    kubectl
        .args(words.split_whitespace())
        .env("KUBECONFIG", state::kubeconfig())
        .env("PATH", format!("{}:/usr/bin:/bin", folders.join(":")));
    kubectl
}

fn cluster(verb: &str) -> Result<()> {
    let mut cluster = root::as_root(program("cluster")?);
    cluster.arg(verb);
    finish(cluster).map(drop)
}

fn farewell(parts: &Parts, plugin: &Path) {
    show("\nThe cluster stays up. To play with it:");
    show(&format!("  export KUBECONFIG={}", state::kubeconfig().display()));
    let plugin = plugin.parent().unwrap_or(plugin).display();
    show(&format!("  export PATH={plugin}:{}:$PATH", parts.folder("kubernetes").display()));
    show("  kubectl netdiag doctor");
    show("To stop it and leave nothing behind: make cluster-down");
}
