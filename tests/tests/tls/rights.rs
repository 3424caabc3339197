//! Who lacks the right is told the command that gives it.

use anyhow::Result;
use netdiag_tests::{Pair, turn};

#[test]
#[ignore = "needs a cluster: makes a ServiceAccount without rights"]
fn the_missing_right_is_named_with_the_command_that_gives_it() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let place = pair.cluster.namespace();
    pair.cluster.kubectl(["create", "serviceaccount", "guest", "-n", place])?;
    let line = format!("tls {}:8443 --service-account {place}/guest", pair.server.target());
    let run = pair.from_client(&line)?.exits(2);
    assert!(
        run.stderr.contains(&format!("not allowed: tls from pods in {place}")),
        "{}",
        run.stderr
    );
    let said = run.stderr.replace("\\\n", " ");
    assert!(said.contains("--clusterrole=netdiag-pods-tls"), "{said}");
    Ok(())
}
