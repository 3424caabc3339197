//! 0 well, 1 not well or cannot tell, 2 could not run: every way to each.

use anyhow::Result;
use netdiag_tests::{Fault, Node, Pair, turn};

#[test]
#[ignore = "needs a cluster: drops packets on a node"]
fn exit_codes_are_0_1_and_2() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let ip = pair.server.ip();
    // The first of every five echoes is lost.
    let rule = format!("ip daddr {ip} icmp type echo-request numgen inc mod 5 == 0 drop");
    let fault = Fault::rule(&pair.cluster, Node::First, &rule)?;
    let lossy = "-c 5 -i 0.02 -W 0.3";
    for (flags, code, word) in [
        (lossy, 0, "WARN "),
        ("-c 5 -i 0.02 -W 0.3 --fail-on fail", 0, "WARN "),
        ("-c 5 -i 0.02 -W 0.3 --fail-on warn", 1, "WARN "),
        ("-c 1 -W 0.3", 1, "FAIL "),
    ] {
        println!("{}", check(&pair, flags, code, word)?);
    }
    drop(fault);
    let dns = "ping kube-system/svc/kube-dns --icmp -c 1 -W 0.3";
    for (flags, code, word) in [
        ("-c 1", 0, "OK "),
        ("-c 1 --fail-on warn", 0, "OK "),
        ("-c 1 --ttl 1", 1, "FAIL "),
        ("-c 1 --ttl 1 --fail-on unknown", 1, "FAIL "),
        ("-c 1 --df --size 2000", 1, "FAIL "),
        ("-c 1 --source 192.0.2.1", 2, ""),
        ("-c 1 --agent-namespace default", 2, ""),
        ("-c 1 --kubeconfig /nowhere", 2, ""),
        ("-c none", 2, ""),
    ] {
        println!("{}", check(&pair, flags, code, word)?);
    }
    for (line, code) in [
        (dns, 1),
        ("ping kube-system/svc/kube-dns", 0),
        ("ping kube-system/svc/kube-dns --fail-on fail", 0),
        ("ping 127.0.0.1 -c 1 --from local", 0),
        ("ping pod/nobody", 2),
        ("ping", 2),
        ("pong", 2),
        ("doctor", 0),
        ("version", 0),
        ("version --client", 0),
        ("explain ND0302", 0),
        ("explain ND9999", 2),
        ("--help", 0),
        ("ping --help", 0),
    ] {
        let run = pair.cluster.netdiag(line.split(' '))?.exits(code);
        assert_eq!(run.stdout.is_empty(), code == 2, "{line}: {}", run.stdout);
        println!("{code}  {line}");
    }
    Ok(())
}

#[track_caller]
fn check(pair: &Pair, flags: &str, code: i32, word: &str) -> Result<String> {
    let run = pair.ping(flags)?.exits(code);
    let verdict = run.stdout.split("\n\n").nth(1).unwrap_or_default();
    assert!(verdict.starts_with(word) && verdict.is_empty() == word.is_empty(), "{flags}: {run:?}");
    Ok(format!("{code}  ping ... {flags}: {}", verdict.lines().next().unwrap_or_default()))
}
