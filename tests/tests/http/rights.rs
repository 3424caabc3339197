//! `http` is a right, and a body is another.

use anyhow::Result;
use netdiag_tests::{Netns, Pair, turn};

use crate::web::serve;

#[test]
#[ignore = "needs a cluster: makes a ServiceAccount without rights"]
fn the_missing_right_is_named_with_the_command_that_gives_it() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let place = pair.cluster.namespace();
    let asked = serve(&Netns::of_pod(&pair.server)?, "0.0.0.0:8080")?;
    pair.cluster.kubectl(["create", "serviceaccount", "guest", "-n", place])?;
    let line = format!("http {}:8080 --service-account {place}/guest", pair.server.target());
    let run = pair.from_client(&line)?.exits(2);
    assert!(
        run.stderr.contains(&format!("not allowed: http from pods in {place}")),
        "{}",
        run.stderr
    );
    let grant = |right: &str| {
        let role = format!("--clusterrole=netdiag-pods-{right}");
        let account = format!("--serviceaccount={place}:guest");
        pair.cluster.kubectl(["create", "rolebinding", right, "-n", place, &role, &account])
    };
    grant("http")?;
    let run = pair.from_client(&line)?.exits(0);
    let _ = run.says("\nOK       answered: 200 OK\n");
    let run = pair.from_client(&format!("{line} --body"))?.exits(2);
    let said = run.stderr.replace("\\\n", " ");
    assert!(said.contains("--clusterrole=netdiag-pods-http-body"), "{said}");
    assert_eq!((run.stdout.as_str(), asked.count()), ("", 1));
    grant("http-body")?;
    let run = pair.from_client(&format!("{line} --body"))?.exits(0);
    assert_eq!(run.stdout, format!("you asked {}:8080 for /\n", pair.server.ip()));
    assert!(run.stderr.contains("\nOK       answered: 200 OK\n"), "{}", run.stderr);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: sends a secret"]
fn a_secret_is_in_no_log() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let _asked = serve(&Netns::of_pod(&pair.server)?, "0.0.0.0:8080")?;
    let target = pair.server.target();
    let line = format!("http {target}:8080/reset?token=s3cr3t -u al:s3cr3t -b k=s3cr3t -v");
    let run = pair.from_client(&line)?.exits(0);
    let shown = run.stdout.replace("/reset?token=s3cr3t", "");
    assert!(shown.contains("> Authorization: (hidden; --show-secrets shows it)\n"), "{shown}");
    assert!(!shown.contains("s3cr3t") && !shown.contains("YWw6czNjcjN0"), "{shown}");
    for container in ["front", "broker"] {
        let said = pair.cluster.kubectl([
            "logs",
            "-n",
            "netdiag",
            "-l",
            "app.kubernetes.io/name=netdiag",
            "-c",
            container,
            "--tail=-1",
        ])?;
        assert!(!said.contains("s3cr3t") && !said.contains("YWw6czNjcjN0"), "{container}");
        assert!(container != "front" || said.contains("\"probe\":\"http\""), "no audit line");
    }
    Ok(())
}
