//! Nothing stays: no process, no namespace, no descriptor, no file, no pod.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use netdiag_tests::{Agent, Cluster, Node, Pair, Running, turn, wait};
use nix::sys::signal::Signal;
use tempfile::TempDir;

const PINGS: usize = 200;
/// One in four is killed.
const KILLED_EVERY: usize = 4;
const AT_A_TIME: usize = 4;
/// Within this time of the start a kill comes: far longer than a ping takes to get going.
const PHASES: Duration = Duration::from_millis(400);
const WORKERS_GONE: Duration = Duration::from_secs(2);

#[test]
#[ignore = "needs a cluster: pings 200 times and kills 50 of them"]
fn nothing_is_left_behind() -> Result<()> {
    let _turn = turn::alone();
    let pair = Pair::start()?;
    let agents = [Node::First, Node::Second].map(|node| Agent::on(&pair.cluster, node));
    let agents = agents.into_iter().collect::<Result<Vec<_>>>()?;
    let home = TempDir::new()?;
    // What is made once, at the first request, is no leftover.
    storm(&pair, &home, 20)?;
    settled(&agents)?;
    let before = State::read(&pair, &agents)?;
    let begin = Instant::now();
    let killed = storm(&pair, &home, PINGS)?;
    let took = begin.elapsed();
    let end = Instant::now();
    settled(&agents)?;
    println!("{PINGS} pings, {killed} killed, in {took:.1?}; no worker {:?} after", end.elapsed());
    assert_eq!(killed, PINGS / KILLED_EVERY);
    let after = wait::until("all is as before", Duration::from_secs(60), || {
        let now = State::read(&pair, &agents)?;
        ensure!(now.is_no_more_than(&before), "before: {before:#?}\nnow: {now:#?}");
        Ok(now)
    })?;
    println!("as before after {:.1?}: {after:#?}", end.elapsed());
    assert_eq!(fs::read_dir(home.path())?.count(), 0, "the plugin wrote a file");
    one_namespace(&agents)
}

/// Runs that many pings, some at a time, and kills one in four at all phases of its life.
fn storm(pair: &Pair, home: &TempDir, pings: usize) -> Result<usize> {
    let (next, killed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || -> Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= pings {
                return Ok(());
            }
            if number % KILLED_EVERY == 0 {
                kill_at(pair, home, number)?;
                killed.fetch_add(1, Ordering::Relaxed);
            } else {
                let run = ping(pair, home, "-c 1")?.finish(Duration::from_secs(20))?.exits(0);
                drop(run.says("1 of 1 echoes replied"));
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().map_err(|_| anyhow::anyhow!("a ping was not as expected"))?
        })
    })?;
    Ok(killed.into_inner())
}

fn ping(pair: &Pair, home: &TempDir, flags: &str) -> Result<Running> {
    let (to, from) = (pair.server.target(), pair.client.target());
    let words = ["ping", &to, "--from", &from].into_iter().chain(flags.split(' '));
    let mut netdiag = pair.cluster.netdiag_command(words)?;
    netdiag.current_dir(home).env("HOME", home.path()).env("TMPDIR", home.path());
    pair.cluster.start(netdiag)
}

/// Kills an endless ping; the numbers spread the moments evenly over [`PHASES`].
fn kill_at(pair: &Pair, home: &TempDir, number: usize) -> Result<()> {
    let ping = ping(pair, home, "-i 0.2")?;
    let moment = PHASES * u32::try_from(number * 37 % PINGS)? / u32::try_from(PINGS)?;
    // No condition to wait for: the moment itself is what is tried.
    std::thread::sleep(moment);
    ping.signal(Signal::SIGKILL)?;
    let run = ping.finish(Duration::from_secs(5))?;
    ensure!(run.code.is_none(), "it ended before it was killed: {run:?}");
    Ok(())
}

