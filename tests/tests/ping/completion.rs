//! Shell completion, asked as a shell asks kubectl (`kubectl __complete netdiag …`): what the live
//! cluster has, and nothing at all where there is none.

use std::{os::unix::fs::symlink, path::Path};

use anyhow::Result;
use netdiag_tests::{Cluster, Pair, build, command::command, turn};
use tempfile::TempDir;

/// A directory with the plugin under both its names.
struct Shell<'a> {
    cluster: &'a Cluster,
    programs: TempDir,
}

impl<'a> Shell<'a> {
    fn new(cluster: &'a Cluster) -> Result<Self> {
        let programs = tempfile::tempdir()?;
        for name in ["kubectl-netdiag", "kubectl_complete-netdiag"] {
            symlink(build::plugin_path(), programs.path().join(name))?;
        }
        Ok(Self { cluster, programs })
    }

    /// Everything that is offered, and what kubectl says of itself on the way.
    fn press(&self, words: &[&str], kubeconfig: Option<&Path>) -> Result<(Vec<String>, String)> {
        let line = ["__complete", "netdiag"].iter().chain(words);
        let mut kubectl = command(self.cluster.kubectl_command([""; 0]).get_program());
        kubectl.args(line).env("PATH", self.programs.path());
        kubectl.env("KUBECONFIG", kubeconfig.unwrap_or(self.cluster.kubeconfig()));
        let output = kubectl.output()?;
        let offered = String::from_utf8(output.stdout)?;
        let offered = offered.lines().map(|line| line.split('\t').next().unwrap_or_default());
        Ok((offered.map(str::to_owned).collect(), String::from_utf8(output.stderr)?))
    }

    fn offers(&self, words: &[&str]) -> Result<Vec<String>> {
        Ok(self.press(words, None)?.0)
    }
}

#[test]
#[ignore = "needs a cluster: completes its names"]
fn names_come_from_the_live_cluster() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let place = pair.cluster.namespace();
    pair.cluster.apply(&format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: web, namespace: {place}}}, \
         spec: {{selector: {{app: server}}, ports: [{{name: http, port: 80}}, {{name: dns, port: 53}}]}}}}"
    ))?;
    let shell = Shell::new(&pair.cluster)?;
    let pods = [format!("{place}/pod/client"), format!("{place}/pod/server")];
    for (words, want) in [
        (
            vec!["ping", &format!("{place}/pod/")],
            vec![pods[0].clone(), pods[1].clone(), ":4".into()],
        ),
        (
            vec!["ping", &pods[0], "--from", &format!("{place}/pod/s")],
            vec![pods[1].clone(), ":4".into()],
        ),
        (vec!["ping", "-n", place, "pod/c"], vec!["pod/client".into(), ":4".into()]),
        (vec!["ping", "-n", place, "pod", "se"], vec!["server".into(), ":4".into()]),
        (vec!["trace", "-n", place, "svc/"], vec!["svc/web".into(), ":4".into()]),
        (vec!["connect", "-n", place, "svc/web:h"], vec!["svc/web:http".into(), ":4".into()]),
        (
            vec!["http", &format!("{place}/svc/web:5")],
            vec![format!("{place}/svc/web:53"), ":4".into()],
        ),
        (vec!["ping", place], vec![format!("{place}/"), ":6".into()]),
        (vec!["doctor", "-n", place, "--namespace", place], vec![place.to_owned(), ":4".into()]),
    ] {
        assert_eq!(shell.offers(&words)?, want, "{words:?}");
    }
    let nodes = shell.offers(&["sockets", "node/"])?;
    assert!(nodes.contains(&format!("node/{}", pair.server.node)), "{nodes:?}");
    let context = pair.cluster.kubectl(["config", "current-context"])?;
    assert_eq!(shell.offers(&["ping", "--context", ""])?, [context.trim(), ":4"]);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: somebody without rights completes"]
fn what_one_may_not_list_is_not_offered() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::current()?;
    let alice = cluster.user("alice", &[])?;
    let shell = Shell::new(&cluster)?;
    for word in ["pod/", "node/", "kube-system/pod/", "kube"] {
        let (offered, _) = shell.press(&["ping", word], Some(&alice.kubeconfig()))?;
        assert_eq!(offered, [":4"], "{word}");
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: kubectl of its release asks"]
fn without_a_cluster_it_is_silent_and_does_not_wait() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::current()?;
    let shell = Shell::new(&cluster)?;
    // Takes connections and answers none.
    let hangs = std::net::TcpListener::bind("127.0.0.1:0")?;
    let hangs = format!("http://{}", hangs.local_addr()?);
    for words in [
        vec!["ping", "--server", "http://127.0.0.1:1", "pod/"],
        vec!["ping", "--server", &hangs, "pod/"],
        vec!["ping", "--kubeconfig", "/nonexistent", "pod/"],
    ] {
        let (offered, said) = shell.press(&words, Some(Path::new("/nonexistent")))?;
        assert_eq!(offered, [":4"], "{words:?}");
        // kubectl's own lines, one of which shows that it did start the plugin; that says nothing.
        let is_kubectls = |line: &str| {
            line.starts_with("[Debug] ") || line.starts_with("Completion ended with directive: ")
        };
        assert!(said.contains("About to call: ") && said.lines().all(is_kubectls), "{said}");
    }
    Ok(())
}
