//! From pod to network namespace: T6, T8, T9 and static pods.

use std::net::{IpAddr, Ipv4Addr};

use netdiag_agent::ipc::{Order, Refusal};
use netdiag_wire::{EndReason, Event, ping::PingEvent};

use crate::{
    client::{Broker, ping, pod_order},
    node::{Cgroup, Pod, in_new_netns, netns_of, on_a_node, run, sleeper},
};

const POD: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 244, 1, 7));
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 244, 1, 8));

#[test]
fn a_pod_is_probed_from_its_own_namespace() {
    on_a_node(|| {
        let broker = Broker::start();
        let pod = Pod::start(1, &[POD]);
        let _other = Pod::start(2, &[OTHER]);
        let worker = broker.order(&pod_order(&pod, &[POD])).unwrap();
        assert_eq!((worker.netns, worker.is_node), (pod.netns, false));

        let events = worker.events(&ping(POD.to_string(), Some(2)));

        let replies =
            events.iter().filter(|e| matches!(e, Event::Probe(PingEvent::Replied { .. })));
        assert_eq!(replies.count(), 2, "{events:#?}");
        assert!(
            matches!(&events[0], Event::Probe(PingEvent::Started { source, .. }) if *source == POD),
            "{events:#?}"
        );
        assert_eq!(events.last(), Some(&Event::End { reason: EndReason::Completed }));
    });
}

#[test]
fn t6_host_network_is_recognised() {
    on_a_node(|| {
        run("ip address add 192.0.2.10 dev lo");
        let broker = Broker::start();
        let node_address: IpAddr = [192, 0, 2, 10].into();

        let host_network = Pod::of(1, sleeper());
        let worker = broker.order(&pod_order(&host_network, &[node_address])).unwrap();
        assert_eq!((worker.netns, worker.is_node), (netns_of(std::process::id()), true));

        // CRI-O's monitor: in the pod's cgroup, in the node's namespace, before all others.
        let monitored = "00000000-0000-4000-8000-000000000002";
        let mut monitor = sleeper();
        let cgroup = Cgroup::new(&format!("kubepods/besteffort/pod{monitored}/crio-conmon-4f5e"));
        cgroup.add(monitor.id());
        let pod = Pod::start(2, &[POD]);
        assert_eq!(pod.uid, monitored);
        let worker = broker.order(&pod_order(&pod, &[POD])).unwrap();
        assert_eq!((worker.netns, worker.is_node), (pod.netns, false));
        monitor.kill().unwrap();
        monitor.wait().unwrap();
    });
}

#[test]
fn t9_what_a_pod_makes_for_itself_is_not_its_network() {
    on_a_node(|| {
        let broker = Broker::start();
        let pod = Pod::start(1, &[POD]);
        let mut unshared = in_new_netns(|| {
            run(&format!("ip address add {POD} dev lo"));
            sleeper()
        });
        pod.adopt(&unshared);
        let worker = broker.order(&pod_order(&pod, &[POD])).unwrap();
        assert_eq!(worker.netns, pod.netns, "the pod's first process counts");
        unshared.kill().unwrap();
        unshared.wait().unwrap();
    });
}

#[test]
fn t9_a_namespace_without_the_pods_address_is_refused() {
    on_a_node(|| {
        let broker = Broker::start();
        // As gVisor leaves it: the addresses live elsewhere.
        let empty = Pod::start(1, &[]);
        let (refusal, _) = broker.refusal(&pod_order(&empty, &[POD]));
        assert_eq!(refusal, Refusal::ForeignNamespace);
        let other = Pod::start(2, &[OTHER]);
        let (refusal, _) = broker.refusal(&pod_order(&other, &[POD]));
        assert_eq!(refusal, Refusal::ForeignNamespace);
        assert!(broker.order(&pod_order(&other, &[POD, OTHER])).is_ok(), "one of them is enough");
    });
}

#[test]
fn a_pod_without_a_process_is_refused() {
    on_a_node(|| {
        let broker = Broker::start();
        let mut pod = Pod::start(1, &[POD]);
        let order = pod_order(&pod, &[POD]);
        drop(broker.order(&order).unwrap());
        pod.end();
        assert_eq!(broker.refusal(&order), (Refusal::NoProcess, 0));
    });
}

#[test]
fn a_static_pod_is_found_by_the_kubelets_own_names() {
    on_a_node(|| {
        run("mount -t tmpfs tmpfs /var/log");
        let broker = Broker::start();
        let pod = Pod::start(1, &[POD]);
        let Order::Pod { namespace, name, addresses, .. } = pod_order(&pod, &[POD]) else {
            unreachable!()
        };
        // What the API's mirror pod says of itself is not asked.
        let uid = "ffffffff-0000-4000-8000-000000000009".to_owned();
        let order = Order::Pod { uid, namespace, name, addresses, is_static: true };
        assert_eq!(broker.refusal(&order).0, Refusal::NoProcess);
        run(&format!("mkdir -p /var/log/pods/shop_foo2_{}", pod.uid));
        assert_eq!(broker.refusal(&order).0, Refusal::NoProcess);
        run(&format!("mkdir -p /var/log/pods/shop_foo_{}", pod.uid));
        assert_eq!(broker.order(&order).unwrap().netns, pod.netns);
    });
}
