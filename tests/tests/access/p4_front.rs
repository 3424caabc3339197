//! P4: front holds nothing. That it reads no process either, and which files are left to it, is
//! tried in the agent's own tests (`front::sandbox`).

use std::fs;

use anyhow::Result;
use netdiag_tests::{Agent, Cluster, Node, turn};

const NONE: &str = "0000000000000000";
const HELD: [(&str, &str); 10] = [
    ("Uid", "65532 65532 65532 65532"),
    ("Gid", "65532 65532 65532 65532"),
    ("CapInh", NONE),
    ("CapPrm", NONE),
    ("CapEff", NONE),
    ("CapBnd", NONE),
    ("CapAmb", NONE),
    ("NoNewPrivs", "1"),
    // 2 is filter mode (proc_pid_status(5)): the runtime's default profile.
    ("Seccomp", "2"),
    ("TracerPid", "0"),
];

#[test]
#[ignore = "needs a cluster: looks at its agents' processes"]
fn p4_front_holds_no_capability() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    for node in [Node::First, Node::Second] {
        let agent = Agent::on(&cluster, node)?;
        let status = fs::read_to_string(format!("/proc/{}/status", agent.process("front")?))?;
        for (field, wanted) in HELD {
            let line = status.lines().find_map(|line| line.strip_prefix(&format!("{field}:")));
            let words: Vec<_> = line.unwrap_or_default().split_whitespace().collect();
            assert_eq!(words.join(" "), wanted, "{field} on {}", agent.pod.node);
        }
        println!("front on {}: {} fields as they should be", agent.pod.node, HELD.len());
    }
    Ok(())
}
