//! A chain of network namespaces: a client, routers with connection tracking, a server.

use std::{fs, process::Command};

use super::Result;

/// Named namespaces, deleted on drop.
pub(crate) struct Chain {
    spaces: Vec<String>,
}

impl Chain {
    pub(crate) fn of_routers(routers: u8) -> Result<Self> {
        let own = std::process::id();
        let count = routers + 2;
        let spaces = (0..count).map(|n| format!("netdiag-bench-{own}-{n}")).collect();
        let chain = Self { spaces };
        for space in &chain.spaces {
            run(&format!("ip netns add {space}"))?;
            chain.inside(space, "ip link set lo up")?;
            chain.inside(space, "sysctl -qw net.ipv4.ip_forward=1")?;
        }
        for n in 0..count - 1 {
            chain.join(n)?;
        }
        for n in 0..count {
            chain.route(n, count)?;
        }
        chain.filter(3)?;
        Ok(chain)
    }

    /// The last namespace's address.
    pub(crate) fn server(&self) -> String {
        format!("10.99.{}.2", self.spaces.len() - 2)
    }

    /// An address beyond it that the third router drops.
    pub(crate) fn dropped(&self) -> String {
        "10.99.200.9".into()
    }

    /// This program in the first namespace, tracing once.
    pub(crate) fn ours(&self, host: &str, queries: u8) -> Result<String> {
        let program = std::env::current_exe()?;
        self.in_client(&[&program.to_string_lossy(), "once", host, &queries.to_string()])
    }

    pub(crate) fn traceroute(&self, words: &[&str]) -> Result<String> {
        self.in_client(&[&["traceroute", "-n"], words].concat())
    }

    fn in_client(&self, words: &[&str]) -> Result<String> {
        let space = format!("--net=/run/netns/{}", self.spaces[0]);
        output(&[&["nsenter", &space], words].concat())
    }

    /// A link from namespace `n` to the next: 10.99.n.1 and 10.99.n.2.
    fn join(&self, n: u8) -> Result<()> {
        let (left, right) = (&self.spaces[usize::from(n)], &self.spaces[usize::from(n) + 1]);
        run(&format!("ip link add right netns {left} type veth peer name left netns {right}"))?;
        self.inside(left, &format!("ip addr add 10.99.{n}.1/24 dev right"))?;
        self.inside(right, &format!("ip addr add 10.99.{n}.2/24 dev left"))?;
        self.inside(left, "ip link set right up")?;
        self.inside(right, "ip link set left up")
    }

    fn route(&self, n: u8, count: u8) -> Result<()> {
        let space = &self.spaces[usize::from(n)];
        if n + 1 < count {
            self.inside(space, &format!("ip route add default via 10.99.{n}.2"))?;
        }
        for lower in 0..n.saturating_sub(1) {
            let via = format!("ip route add 10.99.{lower}.0/24 via 10.99.{}.1", n - 1);
            self.inside(space, &via)?;
        }
        Ok(())
    }

    /// Every router tracks connections, as nodes do; the third one drops what goes to nowhere.
    fn filter(&self, third: usize) -> Result<()> {
        let routers = 1..self.spaces.len() - 1;
        for n in routers {
            let drop = if n == third { "\nip daddr 10.99.200.0/24 drop" } else { "" };
            let rules = format!(
                "table ip t {{\nchain f {{\ntype filter hook forward priority 0; ct state invalid drop{drop}\n}}\n}}\n"
            );
            let file = std::env::temp_dir().join(format!("{}.nft", self.spaces[n]));
            fs::write(&file, rules)?;
            let loaded = self.inside(&self.spaces[n], &format!("nft -f {}", file.display()));
            fs::remove_file(file)?;
            loaded?;
        }
        Ok(())
    }

    fn inside(&self, space: &str, line: &str) -> Result<()> {
        run(&format!("nsenter --net=/run/netns/{space} {line}"))
    }
}

impl Drop for Chain {
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
    #[expect(clippy::disallowed_methods, reason = "ip builds the chain, traceroute is the peer")]
    let output = Command::new(words[0]).args(&words[1..]).output()?;
    if !output.status.success() {
        return Err(format!("{words:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
