//! A lookup for tests: its queries, what is known around it, and the screen that comes of them.

use std::net::IpAddr;

use netdiag_wire::{
    EndReason, Untrusted,
    dns::{
        Class, DnsEvent, DnsFold, DnsMessage, DnsMode, DnsOutcome, DnsQuery, DnsReport, DnsRequest,
        DnsTransport, Flags, Question, Rcode, Record, RecordType, ResolverSettings,
    },
};

use super::{DnsView, dns_body, dns_head};
use crate::{
    args::Shown,
    diagnose::{self, Context, DnsContext, Says, Truth},
    finding::{Finding, Object},
    render::{Names, PodFacts, Screen, ServiceFacts, scene::pod_peer, verdict},
};

pub(crate) const KUBE_DNS: [u8; 4] = [10, 96, 0, 10];

pub(crate) fn record(name: &str, kind: RecordType, data: &str) -> Record {
    let name = name.into();
    Record { name, ttl_seconds: 30, class: Class::IN, kind, data: data.into(), cut: false }
}

pub(crate) fn query(name: &str, kind: RecordType, outcome: DnsOutcome, took_us: u64) -> DnsQuery {
    let rcode = match outcome {
        DnsOutcome::NxDomain => Rcode::NXDOMAIN,
        DnsOutcome::ServFail => Rcode::SERVFAIL,
        DnsOutcome::RefusedQuery => Rcode::REFUSED,
        _ => Rcode::NOERROR,
    };
    let message = DnsMessage {
        id: 4711,
        rcode,
        flags: Flags { qr: true, rd: true, ra: true, ..Flags::default() },
        size_bytes: 56,
        question: vec![Question { name: name.into(), kind, class: Class::IN }],
        ..DnsMessage::default()
    };
    let is_answer = matches!(
        outcome,
        DnsOutcome::Answered
            | DnsOutcome::NoData
            | DnsOutcome::Referral
            | DnsOutcome::NxDomain
            | DnsOutcome::ServFail
            | DnsOutcome::RefusedQuery
            | DnsOutcome::OtherCode
    );
    DnsQuery {
        index: 0,
        name: name.into(),
        kind,
        class: Class::IN,
        server: KUBE_DNS.into(),
        port: 53,
        server_name: None,
        transport: DnsTransport::Udp,
        outcome,
        asked_us: 0,
        took_us,
        rtt_us: is_answer.then_some(took_us),
        sent: 1,
        truncated_first: false,
        discarded: Default::default(),
        message: is_answer.then_some(message),
        by: None,
        icmp: None,
        refusal: None,
        problem: None,
        on_behalf_of: None,
    }
}

/// A lookup from the pod that all examples have.
pub(crate) struct Lookup {
    pub(crate) view: DnsView,
    pub(crate) context: DnsContext,
    pub(crate) events: Vec<DnsEvent>,
    pub(crate) ended: Option<EndReason>,
    pub(crate) screen: Screen,
    index: u32,
    clock_us: u64,
}

impl Lookup {
    pub(crate) fn new(request: DnsRequest) -> Self {
        let from = pod_peer("web-7d4c9b5f6-x2x9z", [10, 244, 1, 23]);
        let service = ServiceFacts {
            namespace: "kube-system".into(),
            name: "kube-dns".into(),
            cluster_ips: vec![KUBE_DNS.into()],
            ports: Vec::new(),
        };
        let pod = |name: &str, node: &str, address: [u8; 4]| PodFacts {
            namespace: "kube-system".into(),
            name: name.into(),
            node: Some(node.into()),
            addresses: vec![address.into()],
            ready: true,
            ..PodFacts::default()
        };
        let names = Names {
            nodes: Vec::new(),
            pods: vec![
                pod("coredns-5d78c9869d-4hx2p", "node-1", [10, 244, 1, 4]),
                pod("coredns-5d78c9869d-q9tzl", "node-3", [10, 244, 3, 2]),
            ],
            services: vec![service],
        };
        let is_dig = matches!(request.mode, DnsMode::Ask | DnsMode::Iterate);
        let ends = Context { from: from.clone(), names: names.clone(), ..Context::default() };
        Self {
            view: DnsView {
                from,
                request,
                shown: Shown::default(),
                is_dig,
                unicode: None,
                names,
                started_at: "2026-11-22T03:07:11Z".parse().unwrap(),
            },
            context: DnsContext { ends, ..DnsContext::default() },
            events: Vec::new(),
            ended: Some(EndReason::Completed),
            screen: Screen::default(),
            index: 0,
            clock_us: 0,
        }
    }

