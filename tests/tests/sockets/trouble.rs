//! What waits, and what nobody reaches.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Result;
use netdiag_tests::{Cluster, Netns, Node, Pair, turn};

use crate::table::{listener, sockets};

#[test]
#[ignore = "needs a cluster: fills an accept queue in a pod"]
fn a_full_accept_queue_is_a_failure() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let _listener = listener(&pair.server, Ipv4Addr::UNSPECIFIED.into(), 9000, 4)?;
    let to = SocketAddr::new(pair.server.ip(), 9000);
    let well = sockets(&pair.cluster, &format!("{} -l", pair.server.target()))?.exits(0);
    assert!(well.stdout.contains("0/4"), "{}", well.stdout);
    // One more than the limit fits; what comes then is dropped, which the counter tells.
    let client = Netns::of_pod(&pair.client)?;
    let connect = || TcpStream::connect_timeout(&to, Duration::from_millis(500));
    let held = client.run(|| Ok((0..7).filter_map(|_| connect().ok()).collect::<Vec<_>>()))?;
    assert!(held.len() >= 5, "{}", held.len());
    let run = sockets(&pair.cluster, &format!("{} -l -p", pair.server.target()))?.exits(1);
    println!("{}", run.stdout);
    let run = run.says("  5/4  ").says(
        "\nFAIL     ND0603  accept queue full on 9000: 5 wait, the limit is 4; its process does not \
         accept\n  seen   TcpExt ListenOverflows ",
    );
    let run = run.says(" s, in this pod's namespace\n  means  clients see silence");
    assert!(run.stdout.contains(" -> "), "{}", run.stdout);
    let verdict = sockets(&pair.cluster, &format!("{} -l -o verdict", pair.server.target()))?;
    assert_eq!(verdict.exits(1).stdout.lines().count(), 1);
    // Others are not ill by it, and --watch says how it went on.
    let watch = format!("{} -l -t --watch=0.3 --count 2", pair.server.target());
    let run = sockets(&pair.cluster, &watch)?.exits(1);
    println!("{}", run.stdout);
    let _ = run.says(" +n").says("  +0  ").says("ND0603");
    drop(held);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: a Service that leads to loopback"]
fn a_port_on_loopback_only_is_pointed_out() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let place = cluster.namespace();
    let pod = cluster
        .pod("shy")
        .on(Node::First)
        .command(["httpd", "-f", "-p", "127.0.0.1:8080"])
        .start()?;
    cluster.apply(&format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: shy, namespace: {place}}}, \
         spec: {{selector: {{app: shy}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}}}"
    ))?;
    let run = sockets(&cluster, &format!("{} -l -p", pod.target()))?.exits(0);
    println!("{}", run.stdout);
    let (address, target) = (pod.ip(), pod.target());
    let run = run.says("127.0.0.1:8080").says("  main/httpd (1)  ").says(&format!(
        "\nWARN     ND0601  8080 listens on 127.0.0.1 only, but svc/shy:http sends to {address}:8080\n"
    ));
    drop(run);
    let strict = sockets(&cluster, &format!("{target} -l --fail-on warn"))?;
    let _ = strict.exits(1);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: reads a pod's counters"]
fn counters_say_what_they_mean() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let target = pair.server.target();
    // A port that nobody listens on answers with a reset, which is counted.
    let refused = Netns::of_pod(&pair.client)?
        .run(|| Ok(TcpStream::connect((pair.server.ip(), 9).to_owned()).is_err()))?;
    assert!(refused);
    let run = sockets(&pair.cluster, &format!("{target} --stats"))?.exits(0);
    println!("{}", run.stdout);
    let run = run.says("COUNTER ").says("WHAT IT MEANS");
    let run = run.says("resets sent: to closed ports");
    let all = sockets(&pair.cluster, &format!("{target} --stats -v"))?.exits(0);
    assert!(all.stdout.lines().count() > 2 * run.stdout.lines().count(), "{}", all.stdout);
    Ok(())
}