/// Waits until no agent runs anything but its two processes, beside the pod's own `/pause`.
fn settled(agents: &[Agent]) -> Result<()> {
    wait::until("no worker lives", WORKERS_GONE, || {
        for agent in agents {
            let mut roles = agent.processes()?;
            roles.remove("/pause");
            let is_one = roles.values().all(|pids| pids.len() == 1);
            ensure!(is_one && roles.keys().eq(["broker", "front"]), "{roles:?}");
        }
        Ok(())
    })
}

/// Everything that a probe could leave.
#[derive(Debug)]
struct State {
    restarts: u64,
    /// Of front and broker, on each node.
    descriptors: Vec<usize>,
    /// Processes that are in, or hold open, the network namespace of the source.
    holders: BTreeSet<u32>,
    /// In the agents' volumes.
    files: Vec<String>,
    pods: Vec<String>,
}

impl State {
    /// A connection to the API server that was kept open may have been closed meanwhile.
    fn is_no_more_than(&self, before: &Self) -> bool {
        let mut pairs = self.descriptors.iter().zip(&before.descriptors);
        pairs.all(|(now, before)| now <= before)
            && (self.restarts, &self.holders) == (before.restarts, &before.holders)
            && (&self.files, &self.pods) == (&before.files, &before.pods)
    }

    fn read(pair: &Pair, agents: &[Agent]) -> Result<Self> {
        let cluster = &pair.cluster;
        let mut state = Self {
            restarts: 0,
            descriptors: Vec::new(),
            holders: holders(&pair.client.processes()?)?,
            files: Vec::new(),
            pods: [pods(cluster, cluster.namespace())?, pods(cluster, "netdiag")?].concat(),
        };
        for (agent, node) in agents.iter().zip([Node::First, Node::Second]) {
            state.restarts += agent.restarts(cluster)?;
            for role in ["front", "broker"] {
                state.descriptors.push(agent.descriptors(role)?.len());
            }
            let volumes = format!("/var/lib/kubelet/pods/{}/volumes", agent.pod.uid);
            // The token is the kubelet's and is renewed by it.
            let find = ["find", &volumes, "-path", "*projected*", "-prune", "-o", "-print"];
            let found = cluster.in_node(node, find)?;
            state.files.extend(found.lines().map(str::to_owned));
        }
        state.files.sort();
        Ok(state)
    }
}

fn pods(cluster: &Cluster, namespace: &str) -> Result<Vec<String>> {
    let said = cluster.kubectl(["get", "pods", "-n", namespace, "-o", "name"])?;
    Ok(said.lines().map(|line| format!("{namespace}/{line}")).collect())
}

/// Processes that refer to the network namespace of these, by living there or by a descriptor.
fn holders(pids: &[u32]) -> Result<BTreeSet<u32>> {
    let pid = pids.first().context("the source runs nothing")?;
    let wanted = inode(Path::new(&format!("/proc/{pid}/ns/net")));
    ensure!(wanted.is_some(), "the source is gone");
    let entries = fs::read_dir("/proc")?.flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let holds = |pid: &u32| {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        tasks.map(|task| task.path().join("ns/net")).any(|path| inode(&path) == wanted)
            || open.map(|fd| fd.path()).any(|path| is_namespace(&path) && inode(&path) == wanted)
    };
    Ok(pids.filter(holds).collect())
}

/// A bind mount of a namespace shows as its path, so only the file system's number tells.
fn is_namespace(path: &Path) -> bool {
    fs::read_link(path).is_ok_and(|link| link.to_string_lossy().starts_with("net:["))
}

fn inode(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// No thread of an agent stayed in a namespace that it entered.
fn one_namespace(agents: &[Agent]) -> Result<()> {
    for agent in agents {
        let mut seen = BTreeSet::new();
        for pid in agent.processes()?.into_values().flatten() {
            for task in fs::read_dir(format!("/proc/{pid}/task"))? {
                seen.insert(inode(&task?.path().join("ns/net")));
            }
        }
        assert!(seen.len() == 1 && !seen.contains(&None), "{seen:?}");
    }
    Ok(())
}