    /// As a pod of `shop` has it.
    pub(crate) fn walk(name: &str) -> Self {
        let mut lookup = Self::new(DnsRequest::walk(name));
        let search =
            ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "corp.example"];
        lookup.events.push(DnsEvent::Resolver(ResolverSettings {
            nameservers: vec![KUBE_DNS.into()],
            search: search.map(Untrusted::from).into(),
            ndots: 5,
            timeout_seconds: 5,
            attempts: 2,
            ..ResolverSettings::default()
        }));
        lookup
    }

    pub(crate) fn ask(name: &str, kind: RecordType) -> Self {
        Self::new(DnsRequest::ask(name, kind, "10.96.0.10"))
    }

    /// Asked after the ones before it were done.
    pub(crate) fn then(mut self, query: DnsQuery) -> Self {
        let took = query.took_us;
        self = self.beside(query);
        self.clock_us += took;
        self
    }

    /// Asked at the same time as the next one.
    pub(crate) fn beside(mut self, query: DnsQuery) -> Self {
        let asked_us = self.clock_us;
        let query = DnsQuery { index: self.index, asked_us, ..query };
        self.events.push(DnsEvent::Query(Box::new(query)));
        self.index += 1;
        self
    }

    pub(crate) fn nowhere(self, name: &str, took_us: u64) -> Self {
        self.beside(query(name, RecordType::AAAA, DnsOutcome::NxDomain, took_us - 10)).then(query(
            name,
            RecordType::A,
            DnsOutcome::NxDomain,
            took_us,
        ))
    }

    /// A has this address, AAAA none.
    pub(crate) fn found(self, name: &str, address: &str, took_us: u64) -> Self {
        let mut a = query(name, RecordType::A, DnsOutcome::Answered, took_us);
        a.message.as_mut().unwrap().answer = vec![record(name, RecordType::A, address)];
        self.beside(query(name, RecordType::AAAA, DnsOutcome::NoData, took_us - 10)).then(a)
    }

    pub(crate) fn says(
        &self,
        server: [u8; 4],
        name: &str,
        address: &str,
        took_us: u64,
    ) -> DnsQuery {
        let mut said = query(name, RecordType::A, DnsOutcome::Answered, took_us);
        said.message.as_mut().unwrap().answer = vec![record(name, RecordType::A, address)];
        DnsQuery { server: server.into(), ..said }
    }

    pub(crate) fn knows(mut self, addresses: &[[u8; 4]]) -> Self {
        let object = Object {
            kind: "Service".into(),
            namespace: Some("shop".into()),
            name: "checkout".into(),
            resource_version: "91822".into(),
        };
        let addresses = addresses.iter().map(|address| IpAddr::from(*address)).collect();
        let says = Says::Addresses("ClusterIP", addresses);
        self.context.truth = Some(Ok(Truth { says, word: "shop/svc/checkout".into(), object }));
        self
    }

    pub(crate) fn report(&self) -> DnsReport {
        let mut fold = DnsFold::new(&self.view.request);
        self.events.iter().for_each(|event| fold.push(event));
        fold.report(self.ended, None)
    }

    pub(crate) fn findings(&self) -> Vec<Finding> {
        diagnose::dns(&self.report(), &self.view.request, &self.context)
    }

    pub(crate) fn evidence(&self) -> String {
        let (report, mut out) = (self.report(), Vec::new());
        dns_head(&mut out, &self.screen, &self.view, &report).unwrap();
        dns_body(&mut out, &self.screen, &self.view, &report).unwrap();
        String::from_utf8(out).unwrap()
    }

    pub(crate) fn verdict(&self) -> String {
        let mut out = Vec::new();
        verdict(&mut out, &self.screen, &self.findings()).unwrap();
        String::from_utf8(out).unwrap()
    }

    pub(crate) fn shown(&self) -> String {
        self.evidence() + &self.verdict()
    }
}
