//! What front would be: orders to a real broker, and a worker's lines.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::IpAddr,
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command},
    time::Duration,
};

use netdiag_agent::ipc::{self, ANSWER_BYTES, Answer, Order, ProbeOrder, Refusal, WorkerOrder};
use netdiag_wire::{
    Event, Line,
    ping::{PingEvent, PingRequest},
};

use serde::de::DeserializeOwned;

use crate::node::{Pod, wait_for};

/// The real binary.
pub(crate) const AGENT: &str = env!("CARGO_BIN_EXE_netdiag-agent");

pub(crate) struct Broker {
    pub(crate) process: Child,
    socket: PathBuf,
    _directory: tempfile::TempDir,
}

impl Broker {
    /// Serves this test as front.
    pub(crate) fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the test starts the binary under test")]
        Self::started_by(Command::new(AGENT), 0)
    }

    /// `command` ends in the binary; its own arguments are added.
    pub(crate) fn started_by(mut command: Command, front_uid: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("broker.sock");
        command.arg("broker").arg("--socket").arg(&socket);
        let process = command.args(["--front-uid", &front_uid.to_string()]).spawn().unwrap();
        let broker = Self { process, socket, _directory: directory };
        wait_for("broker's socket", || UnixStream::connect(&broker.socket).ok());
        broker
    }

    pub(crate) fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    pub(crate) fn order(&self, order: &Order) -> Result<Worker, Answer> {
        let lifeline = self.connect();
        ipc::send(&lifeline, &order.encode().unwrap(), &[]).unwrap();
        let mut frame = [0; ANSWER_BYTES];
        let (read, mut descriptors) = ipc::receive(&lifeline, &mut frame).unwrap();
        assert_eq!(read, ANSWER_BYTES, "broker closed without an answer");
        let answer = Answer::decode(&frame).unwrap();
        let Answer::Started { netns, is_node } = answer else { return Err(answer) };
        let stream = UnixStream::from(descriptors.pop().expect("the worker's stream"));
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Ok(Worker { lifeline, stream, netns, is_node })
    }

    #[track_caller]
    pub(crate) fn refusal(&self, order: &Order) -> (Refusal, i32) {
        match self.order(order) {
            Err(Answer::Refused { refusal, errno }) => (refusal, errno),
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("{order:?} was obeyed"),
        }
    }

    /// Its workers that live or are not reaped.
    pub(crate) fn children(&self) -> Vec<i32> {
        let pid = self.process.id();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        children.unwrap_or_default().split_whitespace().map(|pid| pid.parse().unwrap()).collect()
    }

    pub(crate) fn only_child(&self) -> i32 {
        wait_for("one worker", || <[i32; 1]>::try_from(self.children()).ok())[0]
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) struct Worker {
    pub(crate) lifeline: UnixStream,
    pub(crate) stream: UnixStream,
    pub(crate) netns: u64,
    pub(crate) is_node: bool,
}

impl Worker {
    pub(crate) fn send(&self, order: &WorkerOrder) -> BufReader<&UnixStream> {
        let mut line = serde_json::to_vec(order).unwrap();
        line.push(b'\n');
        (&self.stream).write_all(&line).unwrap();
        BufReader::new(&self.stream)
    }

    /// Every event to the end of the stream.
    pub(crate) fn events(&self, order: &WorkerOrder) -> Vec<Event<PingEvent>> {
        self.events_of(order)
    }

    /// Likewise, of any probe.
    pub(crate) fn events_of<E: DeserializeOwned>(&self, order: &WorkerOrder) -> Vec<Event<E>> {
        let mut lines = String::new();
        self.send(order).read_to_string(&mut lines).unwrap();
        lines.lines().map(event).collect()
    }
}

pub(crate) fn event<E: DeserializeOwned>(line: &str) -> Event<E> {
    serde_json::from_str::<Line<E>>(line).expect(line).event
}

/// The next event that `wanted` picks.
pub(crate) fn next<T>(
    lines: &mut impl BufRead,
    wanted: impl Fn(Event<PingEvent>) -> Option<T>,
) -> T {
    loop {
        let mut line = String::new();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the stream ended");
        if let Some(found) = wanted(event(&line)) {
            return found;
        }
    }
}

pub(crate) fn pod_order(pod: &Pod, addresses: &[IpAddr]) -> Order {
    Order::Pod {
        uid: pod.uid.clone(),
        namespace: "shop".into(),
        name: "foo".into(),
        addresses: addresses.to_vec(),
        is_static: false,
    }
}

/// As front asks it for a caller with every right.
pub(crate) fn ping(host: impl Into<String>, count: Option<u32>) -> WorkerOrder {
    let mut request = PingRequest::to(host);
    request.count = count.and_then(|count| count.try_into().ok());
    request.interval_us = 20_000;
    WorkerOrder {
        deadline_ms: None,
        deadline_is_limit: false,
        may_metadata: true,
        may_loopback: true,
        is_node: false,
        probe: ProbeOrder::Ping(request),
    }
}
