//! The same set as `ss` in the same namespace; then what only netdiag knows of it.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixListener;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netdiag_tests::command::run_words;
use netdiag_tests::{Netns, Node, Pair, turn, wait};
use serde_json::Value;

use crate::table::{Row, document, listener, rows, sockets};

/// What `ss` says of the Internet's sockets, in this thread's namespace.
fn by_ss() -> Result<BTreeSet<Row>> {
    let said = run_words("ss -tuanH")?;
    let row = |line: &str| -> Option<Row> {
        let mut words = line.split_whitespace();
        let (protocol, state) = (words.next()?, words.next()?);
        let (local, peer) = (words.nth(2)?, words.next()?);
        // An IPv4 address on a socket of IPv6 is told as IPv4.
        let plain = |end: &str| match end.strip_prefix("[::ffff:") {
            Some(rest) => rest.replace(']', ""),
            None => end.to_owned(),
        };
        let peer = if peer.ends_with(":*") { "*".to_owned() } else { plain(peer) };
        Some((protocol.into(), state.into(), plain(local), peer))
    };
    said.lines().map(|line| row(line).with_context(|| format!("no row of ss: {line}"))).collect()
}

/// Inodes of unix sockets, by ss.
fn unix_by_ss() -> Result<BTreeSet<u64>> {
    let said = run_words("ss -xanH")?;
    // `u_str LISTEN 0 128 PATH INODE * 0`; a path may hold blanks.
    let inode = |line: &str| line.split_whitespace().rev().nth(2)?.parse().ok();
    said.lines().map(|line| inode(line).with_context(|| format!("no row of ss: {line}"))).collect()
}

fn unix_inodes(document: &Value) -> BTreeSet<u64> {
    let entries = document["sockets"]["entries"].as_array().into_iter().flatten();
    let unix = entries.filter(|entry| entry["protocol"] == "unix");
    unix.filter_map(|entry| entry["inode"].as_u64()).collect()
}

#[test]
#[ignore = "needs a cluster: opens sockets in a pod's namespace"]
fn a_pods_table_is_that_of_ss() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let inside = Netns::of_pod(&pair.client)?;
    let held = inside.run(|| {
        let v4 = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 7001))?;
        let dual = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 7002))?;
        let loopback = TcpListener::bind((Ipv4Addr::LOCALHOST, 7003))?;
        let pairs: Vec<_> = (0..40)
            .map(|_| Ok((TcpStream::connect((Ipv4Addr::LOCALHOST, 7001))?, v4.accept()?.0)))
            .collect::<Result<_>>()?;
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 7004))?;
        let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 7005))?;
        sender.connect((Ipv4Addr::LOCALHOST, 7004))?;
        // The one that closes first keeps TIME-WAIT, the other is left in CLOSE-WAIT.
        let (ours, theirs) = (TcpStream::connect((Ipv4Addr::LOCALHOST, 7002))?, dual.accept()?.0);
        drop(ours);
        let (_, whole) = (TcpStream::connect((Ipv4Addr::LOCALHOST, 7003))?, loopback.accept()?.0);
        drop(whole);
        let folder = tempfile::tempdir()?;
        let unix = UnixListener::bind(folder.path().join("a socket"))?;
        Ok((v4, dual, loopback, pairs, udp, sender, theirs, unix, folder))
    })?;
    let target = pair.client.target();
    let ours = document(&pair.cluster, &format!("{target} -a -t -u -x"), 0)?;
    let theirs = inside.run(by_ss)?;
    assert!(theirs.len() > 85, "{theirs:?}");
    assert_eq!(rows(&ours), theirs);
    let unix = inside.run(unix_by_ss)?;
    assert!(!unix.is_empty());
    assert_eq!(unix_inodes(&ours), unix);
    for (words, ss) in [("-t", "-tnH"), ("-l -t", "-tlnH"), ("-l -u", "-ulnH"), ("-t -4", "-t4nH")]
    {
        let said = sockets(&pair.cluster, &format!("{target} {words} --no-headers"))?;
        let said = said.stdout;
        let table = said.split("\n\n").next().unwrap_or_default();
        let lines = table.lines().skip(1).filter(|line| !line.starts_with("not shown")).count();
        let theirs = inside.run(|| run_words(&format!("ss {ss}")))?;
        assert_eq!(lines, theirs.lines().count(), "{words}: {said}\n{theirs}");
    }
    drop(held);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: looks into a node"]
