//! How long a worker takes to start, printed: on an idle node, and (L8) on a full one.

use std::{
    net::{IpAddr, Ipv4Addr},
    process::Child,
    time::{Duration, Instant},
};

use netdiag_agent::ipc::Order;

use crate::{
    client::{Broker, pod_order},
    node::{Pod, on_a_node, sleeper, wait_for},
};

const POD: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 244, 1, 7));

/// From the order to a worker that is in the namespace.
fn starts(broker: &Broker, order: &Order, times: usize) -> Vec<Duration> {
    let once = || {
        let before = Instant::now();
        let worker = broker.order(order).unwrap();
        let took = before.elapsed();
        drop(worker);
        wait_for("the worker's end", || broker.children().is_empty().then_some(()));
        took
    };
    let mut took: Vec<Duration> = (0..times).map(|_| once()).collect();
    took.sort();
    took
}

#[expect(clippy::print_stdout, reason = "a measurement is for whoever reads the test's output")]
fn print(what: &str, took: &[Duration]) {
    let (median, p99) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    println!("speed: {what}: median {median:?}, p99 {p99:?} of {}", took.len());
}

#[test]
fn a_worker_starts_in_milliseconds() {
    on_a_node(|| {
        let broker = Broker::start();
        let pod = Pod::start(1, &[POD]);
        let took = starts(&broker, &pod_order(&pod, &[POD]), 100);
        print("worker start", &took);
        assert!(took[50] < Duration::from_secs(1), "{:?}", took[50]);
    });
}

#[test]
fn a_full_node_does_not_hide_a_pod() {
    const PODS: u16 = 300;
    const PROCESSES: usize = 5_000;
    on_a_node(|| {
        let broker = Broker::start();
        let pods: Vec<Pod> = (2..=PODS).map(|number| Pod::of(number, sleeper())).collect();
        let pod = Pod::start(1, &[POD]);
        let mut others: Vec<Child> = (pods.len()..PROCESSES).map(|_| sleeper()).collect();
        let took = starts(&broker, &pod_order(&pod, &[POD]), 50);
        print("worker start among 300 pods and 5,000 processes", &took);
        assert!(took[25] < Duration::from_secs(5), "{:?}", took[25]);
        for other in &mut others {
            other.kill().unwrap();
            other.wait().unwrap();
        }
    });
}
