//! Who may see what: a right that is missing is named with the command that gives it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netdiag_tests::{Cluster, Node, turn, wait};

use crate::table::sockets;

/// A denial is remembered for 5 s.
const SOON: Duration = Duration::from_secs(12);

#[test]
#[ignore = "needs a cluster: an account that may see sockets and no processes"]
fn processes_without_the_right_are_skipped_and_the_admin_line_is_true() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let place = cluster.namespace();
    let pod = cluster.pod("web").on(Node::First).distroless(8080).start()?;
    cluster.kubectl(["create", "serviceaccount", "narrow", "-n", place])?;
    let subject = format!("--serviceaccount={place}:narrow");
    let look = |flags: &str| {
        let words = format!("{} {flags} --service-account {place}/narrow", pod.target());
        sockets(&cluster, &words)
    };
    let refused = look("-l")?.exits(2);
    assert!(refused.stderr.contains(&format!("not allowed: sockets from pods in {place}")));
    let role = "--clusterrole=netdiag-pods-sockets";
    cluster.kubectl(["create", "rolebinding", "narrow", "-n", place, role, &subject])?;
    wait::until("the binding holds", SOON, || {
        let run = look("-l")?;
        ensure!(run.code == Some(0), "{run:?}");
        Ok(())
    })?;
    let run = look("-l -p")?.exits(0);
    println!("{}", run.stdout);
    let skip = format!("\nSKIP     processes: pods/processes not granted in {place}\n");
    let run = run.says(&skip);
    let row = run.stdout.lines().find(|line| line.contains(":8080 "));
    assert!(row.is_some_and(|row| row.contains("  ?  ")), "{}", run.stdout);
    let admin = run.stdout.lines().find_map(|line| line.trim().strip_prefix("admin  kubectl "));
    let admin = admin.with_context(|| format!("no admin line: {}", run.stdout))?.to_owned();
    cluster.kubectl(admin.split_whitespace())?;
    wait::until("the command gave the right", SOON, || {
        let run = look("-l -p")?;
        ensure!(run.stdout.contains("  main/server (1)  "), "{run:?}");
        ensure!(!run.stdout.contains("SKIP"), "{run:?}");
        Ok(())
    })
}
