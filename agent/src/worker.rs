//! One probe in one namespace, in a process of its own: enter, open, drop, sandbox, run.
//!
//! stdin is the namespace, stdout the stream: broker's order with its descriptors comes first on
//! it, then front's. Until everything is dropped, nothing is parsed that a pod or a network wrote.

use std::{
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    process::ExitCode,
};

use rustix::{io::Errno, process::Pid};

mod api_connection;
mod connect;
mod connect_stream;
mod destination;
mod dns;
mod drop;
mod enter;
mod facts;
pub mod files;
mod http;
mod lines;
mod listen;
mod local_routes;
mod open;
mod ping;
mod probe;
mod run;
mod sandbox;
mod scan;
mod sockets;
mod stream;
mod tls;
mod trace;

use crate::ipc::{self, Answer, ORDER_BYTES, Order, Refusal};
use probe::Means;

/// What a worker is when it meets the network.
pub const UID: u32 = 65533;

/// Seconds until front's order is there; front may have to ask the API server first.
const ORDER_SECONDS: u32 = 30;

#[derive(clap::Args)]
pub struct Args {}

/// What broker hands over.
struct Assignment {
    stream: UnixStream,
    order: Order,
    /// `/proc/PID` of a process of the source.
    dir: OwnedFd,
    /// Readable when the source has ended.
    source: Option<OwnedFd>,
    /// Who dies first must take this process along.
    parent: Option<Pid>,
}

/// To the end of the one probe. Everything there is to say goes over the stream.
pub fn run(_args: Args) -> ExitCode {
    match receive_assignment().and_then(work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            tracing_subscriber::fmt().json().with_writer(io::stderr).init();
            tracing::error!(%cause, "worker");
            ExitCode::FAILURE
        }
    }
}

fn receive_assignment() -> io::Result<Assignment> {
    nix::unistd::alarm::set(ORDER_SECONDS);
    let parent = rustix::process::getppid();
    let stream = UnixStream::from(io::stdout().as_fd().try_clone_to_owned()?);
    let mut frame = [0; ORDER_BYTES];
    let (read, descriptors) = ipc::receive(&stream, &mut frame)?;
    let order = Order::decode(&frame).map_err(io::Error::other)?;
    let mut descriptors = descriptors.into_iter();
    match (read, descriptors.next()) {
        (ORDER_BYTES, Some(dir)) => {
            Ok(Assignment { stream, order, dir, source: descriptors.next(), parent })
        }
        _ => Err(Errno::PROTO.into()),
    }
}

fn work(assignment: Assignment) -> io::Result<()> {
    let netns = match enter::enter(&assignment) {
        Ok(netns) => netns,
        Err((refusal, errno)) => return answer(&assignment, &refused(refusal, errno)),
    };
    match &assignment.order {
        Order::SelfTest => {
            drop::everything(assignment.parent, Means::FEW)?;
            let (problems, errno) = sandbox::close(false).findings();
            answer(&assignment, &Answer::SelfTest { problems, errno })
        }
        Order::Connect(addresses) => {
            answer(&assignment, &started(netns))?;
            drop::everything(assignment.parent, Means::FEW)?;
            api_connection::run(&assignment.stream, addresses)
        }
        Order::Pod { .. } | Order::Node => {
            answer(&assignment, &started(netns))?;
            run::probe(assignment)
        }
    }
}

/// broker knows better whether it is the node's.
fn started(netns: u64) -> Answer {
    Answer::Started { netns, is_node: false }
}

fn refused(refusal: Refusal, errno: Errno) -> Answer {
    Answer::Refused { refusal, errno: errno.raw_os_error() }
}

fn answer(assignment: &Assignment, answer: &Answer) -> io::Result<()> {
    Ok(ipc::send(&assignment.stream, &answer.encode(), &[])?)
}
