//! What the engine needs once it runs: no capability, no file, no Unix socket, no thread.

use std::collections::BTreeMap;

use netdiag_probe::Probe;
use netdiag_wire::{
    ping::{PingRequest, PingTarget},
    trace::{TraceProtocol, TraceRequest},
};
use nix::libc;
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, SeccompCondition,
    SeccompFilter, SeccompRule, apply_filter,
};

use crate::{
    lab::{Lab, ROUTER, SERVER, SERVER6, drive_in, request, runtime},
    names::{files, serve},
    trace,
};

#[test]
fn names_and_addresses_are_pinged_from_within_a_sandbox() {
    let lab = Lab::new();
    serve(&lab.router);
    let hosts = ["web", SERVER, SERVER6];
    let targets = hosts.map(|host| PingTarget { host: host.into() }).into();
    let request = PingRequest { targets, ..request("", 2) };
    let pinged = lab.client.enter(|| {
        let sockets = request.open().unwrap();
        let runtime = runtime();
        close();
        drive_in(&runtime, &request, sockets, &files("")).unwrap()
    });
    let replied: Vec<_> = pinged.reports.iter().map(|report| report.replied).collect();
    assert_eq!(replied, [2, 2, 2], "{pinged:#?}");
}

/// For this thread, which ends with the test.
pub(crate) fn close() {
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, sets).unwrap();
    apply_filter(&program()).unwrap();
    assert!(std::fs::File::open("/etc/resolv.conf").is_err(), "the sandbox holds");
}

#[test]
fn a_path_is_traced_from_within_a_sandbox() {
    for protocol in [TraceProtocol::Udp, TraceProtocol::Tcp, TraceProtocol::Icmp] {
        let lab = Lab::new();
        serve(&lab.router);
        let request = TraceRequest::to("web", protocol);
        let traced = lab.client.enter(|| {
            let sockets = request.open().unwrap();
            let runtime = runtime();
            close();
            trace::drive(&runtime, &request, sockets, &files(""))
        });
        assert_eq!(traced.path(), [ROUTER, SERVER], "{traced:#?}");
        let interface = traced.report.interface.unwrap();
        assert_eq!((interface.name.to_string(), interface.mtu), ("eth0".into(), 1500));
    }
}

fn program() -> BpfProgram {
    let always = [
        libc::SYS_openat,
        libc::SYS_openat2,
        libc::SYS_execve,
        libc::SYS_clone,
        libc::SYS_clone3,
        libc::SYS_socketpair,
        libc::SYS_capset,
    ];
    let mut rules: BTreeMap<_, _> = always.map(|call| (call, Vec::new())).into();
    let families = [libc::AF_UNIX, libc::AF_NETLINK, libc::AF_PACKET];
    let of = |family: i32| SeccompCondition::new(0, Dword, Eq, family as u64).unwrap();
    let sockets = families.map(|family| SeccompRule::new(vec![of(family)]).unwrap());
    rules.insert(libc::SYS_socket, sockets.into());
    let denied = SeccompAction::Errno(libc::EPERM as u32);
    let arch = std::env::consts::ARCH.try_into().unwrap();
    SeccompFilter::new(rules, SeccompAction::Allow, denied, arch).unwrap().try_into().unwrap()
}
