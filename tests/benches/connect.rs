//! `make bench`: bytes through a pod by the whole command, and by `kubectl exec -i POD -- nc`.

#[path = "ping/samples.rs"]
mod samples;
#[path = "../tests/connect_stream/serve.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod serve;

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use netdiag_tests::Pair;
use netdiag_tests::progress::show;
use samples::Samples;
use serve::{fed, netdiag, serve};

const ROUNDS: usize = 5;
const BYTES: usize = 64 << 20;
const DONE: &[u8] = b"done";

fn main() -> Result<()> {
    let pair = Pair::start()?;
    show("| what | median (middle half) of runs | beside it | goal |");
    show("| --- | --- | --- | --- |");
    let up = serve(&pair.server, swallow)?;
    row(&pair, "up", up, &vec![b'x'; BYTES], DONE.len())?;
    let down = serve(&pair.server, pour)?;
    row(&pair, "down", down, b"x", BYTES)
}

/// Each in turn, so that both meet the same machine.
fn row(pair: &Pair, way: &str, port: u16, input: &[u8], answer: usize) -> Result<()> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(timed(netdiag(pair, port, &[])?, input, answer)?);
        theirs.push(timed(nc(pair, port), input, answer)?);
    }
    let (ours, theirs) = (Samples::of(&ours), Samples::of(&theirs));
    let ratio = theirs.median() / ours.median();
    show(&format!(
        "| 64 MiB {way} a pipe: all of `kubectl-netdiag connect` | {ours} | `kubectl exec -i POD -- nc`: {theirs}; {ratio:.2} x its throughput | at least 1 x |"
    ));
    Ok(())
}

fn timed(command: Command, input: &[u8], answer: usize) -> Result<Duration> {
    let begin = Instant::now();
    let output = fed(command, input)?;
    let took = begin.elapsed();
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.stdout.len() == answer, "{} bytes came; {said}", output.stdout.len());
    Ok(took)
}

fn nc(pair: &Pair, port: u16) -> Command {
    let (ip, port) = (pair.server.ip().to_string(), port.to_string());
    let exec = ["exec", "-i", "-n", pair.cluster.namespace(), &pair.client.name, "--"];
    let mut nc = pair.cluster.kubectl_command(exec.into_iter().chain(["nc", &ip, &port]));
    nc.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    nc
}

/// Answers when it has heard all.
fn swallow(mut stream: TcpStream) {
    let mut buffer = vec![0; 64 * 1024];
    while stream.read(&mut buffer).is_ok_and(|read| read > 0) {}
    let _ = stream.write_all(DONE);
}

/// Waits for a byte, so that both begin with one.
fn pour(mut stream: TcpStream) {
    let _ = stream.read(&mut [0]);
    let _ = stream.write_all(&vec![b'y'; BYTES]);
}