fn a_nodes_table_has_its_listeners() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let listening = |rows: BTreeSet<Row>| -> BTreeSet<Row> {
        rows.into_iter()
            .filter(|(protocol, state, _, _)| protocol == "tcp" && state == "LISTEN")
            .collect()
    };
    // The kubelet opens and closes ports for what it forwards, ours included.
    wait::until("both tables agree", Duration::from_secs(20), || {
        let ours = listening(rows(&document(&pair.cluster, "node/node-1 -l -t", 0)?));
        let theirs = listening(Netns::of_node(Node::First)?.run(by_ss)?);
        ensure!(ours.iter().any(|(_, _, local, _)| local.ends_with(":10250")), "{ours:?}");
        ensure!(ours == theirs, "{ours:?}\n{theirs:?}");
        Ok(())
    })?;
    let run = sockets(&pair.cluster, "node/node-1 -l -t -p")?.exits(0);
    println!("{}", run.stdout);
    let kubelet = run.stdout.lines().find(|line| line.contains(":10250 "));
    assert!(kubelet.is_some_and(|line| line.contains("kubelet (")), "{}", run.stdout);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: connects a pod with another and with a Service"]
fn peers_are_named_as_what_they_are() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let place = pair.cluster.namespace();
    let web = pair.cluster.pod("web").on(Node::Second).distroless(8080).start()?;
    pair.cluster.apply(&format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: web, namespace: {place}}}, \
         spec: {{selector: {{app: web}}, ports: [{{name: http, port: 80, targetPort: http}}]}}}}"
    ))?;
    let service = pair.cluster.object(["svc", "web", "-n", place])?;
    let cluster_ip = service["spec"]["clusterIP"].as_str().context("no ClusterIP")?.to_owned();
    let inside = Netns::of_pod(&pair.client)?;
    let direct = inside.run(|| Ok(TcpStream::connect((web.ip(), 8080))?))?;
    let through = wait::until("the Service leads to its pod", Duration::from_secs(20), || {
        inside.run(|| {
            let to = std::net::SocketAddr::new(cluster_ip.parse()?, 80);
            Ok(TcpStream::connect_timeout(&to, Duration::from_secs(1))?)
        })
    })?;
    let run = sockets(&pair.cluster, &format!("{} -t", pair.client.target()))?.exits(0);
    println!("{}", run.stdout);
    let head = format!(
        "{} ({}, {}): 2 connected TCP sockets in its network namespace\n",
        pair.client.target(),
        pair.client.ip(),
        pair.client.node
    );
    assert!(run.stdout.starts_with(&head), "{}", run.stdout);
    let row = |peer: &str, who: &str| {
        let line = run.stdout.lines().find(|line| line.contains(peer)).unwrap_or_default();
        assert!(line.ends_with(who), "{peer} is {who}: {}", run.stdout);
    };
    row(&format!("{}:8080", web.ip()), &format!("  pod/web on {}", web.node));
    row(&format!("{cluster_ip}:80"), "  svc/web:http");
    // The other end sees the pod, by either way.
    let run = sockets(&pair.cluster, &format!("{} -t -p", web.target()))?.exits(0);
    println!("{}", run.stdout);
    let rows: Vec<&str> =
        run.stdout.lines().filter(|line| line.contains(" pod/client on ")).collect();
    assert_eq!(rows.len(), 2, "{}", run.stdout);
    // The server greets and closes: what is left of that is nobody's.
    assert!(rows.iter().all(|row| row.starts_with("FIN-WAIT-2 ")), "{}", run.stdout);
    let document = document(&pair.cluster, &format!("{} -t", pair.client.target()), 0)?;
    let whats: Vec<&str> = document["addresses"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|known| known["what"].as_str())
        .collect();
    assert_eq!(whats.len(), 2, "{document:#}");
    drop((direct, through));
    Ok(())
}

#[test]
#[ignore = "needs a cluster: looks at a pod while its sockets come and go"]
fn what_stays_is_there_while_others_come_and_go() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let stays: Vec<_> = (0..50)
        .map(|port| listener(&pair.client, Ipv4Addr::UNSPECIFIED.into(), 7100 + port, 16))
        .collect::<Result<_>>()?;
    let stop = std::sync::atomic::AtomicBool::new(false);
    let inside = Netns::of_pod(&pair.client)?;
    std::thread::scope(|scope| {
        let churn = scope.spawn(|| {
            inside.run(|| {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 7000))?;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    // The ports may be used up by those that are in TIME-WAIT.
                    if let Ok(ours) = TcpStream::connect((Ipv4Addr::LOCALHOST, 7000)) {
                        drop((ours, listener.accept()?));
                    }
                }
                Ok(())
            })
        });
        let look = || {
            for _ in 0..10 {
                let table =
                    rows(&document(&pair.cluster, &format!("{} -a -t", pair.client.target()), 0)?);
                let listening = table.iter().filter(|(_, state, local, _)| {
                    state == "LISTEN" && local.starts_with("0.0.0.0:71")
                });
                ensure!(listening.count() == 50, "something that stays is missing: {table:?}");
            }
            Ok(())
        };
        let looked = look();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let churned = churn.join().map_err(|_| anyhow::anyhow!("the churn panicked"))?;
        looked.and(churned)
    })?;
    drop(stays);
    Ok(())
}
