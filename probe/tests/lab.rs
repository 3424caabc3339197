//! A line of three network namespaces, client - router - server, made for one test and gone with
//! it. Needs root.

use std::{
    fs::{self, File},
    os::fd::AsRawFd,
    process::{Command, Output},
    thread,
};

use netdiag_probe::{Probe, ProbeError, names::ResolverFiles, ping};
use netdiag_wire::{
    EndReason,
    ping::{PingEvent, PingFold, PingReport, PingRequest},
};
use nix::sched::CloneFlags;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

pub(crate) const SERVER: &str = "10.9.2.2";
pub(crate) const SERVER6: &str = "fd09:2::2";
pub(crate) const ROUTER: &str = "10.9.1.1";
pub(crate) const CLIENT: &str = "10.9.1.2";

pub(crate) struct Lab {
    pub(crate) client: Netns,
    pub(crate) router: Netns,
    pub(crate) server: Netns,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let lab = Self { client: Netns::new(), router: Netns::new(), server: Netns::new() };
        lab.router.veth("left", &lab.client);
        lab.router.veth("right", &lab.server);
        lab.router.ip("addr add 10.9.1.1/24 dev left");
        lab.router.ip("addr add 10.9.2.1/24 dev right");
        lab.router.ip("addr add fd09:1::1/64 dev left nodad");
        lab.router.ip("addr add fd09:2::1/64 dev right nodad");
        lab.router.sysctl("ipv4/ip_forward", "1");
        lab.router.sysctl("ipv6/conf/all/forwarding", "1");
        for (end, net) in [(&lab.client, 1), (&lab.server, 2)] {
            end.ip(&format!("addr add 10.9.{net}.2/24 dev eth0"));
            end.ip(&format!("addr add fd09:{net}::2/64 dev eth0 nodad"));
            end.ip(&format!("route add default via 10.9.{net}.1"));
            end.ip(&format!("route add default via fd09:{net}::1"));
        }
        lab
    }
}

/// One network namespace; it lives as long as this value.
pub(crate) struct Netns(File);

impl Netns {
    pub(crate) fn new() -> Self {
        let made = thread::spawn(|| {
            #[expect(clippy::disallowed_methods, reason = "a namespace of the test's own")]
            nix::sched::unshare(CloneFlags::CLONE_NEWNET).expect("root, to make a namespace");
            File::open("/proc/thread-self/ns/net").unwrap()
        });
        let namespace = Self(made.join().unwrap());
        namespace.ip("link set lo up");
        // A link-local address would be of no use for the first two seconds.
        namespace.sysctl("ipv6/conf/default/accept_dad", "0");
        namespace
    }

    /// Runs in a fresh thread, which is in the namespace and ends with the call.
    pub(crate) fn enter<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let entered = scope.spawn(|| {
                #[expect(clippy::disallowed_methods, reason = "a namespace of the test's own")]
                nix::sched::setns(&self.0, CloneFlags::CLONE_NEWNET).unwrap();
                act()
            });
            entered.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    pub(crate) fn output(&self, program: &str, arguments: &[&str]) -> Output {
        self.enter(|| {
            #[expect(clippy::disallowed_methods, reason = "ip and nft build the lab")]
            Command::new(program).args(arguments).output().unwrap()
        })
    }

    pub(crate) fn ip(&self, arguments: &str) {
        self.must("ip", arguments);
    }

    pub(crate) fn nft(&self, rule: &str) {
        self.must("nft", rule);
    }

    /// Applies the rule to every packet that comes in.
    pub(crate) fn filter(&self, rule: &str) {
        self.nft("add table inet t");
        self.nft("add chain inet t input { type filter hook input priority 0; }");
        self.nft(&format!("add rule inet t input {rule}"));
    }

    /// Runs it with its arguments, none of which has a blank in it.
    pub(crate) fn must(&self, program: &str, arguments: &str) {
        let output = self.output(program, &arguments.split(' ').collect::<Vec<_>>());
        assert!(output.status.success(), "{program} {arguments}: {output:?}");
    }

    pub(crate) fn sysctl(&self, name: &str, value: &str) {
        self.enter(|| fs::write(format!("/proc/sys/net/{name}"), value).unwrap());
    }

    pub(crate) fn veth(&self, name: &str, peer: &Netns) {
        self.link(name, peer, "eth0");
    }

    /// A cable between two namespaces, with a name at each end.
    pub(crate) fn link(&self, name: &str, peer: &Netns, name_there: &str) {
        let path = format!("/proc/{}/fd/{}", std::process::id(), peer.0.as_raw_fd());
        self.ip(&format!("link add {name} type veth peer name {name_there} netns {path}"));
        self.ip(&format!("link set {name} up"));
        peer.ip(&format!("link set {name_there} up"));
    }

    /// Runs the engine to its end.
    pub(crate) fn ping(&self, request: &PingRequest) -> Result<Pinged, ProbeError> {
        self.enter(|| {
            let sockets = request.open()?;
            drive(request, sockets, &ResolverFiles::default())
        })
    }
}

/// Runs the engine to its end in this thread's namespace.
pub(crate) fn drive(
    request: &PingRequest,
    sockets: ping::PingSockets,
    files: &ResolverFiles,
) -> Result<Pinged, ProbeError> {
    drive_in(&runtime(), request, sockets, files)
}

pub(crate) fn drive_in(
    runtime: &Runtime,
    request: &PingRequest,
    sockets: ping::PingSockets,
    files: &ResolverFiles,
) -> Result<Pinged, ProbeError> {
    let mut fold = PingFold::new(request);
    let mut events = Vec::new();
    let mut emit = |event: PingEvent| {
        fold.push(&event);
        events.push(event);
    };
    let stop = CancellationToken::new();
    runtime.block_on(request.run(sockets, files, &|_| Ok(()), &mut emit, stop))?;
    Ok(Pinged { reports: fold.reports(Some(EndReason::Completed), None), events })
}

/// As the agent's worker has it.
pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[derive(Debug)]
pub(crate) struct Pinged {
    pub(crate) events: Vec<PingEvent>,
    pub(crate) reports: Vec<PingReport>,
}

impl Pinged {
    /// Of the only target.
    pub(crate) fn report(&self) -> &PingReport {
        assert_eq!(self.reports.len(), 1);
        &self.reports[0]
    }
}

/// `count` requests, 20 ms apart, each waited for 300 ms.
pub(crate) fn request(host: &str, count: u32) -> PingRequest {
    let mut request = PingRequest::to(host);
    request.count = count.try_into().ok();
    request.interval_us = 20_000;
    request.wait_us = 300_000;
    request
}
