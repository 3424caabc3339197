//! A Service `shop/svc/checkout` with two endpoints that answer, for tests to break.

use std::collections::BTreeMap;

use netdiag_wire::{
    IcmpError, IcmpMeaning,
    connect::{ConnectAttempt, ConnectOutcome},
    ping::{PingReport, RttUs},
};

use super::{ServiceCase, Tally};
use crate::{
    finding::{Code, Finding, Object, Peer, PeerKind},
    plan::{DeclaredPort, PortProtocol},
    render::{PodFacts, ReadyBy},
    service::{
        Answers, Carrier, Closer, Door, DoorKind, Endpoint, Measured, Plan, PodName, PodSeen,
        ServiceKind, ServicePort, ServiceSpec,
    },
};

const ROUNDS: usize = 3;

pub(crate) struct Scene {
    pub(crate) spec: ServiceSpec,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) from: Peer,
    pub(crate) carrier: Carrier,
    pub(crate) measured: Measured,
    pub(crate) closer: Closer,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let object = Object {
            kind: "Service".into(),
            namespace: Some("shop".into()),
            name: "checkout".into(),
            resource_version: "91822".into(),
        };
        let address = [10, 96, 14, 7].into();
        let spec = ServiceSpec {
            peer: Peer {
                kind: PeerKind::Service,
                namespace: Some("shop".into()),
                name: "checkout".into(),
                address: Some(address),
                words: vec!["ClusterIP".into()],
                ..Peer::default()
            },
            kind: ServiceKind::Addresses(vec![address]),
            selector: BTreeMap::from([("app".into(), "checkout".into())]),
            ports: vec![ServicePort {
                declared: DeclaredPort {
                    name: Some("http".into()),
                    number: 80,
                    protocol: PortProtocol::Tcp,
                },
                target: "8080".into(),
                node_port: None,
            }],
            is_internal_local: false,
            publishes_not_ready: false,
            is_external_local: false,
            doors: Vec::new(),
            object,
        };
        let endpoints = vec![endpoint("checkout-a", 1), endpoint("checkout-b", 2)];
        let from = Peer {
            kind: PeerKind::Pod,
            namespace: Some("shop".into()),
            name: "web".into(),
            node: Some("node-1".into()),
            address: Some([10, 244, 1, 23].into()),
            ..Peer::default()
        };
        let well = || Tally(vec![attempt("connected"); ROUNDS]);
        let measured = Measured {
            echoes: vec![echo(); 2],
            routers: vec![Some(2); 2],
            ports: vec![Answers {
                through: Tally(vec![attempt("connected"); 2 * ROUNDS]),
                doors: Vec::new(),
                endpoints: vec![well(), well()],
            }],
            no_echo: None,
        };
        let closer = Closer { pods: Some(Vec::new()), ..Closer::default() };
        let mut scene =
            Self { spec, endpoints, from, carrier: Carrier::default(), measured, closer };
        scene.pod("checkout-a");
        scene.pod("checkout-b");
        scene
    }

    pub(crate) fn without_endpoints(mut self) -> Self {
        self.endpoints.clear();
        self.measured.echoes.clear();
        self.measured.ports[0].endpoints.clear();
        self.closer.pods = Some(Vec::new());
        self.through(0, "rejected");
        self
    }

    pub(crate) fn select(&mut self, labels: &[(&str, &str)]) {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        self.spec.selector = labels.iter().map(owned).collect();
    }

    pub(crate) fn target_port(&mut self, name: &str) {
        self.spec.ports[0].target = name.into();
    }

    /// The pod of this name, made where there is none yet.
    pub(crate) fn pod(&mut self, name: &str) -> &mut PodSeen {
        let pods = self.closer.pods.get_or_insert_default();
        let at = pods.iter().position(|pod| pod.facts.name == name).unwrap_or_else(|| {
            pods.push(pod(name));
            pods.len() - 1
        });
        &mut pods[at]
    }

    /// As many attempts as each endpoint gets, with one outcome.
    pub(crate) fn tally(&self, outcome: &str) -> Tally {
        Tally(vec![attempt(outcome); ROUNDS])
    }

    /// All answers of an endpoint.
    pub(crate) fn endpoint(&mut self, at: usize, outcome: &str) {
        self.measured.ports[0].endpoints[at] = Tally(vec![attempt(outcome); ROUNDS]);
    }

    /// The last of its answers.
    pub(crate) fn some_of(&mut self, at: usize, outcome: &str) {
        self.measured.ports[0].endpoints[at].0[ROUNDS - 1] = attempt(outcome);
    }

    /// Node ports of two nodes, with so many endpoints each.
    pub(crate) fn node_ports(&mut self, local: [usize; 2], outcomes: [&str; 2]) {
        self.spec.ports[0].node_port = Some(30_080);
        for (at, (local, outcome)) in local.into_iter().zip(outcomes).enumerate() {
            let number = at as u8 + 1;
            let node = format!("node-{number}");
            let kind = DoorKind::NodePort { node, local };
            self.spec.doors.push(Door { address: [10, 89, 0, number].into(), kind });
            let tally = self.tally(outcome);
            self.measured.ports[0].doors.push(tally);
        }
    }

    /// Through the Service so many are well.
    pub(crate) fn through(&mut self, well: usize, outcome: &str) {
        let mut attempts = vec![attempt("connected"); well];
        attempts.resize_with(2 * ROUNDS, || attempt(outcome));
        self.measured.ports[0].through = Tally(attempts);
    }

    pub(crate) fn plan(&self) -> Plan {
        Plan {
            address: self.spec.peer.address,
            doors: self.spec.doors.clone(),
            endpoints: self.endpoints.clone(),
            ports: self.spec.ports.clone(),
        }
    }

    pub(crate) fn findings(&self) -> Vec<Finding> {
        let plan = self.plan();
        self.case(&plan).findings()
    }

    pub(crate) fn case<'a>(&'a self, plan: &'a Plan) -> ServiceCase<'a> {
        let Self { spec, endpoints, from, carrier, measured, closer } = self;
        ServiceCase { spec, endpoints, plan, from, carrier, measured, closer }
    }

    pub(crate) fn only_finding(&self, code: u16) -> Finding {
        let mut findings = self.findings();
        assert_eq!(findings.len(), 1, "{findings:?}");
        let finding = findings.remove(0);
        assert_eq!(finding.code, Some(Code(code)), "{finding:?}");
        finding
    }
}

