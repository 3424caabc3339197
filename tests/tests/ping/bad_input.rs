//! What cannot be is refused: the first line of stderr to the letter, exit code 2, nothing on stdout.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::Result;
use netdiag_tests::{Cluster, Pair, turn, wait};

#[test]
#[ignore = "needs a cluster: asks for what is not there"]
fn bad_input_is_refused_in_words() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let place = pair.cluster.namespace();
    let both = "there are pod/client, pod/server";
    for (words, line) in [
        ("pod/clientt", format!("error    ND0020  no pod \"clientt\" in {place}; {both}")),
        ("nowhere/pod/foo", "error    ND0020  no namespace \"nowhere\"".into()),
        ("node/node-9", "error    ND0020  no node \"node-9\"; there are node/node-1, node/node-2".into()),
        ("svc/web", format!("error    ND0020  no svc \"web\" in {place}")),
        ("ing/web", "error    ND0030  ping ing/web: ing is not in this release; name its Service".into()),
        ("frob/web", "error    ND0030  ping frob/web: \"frob\" is no kind of object; pod, node, svc, deploy, sts, ds, rs and job work".into()),
        ("pod/server:80", "error    ND0030  ping pod/server:80: an echo has no port; leave :80 after server out".into()),
        ("10.0.0.0/8", "error    ND0030  ping 10.0.0.0/8: a network; one address is wanted".into()),
        ("pod/server -c 0", "error    ND0030  -c 0: the count must be 1 to 4294967295".into()),
        ("pod/server --count three", "error    ND0030  --count three: the count must be 1 to 4294967295".into()),
        ("pod/server -i 0", "error    ND0030  -i 0: the interval must be at least 0.002 s, and 0.2 s without the right fast-ping".into()),
        ("pod/server -W 0", "error    ND0030  -W 0: the wait must be 0.001 s to 1 h".into()),
        ("pod/server --ttl 256", "error    ND0030  --ttl 256: the TTL must be 1 to 255".into()),
        ("pod/server --size 65508", "error    ND0030  --size 65508: the size must be 0 to 65507".into()),
        ("pod/server -S here", "error    ND0030  -S here: invalid IP address syntax".into()),
        ("pod/server -w never", "error    ND0030  -w never: must be a time such as 0.2, 200ms, 30s or 1m30s".into()),
        ("pod/server -o xml", "error    ND0030  -o xml: must be one of wide, json, ndjson, yaml, verdict, dot".into()),
        ("pod/server --frob", "error    ND0030  no flag --frob; there is --from".into()),
        ("pod/server --from server", "error    ND0030  --from server: must be pod/server, node/server, deploy/server or local".into()),
        ("pod/server --from pod/nobody", format!("error    ND0020  no pod \"nobody\" in {place}; {both}")),
        ("10.0.0.1 -6", "error    ND0030  ping 10.0.0.1: an IPv4 address, and -6 was given".into()),
    ] {
        let words = format!("ping {words} -n {place}");
        let _ = pair.cluster.netdiag(words.split(' '))?.refuses(&line);
        println!("{line}");
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: types what hands know"]
fn finger_memory_is_caught_before_it_misfires() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    for (words, line) in [
        (
            "-s 1400 pod/web",
            "-s 1400: -s is kubectl's --server; the number of data bytes is --size 1400",
        ),
        (
            "-n 10.0.0.1",
            "-n: -n is kubectl's --namespace; ping never looks up names, so leave it out",
        ),
        (
            "-nc 3 pod/web",
            "-nc: -n is kubectl's --namespace; ping never looks up names, so leave it out",
        ),
        ("-I eth0 pod/web", "-I is not here; -S (--source) takes an address of the source"),
        ("-M do pod/web", "-M is not here; --df forbids fragmentation"),
        ("-f pod/web", "-f is not here; -i 0.002 is as fast as it gets, with the right fast-ping"),
    ] {
        let words = format!("ping {words}");
        let _ = cluster.netdiag(words.split(' '))?.refuses(&format!("error    ND0031  {line}"));
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: asks where there is none"]
fn an_api_server_that_does_not_answer_is_named() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let closed = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let deaf = silent.local_addr()?;
    for (flags, line) in [
        (
            format!("-s https://{closed}"),
            format!("API server https://{closed} does not answer: connection refused"),
        ),
        (
            format!("-s https://{deaf} --request-timeout 1"),
            format!("API server https://{deaf} does not answer: silence for 1 s"),
        ),
        ("--kubeconfig /nowhere".into(), "kubeconfig /nowhere: no such file or directory".into()),
    ] {
        let error = format!("error    ND0002  {line}");
        for command in ["ping pod/server", "doctor"] {
            let words = format!("{command} {flags}");
            let _ = pair.cluster.netdiag(words.split(' '))?.refuses(&error);
        }
        // Its own version the plugin knows without anybody.
        let words = format!("version {flags}");
        let run = pair.cluster.netdiag(words.split(' '))?.exits(2).says("plugin ");
        assert!(run.stderr.starts_with(&error), "{}", run.stderr);
        println!("{error}");
    }
    // Without a cluster this machine can still probe itself.
    let words = format!("ping 127.0.0.1 -c 1 --from local -s https://{closed}");
    let _ = pair.cluster.netdiag(words.split(' '))?.exits(0);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: asks for agents that are elsewhere"]
fn without_agents_the_namespace_is_asked_for() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let place = pair.cluster.namespace();
    let from = pair.client.target();
    let run = pair.ping(&format!("-c 1 --agent-namespace {place}"))?;
    let run = run
        .refuses(&format!("error    ND0001  no agent on {}, where {from} runs", pair.client.node));
    let seen = format!("\n  seen   no DaemonSet of netdiag in namespace {place}\n");
    assert!(run.stderr.contains(&seen), "{}", run.stderr);
    // A pod with the agents' labels is none of theirs, and gets no token.
    pair.cluster.kubectl([
        "label",
        "pod",
        "client",
        "-n",
        place,
        "app.kubernetes.io/name=netdiag",
        "app.kubernetes.io/component=agent",
    ])?;
    wait::until("the label shows", Duration::from_secs(10), || {
        let run = pair.ping(&format!("-c 1 --agent-namespace {place}"))?;
        let line =
            format!("error    ND0004  {from} bears the agents' labels, but no DaemonSet owns it\n");
        anyhow::ensure!(run.code == Some(2) && run.stderr.starts_with(&line), "{run:?}");
        Ok(())
    })
}
