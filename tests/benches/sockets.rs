//! `make bench`: tens of thousands of a pod's TCP sockets, by the whole command and by ss and netstat in the same
//! pod's network.

#[path = "ping/samples.rs"]
mod samples;

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use netdiag_tests::command::command;
use netdiag_tests::progress::show;
use netdiag_tests::{Netns, Pair};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use samples::Samples;

const ROUNDS: usize = 9;
/// At most, as far as descriptors go. Each is two sockets; Linux has about 28,000 ports to connect from.
const CONNECTIONS: usize = 27_000;

fn main() -> Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    let count = maximum.map_or(CONNECTIONS, |most| CONNECTIONS.min(most as usize / 2 - 512));
    let pair = Pair::start()?;
    let inside = Netns::of_pod(&pair.client)?;
    let held = inside.run(|| connect(count))?;
    show("| what | median (middle half) of runs | beside it |");
    show("| --- | --- | --- |");
    row(&pair, &inside, count, ["ss", "-tan"])?;
    row(&pair, &inside, count, ["netstat", "-tan"])?;
    drop(held);
    Ok(())
}

fn connect(count: usize) -> Result<(TcpListener, Vec<(TcpStream, TcpStream)>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let pairs = (0..count).map(|_| {
        let client = TcpStream::connect(address)?;
        Ok((client, listener.accept()?.0))
    });
    let pairs = pairs.collect::<Result<_>>()?;
    Ok((listener, pairs))
}

fn row(pair: &Pair, inside: &Netns, count: usize, peer: [&str; 2]) -> Result<()> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let run = pair.cluster.netdiag(
            format!("sockets {} -a -t -o ndjson", pair.client.target()).split_whitespace(),
        )?;
        ours.push(begin.elapsed());
        ensure!(run.stdout.len() > count * 100, "too few sockets: {}", run.stderr);
        theirs.push(inside.run(|| classic(peer))?);
    }
    let (ours, theirs) = (Samples::of(&ours), Samples::of(&theirs));
    let ratio = theirs.median() / ours.median();
    let name = peer.join(" ");
    show(&format!(
        "| {} TCP sockets: all of `kubectl-netdiag sockets` | {ours} | `{name}`: {theirs}; ours {ratio:.2} x as fast |",
        2 * count
    ));
    Ok(())
}

fn classic([program, flags]: [&str; 2]) -> Result<Duration> {
    let begin = Instant::now();
    let status = command(program).arg(flags).stdout(Stdio::null()).status()?;
    ensure!(status.success(), "{program}: {status}");
    Ok(begin.elapsed())
}