fn endpoint(name: &str, number: u8) -> Endpoint {
    Endpoint {
        address: [10, 244, number, 15].into(),
        pod: Some(PodName { namespace: "shop".into(), name: name.into() }),
        node: Some(format!("node-{number}")),
        ready: true,
        terminating: false,
        ports: BTreeMap::from([("http".into(), 8080)]),
    }
}

fn pod(name: &str) -> PodSeen {
    PodSeen {
        facts: PodFacts {
            namespace: "shop".into(),
            name: name.into(),
            node: None,
            addresses: Vec::new(),
            host_network: false,
            phase: "Running".into(),
            ready: true,
            ready_by: ReadyBy::HttpGet,
            terminating: false,
            resource_version: "7".into(),
        },
        labels: BTreeMap::from([("app".into(), "checkout".into())]),
        ports: vec![DeclaredPort {
            name: Some("http".into()),
            number: 8080,
            protocol: PortProtocol::Tcp,
        }],
        images: vec!["shop/checkout:1.8.2".into()],
        owner: None,
    }
}

fn attempt(outcome: &str) -> ConnectAttempt {
    let outcome = match outcome {
        "connected" => ConnectOutcome::Connected { banner: None, closed: false },
        "refused" => ConnectOutcome::Refused { ttl: Some(62) },
        "rejected" => ConnectOutcome::Rejected {
            by: [10, 244, 1, 1].into(),
            icmp: IcmpError { meaning: IcmpMeaning::PortUnreachable, kind: 3, code: 3, mtu: None },
        },
        _ => ConnectOutcome::Silence { sent: 3, bytes: None },
    };
    let took_us = if outcome.is_well() { 190 } else { 3_100_000 };
    ConnectAttempt {
        target: 0,
        round: 1,
        remote: ([10, 244, 1, 15], 8080).into(),
        local: None,
        took_us,
        mss: None,
        beside: false,
        outcome,
    }
}

fn echo() -> PingReport {
    let rtt_us = Some(RttUs { min: 100, avg: 110, max: 120, stddev: 8 });
    PingReport { sent: 3, replied: 3, rtt_us, ..PingReport::default() }
}
