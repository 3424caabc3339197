//! Open, refused, rejected, dropped, and stopped by Ctrl-C.

use std::time::Duration;

use anyhow::Result;
use netdiag_tests::{Cluster, Fault, Node, Pair, Pod, turn};
use nix::sys::signal::Signal;

const SOON: Duration = Duration::from_secs(10);

/// Client and a server that listens on 8080, on two nodes.
fn listening() -> Result<(Cluster, Pod, Pod)> {
    let cluster = Cluster::with_agents()?;
    let client = cluster.pod("client").on(Node::First).start()?;
    let server = cluster.pod("server").on(Node::Second).distroless(8080).start()?;
    Ok((cluster, client, server))
}

#[test]
#[ignore = "needs a cluster: connects between two nodes"]
fn an_open_port_is_connected_from_a_pod_and_from_a_node() -> Result<()> {
    let _turn = turn::share();
    let (cluster, client, server) = listening()?;
    let node = format!("node/{}", client.node);
    for from in [client.target(), node] {
        for target in [format!("{}:8080", server.target()), format!("{}:http", server.target())] {
            let run = cluster.netdiag(["connect", &target, "--from", &from])?.exits(0);
            println!("{}", run.stdout);
            let run = run.says("\nconnected in ").says(&format!(" -> {}:8080", server.ip()));
            let _ = run.says("\nOK       connected\n");
        }
    }
    // nc's two words.
    let run = cluster.netdiag(["connect", &server.target(), "8080", "--from", &client.target()])?;
    let _ = run.exits(0).says("\nOK       connected\n");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: connects where nobody listens"]
fn nobody_listens_is_refused_over_two_routers() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let to = pair.server.target();
    let run = pair.from_client(&format!("connect {to}:8081"))?.exits(1);
    println!("{}", run.stdout);
    let run = run.says(&format!(": RST from {}, over 2 routers\n", pair.server.ip()));
    let run = run.says(&format!("\nFAIL     ND0602  refused by {to} or by a rule that answers"));
    let _ = run.says(&format!("\n  next   kubectl netdiag sockets {to} -l -p\n"));
    Ok(())
}

#[test]
#[ignore = "needs a cluster: rejects packets on a node"]
fn a_rule_that_rejects_is_named_with_its_node() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let rule = format!("ip daddr {} tcp dport 8080 reject", pair.server.ip());
    let _fault = Fault::rule(&pair.cluster, Node::Second, &rule)?;
    let run = pair.from_client(&format!("connect {}:8080", pair.server.target()))?.exits(1);
    println!("{}", run.stdout);
    let far = &pair.server.node;
    let run = run.says("\nrejected after ").says(": port unreachable, said by ");
    let _ = run.says(&format!("\nFAIL     ND0304  rejected by {far}: a rule there rejects it"));
    Ok(())
}

#[test]
#[ignore = "needs a cluster: drops packets on a node"]
fn what_is_dropped_is_silence_and_ctrl_c_ends_it() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let rule = format!("ip daddr {} drop", pair.server.ip());
    let _fault = Fault::rule(&pair.cluster, Node::Second, &rule)?;
    let to = format!("{}:8080", pair.server.target());
    let run = pair.from_client(&format!("connect {to}"))?.exits(1);
    println!("{}", run.stdout);
    let run = run.says("\nsilence: ").says(" SYNs over 3.").says(", no SYN-ACK, no RST, no ICMP\n");
    let _ =
        run.says(&format!("\nFAIL     ND0302  silence from {to}; neither refused nor rejected"));
    let run = pair.from_client(&format!("connect {to} --udp -w 0.5"))?.exits(1);
    let _ = run.says("; not rejected\n").says("\nUNKNOWN  ND0610  open or filtered: ");

    let mut connect = pair.start_from_client(&format!("connect {to} -w 30 --count 2"))?;
    connect.wait_for(" -> ")?;
    connect.signal(Signal::SIGINT)?;
    let run = connect.finish(SOON)?.exits(1);
    let _ = run.says("\nUNKNOWN  ND0309  cannot tell: it was stopped by Ctrl-C or SIGTERM\n");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: opens and closes a port's path"]
fn a_port_that_comes_and_goes_is_counted() -> Result<()> {
    let _turn = turn::share();
    let (cluster, client, server) = listening()?;
    let line = format!(
        "connect {}:8080 --from {} --count 30 --interval 0.1 -w 0.2",
        server.target(),
        client.target()
    );
    let mut connect = cluster.netdiag_start(line.split(' '))?;
    connect.wait_for("connected in ")?;
    let fault = Fault::rule(&cluster, Node::Second, &format!("ip daddr {} drop", server.ip()))?;
    connect.wait_for("silence: ")?;
    drop(fault);
    let run = connect.finish(Duration::from_secs(30))?.exits(1);
    println!("{}", run.stdout);
    let run = run.says("\nFAIL     ND0621  comes and goes: ").says(" connected, first ");
    let _ = run.says(" silence, ");
    Ok(())
}
