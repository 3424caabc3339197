//! A client, two routers with connection tracking, a server with 50 listeners; and what is put in
//! the way.

use std::{
    collections::BTreeSet,
    fs::File,
    net::TcpListener,
    process::{Command, Output},
    thread,
};

use nix::sched::{CloneFlags, setns};

use super::Result;

pub(crate) const SERVER: &str = "10.98.3.2";
const LISTENERS: usize = 50;

/// Named namespaces, deleted on drop.
pub(crate) struct Line {
    spaces: Vec<String>,
    listeners: Vec<TcpListener>,
}

impl Line {
    pub(crate) fn new() -> Result<Self> {
        let own = std::process::id();
        let spaces = (0..4).map(|n| format!("netdiag-scan-{own}-{n}")).collect();
        let mut line = Self { spaces, listeners: Vec::new() };
        for space in &line.spaces {
            run(&format!("ip netns add {space}"))?;
            line.inside(space, "ip link set lo up")?;
            line.inside(space, "sysctl -qw net.ipv4.ip_forward=1")?;
        }
        for n in 1..4 {
            line.join(n)?;
        }
        let [client, first, second, server] = [0, 1, 2, 3].map(|n| line.spaces[n].clone());
        line.inside(&client, "ip route add default via 10.98.1.2")?;
        line.inside(&first, "ip route add 10.98.3.0/24 via 10.98.2.2")?;
        line.inside(&second, "ip route add 10.98.1.0/24 via 10.98.2.1")?;
        line.inside(&server, "ip route add default via 10.98.3.1")?;
        for router in [&first, &second] {
            line.inside(router, "nft add table ip t")?;
            line.chain(router, "forward")?;
            line.rule(router, "forward ct state established,related accept")?;
        }
        line.listen(&server)?;
        Ok(line)
    }

    fn join(&self, n: usize) -> Result<()> {
        let (left, right) = (&self.spaces[n - 1], &self.spaces[n]);
        run(&format!("ip link add right netns {left} type veth peer name left netns {right}"))?;
        self.inside(left, &format!("ip addr add 10.98.{n}.1/24 dev right"))?;
        self.inside(right, &format!("ip addr add 10.98.{n}.2/24 dev left"))?;
        self.inside(left, "ip link set right up")?;
        self.inside(right, "ip link set left up")
    }

    /// On ports that are spread over all of them.
    fn listen(&mut self, server: &str) -> Result<()> {
        let space = File::open(format!("/run/netns/{server}"))?;
        let listeners = thread::spawn(move || -> std::io::Result<Vec<TcpListener>> {
            #[expect(clippy::disallowed_methods, reason = "a namespace of the benchmark's own")]
            setns(space, CloneFlags::CLONE_NEWNET)?;
            let ports = (0..LISTENERS).map(|n| 7 + 1_309 * n as u16);
            ports.map(|port| TcpListener::bind(("0.0.0.0", port))).collect()
        });
        self.listeners = listeners.join().map_err(|_| "the listeners' thread")??;
        Ok(())
    }

    pub(crate) fn open(&self) -> BTreeSet<u16> {
        let ports = self.listeners.iter().filter_map(|one| one.local_addr().ok());
        ports.map(|address| address.port()).collect()
    }

    /// One packet of a hundred is lost, in each direction.
    pub(crate) fn lose(&self) -> Result<()> {
        self.rule(&self.spaces[1], "forward numgen random mod 100 0 drop")
    }

    /// Nothing comes to the server.
    pub(crate) fn drop_all(&self) -> Result<()> {
        let server = &self.spaces[3];
        self.inside(server, "nft add table ip t")?;
        self.chain(server, "input")?;
        self.rule(server, "input drop")
    }

    fn chain(&self, space: &str, hook: &str) -> Result<()> {
        let hook = format!("{hook} {{ type filter hook {hook} priority 0; }}");
        self.nft(space, &format!("add chain ip t {hook}"))
    }

    fn rule(&self, space: &str, rule: &str) -> Result<()> {
        // Before the others.
        self.nft(space, &format!("insert rule ip t {rule}"))
    }

    fn nft(&self, space: &str, line: &str) -> Result<()> {
        output(&["nsenter", &format!("--net=/run/netns/{space}"), "nft", line]).map(drop)
    }

    /// Connections that the first router remembers.
    pub(crate) fn remembered(&self) -> Result<usize> {
        let space = format!("--net=/run/netns/{}", self.spaces[1]);
        Ok(output(&["nsenter", &space, "conntrack", "-L"])?.lines().count())
    }

    /// In the client's namespace.
    pub(crate) fn client(&self, words: &[&str]) -> Result<String> {
        let space = format!("--net=/run/netns/{}", self.spaces[0]);
        output(&[&["nsenter", &space], words].concat())
    }

    fn inside(&self, space: &str, line: &str) -> Result<()> {
        run(&format!("nsenter --net=/run/netns/{space} {line}"))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        for space in &self.spaces {
            // One that was not made yet cannot be deleted.
            let _ = run(&format!("ip netns del {space}"));
        }
    }
}

fn run(line: &str) -> Result<()> {
    output(&line.split(' ').collect::<Vec<_>>()).map(drop)
}

fn output(words: &[&str]) -> Result<String> {
    #[expect(clippy::disallowed_methods, reason = "ip builds the line, nmap is the peer")]
    let Output { status, stdout, stderr } = Command::new(words[0]).args(&words[1..]).output()?;
    match status.success() {
        true => Ok(String::from_utf8_lossy(&stdout).into_owned()),
        false => Err(format!("{words:?}: {}", String::from_utf8_lossy(&stderr)).into()),
    }
}
