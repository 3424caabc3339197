//! One server that is named, and every server that there is.

use anyhow::Result;
use netdiag_tests::{Pair, lab::addresses, turn};

use crate::lookup::{dig, dns};

const NAME: &str = "kubernetes.default.svc.cluster.local";

/// What of a dig screen is the same each time: no id, cookie, time, TTL.
fn lines(screen: &str) -> Vec<String> {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_fixed = |line: &&str| line.starts_with(";; flags") || line.contains("SECTION");
    let is_record = |line: &&str| line.starts_with(NAME);
    let lines = screen.lines().filter(|line| is_fixed(line) || is_record(line));
    lines
        .map(|line| match line.starts_with(NAME) {
            // Without the TTL, which runs down in the cache.
            true => line.split_whitespace().filter(|word| word.parse::<u32>().is_err()).collect(),
            false => words(line),
        })
        .collect()
}

#[test]
#[ignore = "needs a cluster: asks its DNS"]
fn a_named_server_is_asked_as_dig_asks() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let server = addresses::CLUSTER_DNS;
    for words in [
        format!("{NAME} A @{server}"),
        format!("{NAME} A @{server} +tcp"),
        format!("{NAME} AAAA @{server}"),
        format!("nobody.{NAME} A @{server}"),
    ] {
        let (ours, dug) = (dns(&pair, &words)?.stdout, dig(&pair, &words)?);
        println!("{ours}\n{dug}");
        assert_eq!(lines(&ours), lines(&dug), "{words}");
    }
    let words = format!("{NAME} A @{server} +short");
    assert_eq!(dns(&pair, &words)?.exits(0).stdout, dig(&pair, &words)?);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: asks each of its CoreDNS pods"]
fn every_server_is_each_coredns_pod() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let words = ["get", "pods", "-n", "kube-system", "-l", "k8s-app=kube-dns", "-o"];
    let path = "jsonpath={range .items[*]}{.metadata.name} {.status.podIP}{\"\\n\"}{end}";
    let pods = pair.cluster.kubectl(words.into_iter().chain([path]))?;
    let run = dns(&pair, "kubernetes.default --every-server")?.exits(0);
    println!("{}", run.stdout);
    for pod in pods.lines() {
        let (name, address) = pod.split_once(' ').unwrap_or_default();
        let row = run.stdout.lines().find(|line| line.starts_with(address));
        assert!(row.is_some_and(|row| row.contains(name)), "{pod}: {}", run.stdout);
    }
    let run = run.says(&format!("\n{}", addresses::CLUSTER_DNS)).says("kube-system/svc/kube-dns");
    let _ = run.says(addresses::KUBERNETES_SERVICE).says("\nOK       ");
    Ok(())
}
