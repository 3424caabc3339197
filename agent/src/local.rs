//! Break-glass: root on a node whose API server is gone probes without front, and reads ndjson.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::Shutdown,
    os::{fd::AsFd, unix::net::UnixStream},
    path::Path,
};

use anyhow::{Context, anyhow, bail};
use netdiag_wire::ErrorBody;
use nix::sys::{signal::Signal, signalfd::SignalFd};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};
use serde::Deserialize;

mod args;

pub use args::Args;

use crate::{
    broker::{
        self,
        pods::{Node, Place},
        spawn::spawn,
    },
    ipc::{ANSWER_BYTES, Answer, Order, ProbeOrder, WorkerOrder},
};

/// Probes and prints; an error only if the probe did not run, whatever it saw.
pub fn run(args: Args) -> anyhow::Result<()> {
    let interrupted = broker::signal(Signal::SIGINT).context("receive Ctrl-C as a descriptor")?;
    broker::confine()?;
    let (pod, probe) = args.probe.order()?;
    let place = place(pod.as_deref())?;
    let order = order(probe, place.is_node);
    // Root stands in for front here, and has no API server to tell the pod's addresses; so the
    // worker is told of a node, and checks none.
    let (worker, mut stream) = spawn(&Order::Node, place).context("start the worker")?;
    let printed = ask(&mut stream, &order, &interrupted);
    drop(stream);
    worker.kill();
    worker.wait()?;
    printed
}

fn place(pod: Option<&str>) -> anyhow::Result<Place> {
    let node = Node::open(Path::new("/proc")).context("open /proc/1/ns/net")?;
    match pod {
        None => node.place().map_err(|refused| said(refused.errno).context("look at the node")),
        Some(uid) => node.place_of_pod(&[uid.to_owned()]).map_err(|refused| {
            if refused.errno == 0 {
                return anyhow!("no process of pod {uid} on this node");
            }
            said(refused.errno).context(format!("look for pod {uid}"))
        }),
    }
}

fn order(probe: ProbeOrder, is_node: bool) -> WorkerOrder {
    WorkerOrder {
        deadline_ms: None,
        deadline_is_limit: false,
        // Root on the node may do all of this without us.
        may_metadata: true,
        may_loopback: true,
        is_node,
        probe,
    }
}

fn ask(stream: &mut UnixStream, order: &WorkerOrder, interrupted: &SignalFd) -> anyhow::Result<()> {
    let mut frame = [0; ANSWER_BYTES];
    stream.read_exact(&mut frame).context("hear from the worker")?;
    match Answer::decode(&frame)? {
        Answer::Started { .. } => {}
        Answer::Refused { errno, .. } => return Err(said(errno).context("enter the namespace")),
        Answer::SelfTest { .. } => bail!("the worker ran its self-test"),
    }
    let mut line = serde_json::to_vec(order)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    match serde_json::from_str(&print_lines(stream, interrupted)?) {
        Ok(Last::End) => Ok(()),
        Ok(Last::Error { error }) => bail!("{}", error.message),
        Err(_) => bail!("the worker ended without an end line"),
    }
}

/// The last line of any probe.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "camelCase")]
enum Last {
    End,
    Error { error: ErrorBody },
}

/// Copies lines to stdout and returns the last; on Ctrl-C it asks the worker for its report.
fn print_lines(stream: &UnixStream, interrupted: &SignalFd) -> anyhow::Result<String> {
    let (mut reader, mut last) = (BufReader::new(stream), String::new());
    loop {
        let mut watched = [stream.as_fd(), interrupted.as_fd()]
            .map(|descriptor| PollFd::from_borrowed_fd(descriptor, PollFlags::IN));
        if reader.buffer().is_empty() {
            poll(&mut watched, None).context("wait for events")?;
        }
        if matches!(interrupted.read_signal(), Ok(Some(_))) {
            stream.shutdown(Shutdown::Write)?;
        }
        if reader.buffer().is_empty() && watched[0].revents().is_empty() {
            continue;
        }
        let mut line = String::new();
        if reader.read_line(&mut line).context("read events")? == 0 {
            return Ok(last);
        }
        io::stdout().write_all(line.as_bytes()).context("print events")?;
        last = line;
    }
}

fn said(errno: i32) -> anyhow::Error {
    Errno::from_raw_os_error(errno).into()
}
