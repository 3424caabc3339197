//! The command line on a real cluster: places in all their spellings, forms, the end by Ctrl-C.

use std::time::Duration;

use anyhow::Result;
use netdiag_tests::{Pair, turn};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::table::sockets;

#[test]
#[ignore = "needs a cluster: looks into a pod by its names"]
fn the_target_is_the_place_whatever_the_source_variable_says() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let (cluster, place) = (&pair.cluster, pair.cluster.namespace());
    let head =
        |pod: &netdiag_tests::Pod| format!("{} ({}, {}): no ", pod.target(), pod.ip(), pod.node);
    for words in [
        format!("{} -l -t", pair.server.target()),
        format!("pod/server -n {place} -l -t"),
        format!("pod server -n {place} -l -t"),
    ] {
        let mut command =
            cluster.netdiag_command(["sockets"].into_iter().chain(words.split(' ')))?;
        command.env("NETDIAG_FROM", pair.client.target());
        let run = cluster.run(command)?.exits(0);
        assert!(run.stdout.starts_with(&head(&pair.server)), "{words}: {}", run.stdout);
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: saves a table and renders it"]
fn a_saved_table_is_the_same_screen() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("saved");
    let words = "node/node-1 -l -t -p";
    let shown = sockets(&pair.cluster, words)?.exits(0).stdout;
    std::fs::write(&path, sockets(&pair.cluster, &format!("{words} -o ndjson"))?.exits(0).stdout)?;
    let path = path.to_string_lossy().into_owned();
    let rendered = pair.cluster.netdiag(["render", &path])?.exits(0).stdout;
    let first = |text: &str| text.lines().take(2).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(first(&rendered)[1], first(&shown)[1]);
    assert!(rendered.contains("kubelet ("), "{rendered}");
    let json = pair.cluster.netdiag(["render", &path, "-o", "json"])?.exits(0);
    let document: Value = json.json();
    assert_eq!(document["kind"], "SocketsReport");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: looks until it is stopped"]
fn a_watch_ends_by_ctrl_c_with_its_verdict() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let words = format!("sockets {} -a -t --watch=0.3", pair.client.target());
    let mut running = pair.cluster.netdiag_start(words.split_whitespace())?;
    running.wait_for(" UTC: no TCP sockets")?;
    running.signal(Signal::SIGINT)?;
    let run = running.finish(Duration::from_secs(5))?.exits(0);
    println!("{}", run.stdout);
    let _ = run.says("\nOK       ");
    Ok(())
}
