//! Who ends a worker, and that nothing outlives its reason.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr},
    os::unix::net::UnixStream,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use netdiag_agent::ipc::{self, Order, Refusal};
use netdiag_wire::{EndReason, Event, ping::PingEvent};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    client::{AGENT, Broker, Worker, next, ping, pod_order},
    node::{Pod, on_a_node, wait_for},
};

const POD: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 244, 1, 7));

fn first_reply(worker: &Worker) {
    let mut lines = worker.send(&ping(POD.to_string(), None));
    next(&mut lines, |event| {
        matches!(event, Event::Probe(PingEvent::Replied { .. })).then_some(())
    });
}

fn is_gone(pid: i32) -> Option<()> {
    (!Path::new(&format!("/proc/{pid}")).exists()).then_some(())
}

#[test]
fn front_hanging_up_ends_the_worker() {
    on_a_node(|| {
        let broker = Broker::start();
        let pod = Pod::start(1, &[POD]);
        let worker = broker.order(&pod_order(&pod, &[POD])).unwrap();
        first_reply(&worker);
        let pid = broker.only_child();
        let Worker { lifeline, stream, .. } = worker;
        let before = Instant::now();
        drop(lifeline);
        wait_for("the worker's end", || is_gone(pid));
        assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
        drop(stream);

        let worker = broker.order(&pod_order(&pod, &[POD])).unwrap();
        first_reply(&worker);
        let pid = broker.only_child();
        let Worker { lifeline, stream, .. } = worker;
        drop(stream);
        wait_for("the worker's end by its stream", || is_gone(pid));
        assert_eq!((&lifeline).read(&mut [0]).unwrap(), 0, "broker closes what has ended");
    });
}

#[test]
fn no_worker_outlives_broker() {
    on_a_node(|| {
        let mut broker = Broker::start();
        let pod = Pod::start(1, &[POD]);
        let worker = broker.order(&pod_order(&pod, &[POD])).unwrap();
        first_reply(&worker);
        let pid = broker.only_child();
        broker.process.kill().unwrap();
        broker.process.wait().unwrap();
        // As PID 1 this test is its new parent, so what is left of it is a zombie at most.
        wait_for("the worker's end", || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            (status.is_empty() || status.contains("State:\tZ")).then_some(())
        });
    });
}

#[test]
fn a_pod_that_ends_ends_its_probe_with_a_report() {
    on_a_node(|| {
        let broker = Broker::start();
        let mut pod = Pod::start(1, &[POD]);
        let worker = broker.order(&pod_order(&pod, &[POD])).unwrap();
        first_reply(&worker);
        pod.end();
        let reason = next(&mut std::io::BufReader::new(&worker.stream), |event| match event {
            Event::End { reason } => Some(reason),
            _ => None,
        });
        assert_eq!(reason, EndReason::SourceGone);
    });
}

#[test]
fn a_deadline_ends_a_probe_and_says_whose_it_was() {
    on_a_node(|| {
        let broker = Broker::start();
        let pod = Pod::start(1, &[POD]);
        for (is_limit, reason) in [(false, EndReason::Deadline), (true, EndReason::Limit)] {
            let worker = broker.order(&pod_order(&pod, &[POD])).unwrap();
            let mut order = ping(POD.to_string(), None);
            (order.deadline_ms, order.deadline_is_limit) = (Some(200), is_limit);
            let before = Instant::now();
            let events = worker.events(&order);
            assert_eq!(events.last(), Some(&Event::End { reason }));
            let took = before.elapsed();
            assert!(took >= Duration::from_millis(190), "{took:?}");
            assert!(took < Duration::from_secs(3), "{took:?}");
        }
    });
}

#[test]
fn workers_are_bounded_and_the_bound_recovers() {
    const MAX: usize = 64;
    on_a_node(|| {
        let broker = Broker::start();
        let pod = Pod::start(1, &[POD]);
        let order = pod_order(&pod, &[POD]);
        let mut workers: Vec<Worker> = (0..MAX).map(|_| broker.order(&order).unwrap()).collect();
        assert_eq!(broker.refusal(&order), (Refusal::Busy, 0));
        workers.pop();
        wait_for("a free place", || (broker.children().len() < MAX).then_some(()));
        assert!(broker.order(&order).is_ok());
        drop(workers);
        wait_for("all workers' end", || broker.children().is_empty().then_some(()));
    });
}

#[test]
fn a_terminated_broker_waits_for_its_workers() {
    on_a_node(|| {
        let mut broker = Broker::start();
        let pod = Pod::start(1, &[POD]);
        let worker = broker.order(&pod_order(&pod, &[POD])).unwrap();
        kill(Pid::from_raw(broker.process.id() as i32), Signal::SIGTERM).unwrap();
        first_reply(&worker);
        assert!(broker.process.try_wait().unwrap().is_none(), "front still holds a worker");
        drop(worker);
        let status = wait_for("broker's end", || broker.process.try_wait().unwrap());
        assert!(status.success(), "{status}");
    });
}

#[test]
fn only_front_may_connect() {
    on_a_node(|| {
        #[expect(clippy::disallowed_methods, reason = "the test starts the binary under test")]
        let broker = Broker::started_by(Command::new(AGENT), 65532);
        let mut connection = broker.connect();
        // It is closed at once; the order may or may not be written before.
        let _ = ipc::send(&connection, &Order::SelfTest.encode().unwrap(), &[]);
        let mut answer = Vec::new();
        let read = connection.read_to_end(&mut answer);
        assert!(read.is_err() || answer.is_empty(), "{answer:?}");
    });
}

#[test]
fn hostile_front_gets_no_worker_and_holds_nobody_up() {
    on_a_node(|| {
        let broker = Broker::start();
        let mut slow: Vec<UnixStream> = (0..20).map(|_| broker.connect()).collect();
        for stream in &mut slow {
            stream.write_all(&[b'n'; 100]).unwrap();
        }
        let before = Instant::now();
        let worker = broker.order(&Order::Node).unwrap();
        assert!(before.elapsed() < Duration::from_secs(5), "nobody waits for the slow ones");
        drop(worker);
        for stream in &mut slow {
            assert_eq!(stream.read(&mut [0]).unwrap(), 0, "closed after a second");
        }
        for hostile in [[0; 1024], [0xff; 1024], [b'n'; 1024], [b'p'; 1024]] {
            let connection = broker.connect();
            ipc::send(&connection, &hostile, &[]).unwrap();
            let mut frame = [0; ipc::ANSWER_BYTES];
            (&connection).read_exact(&mut frame).unwrap();
            let refused = ipc::Answer::Refused { refusal: Refusal::BadFrame, errno: 0 };
            assert_eq!(ipc::Answer::decode(&frame), Ok(refused));
        }
        wait_for("no worker left", || broker.children().is_empty().then_some(()));
    });
}
