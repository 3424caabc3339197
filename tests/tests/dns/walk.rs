//! The default: the pod's own resolv.conf and hosts file, and its search list as libc walks it.

use anyhow::Result;
use netdiag_tests::{Node, Pair, lab::addresses, turn};
use serde_json::json;

use crate::lookup::{asked, dig, dns, report, status};

#[test]
#[ignore = "needs a cluster: resolves names in a pod"]
fn a_walk_is_the_pods_own() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let namespace = pair.cluster.namespace();
    let in_pod = |words: &str| {
        let exec = ["exec", "-n", namespace, "client", "--"];
        pair.cluster.kubectl(exec.into_iter().chain(words.split(' ')))
    };
    let file = in_pod("cat /etc/resolv.conf")?;
    let search = file.lines().find_map(|line| line.strip_prefix("search ")).unwrap_or_default();
    let found = report(&pair, "kubernetes.default", 0)?;
    assert_eq!(found["resolver"]["nameservers"], json!([addresses::CLUSTER_DNS]), "{file}");
    assert_eq!(found["resolver"]["search"], json!(search.split(' ').collect::<Vec<_>>()));

    // Every name of the search list until one is there, and each as dig has it.
    let rows = asked(&found);
    for ((name, outcomes), domain) in rows.iter().zip(search.split(' ')) {
        assert_eq!(*name, format!("kubernetes.default.{domain}."));
        assert_eq!(outcomes.len(), 2, "A and AAAA: {outcomes:?}");
        let dug = dig(&pair, &format!("@{} {name} A", addresses::CLUSTER_DNS))?;
        let expected = if status(&dug)? == "NXDOMAIN" { "nxDomain" } else { "answered" };
        assert_eq!(outcomes[0], expected, "{name}");
        println!("{name}: {outcomes:?}, dig: {}", status(&dug)?);
    }
    assert_eq!(rows.len(), 2, "the second of the list is the one: {rows:?}");

    let nslookup = in_pod("nslookup -type=a kubernetes.default.svc.cluster.local")?;
    assert!(nslookup.contains(&format!("Address: {}", addresses::KUBERNETES_SERVICE)));
    let run = dns(&pair, "kubernetes.default")?.exits(0);
    println!("{}", run.stdout);
    let _ = run.says(&format!(
        "OK       kubernetes.default is {}; 2 names, 4 queries, ",
        addresses::KUBERNETES_SERVICE
    ));
    Ok(())
}

#[test]
#[ignore = "needs a cluster: resolves names in a pod"]
fn a_trailing_dot_makes_it_one_name() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let rows = asked(&report(&pair, "kubernetes.default.svc.cluster.local.", 0)?);
    assert_eq!(rows.len(), 1, "{rows:?}");
    let musl = asked(&report(&pair, "kubernetes.default --libc musl", 0)?);
    assert_eq!(musl.last().map(|row| row.0.as_str()), rows.last().map(|row| row.0.as_str()));
    Ok(())
}

#[test]
#[ignore = "needs a cluster: resolves names in a pod and on a node"]
fn the_hosts_file_comes_first() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let found = report(&pair, "client", 0)?;
    assert_eq!(found["inHosts"]["addresses"], json!([pair.client.ip()]), "{found}");
    assert_eq!(asked(&found), [], "no server is asked");
    let node = format!("node/{}", Node::First.name(&pair.cluster)?);
    let run = pair.cluster.netdiag(["dns", "localhost", "--from", &node])?.exits(0);
    let _ = run.says("localhost is 127.0.0.1").says("by the hosts file");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: resolves names in a pod"]
fn a_name_that_is_none_has_every_name_tried() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let name = "nobody.default.svc.cluster.local.";
    let run = dns(&pair, name)?.exits(1);
    println!("{}", run.stdout);
    let _ = run.says("NXDOMAIN").says("\nFAIL     ND0501  ");
    let dug = dig(&pair, &format!("@{} {name} A", addresses::CLUSTER_DNS))?;
    assert_eq!(status(&dug)?, "NXDOMAIN");
    Ok(())
}
