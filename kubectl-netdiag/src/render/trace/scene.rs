//! A trace for tests: its events, what is known around it, and the screen that comes of them.

use std::net::IpAddr;

use netdiag_wire::{
    EndReason, IcmpError, IcmpMeaning, SendRefusal,
    trace::{
        Interface, MtuHop, MtuLimit, TraceAnswer, TraceEvent, TraceFold, TraceHop, TraceMethod,
        TraceOutcome, TraceProtocol, TraceReport, TraceRequest,
    },
};

use super::{Hops, TraceView, trace_dot, trace_header, trace_sizes, trace_tree};
use crate::{
    diagnose::{self, Context},
    finding::{Finding, Peer},
    render::{
        PodFacts, Screen,
        scene::{Scene, icmp, pod_peer},
        verdict,
    },
};

/// A trace of a pod from the pod that all examples have.
pub(crate) struct TraceScene {
    pub(crate) request: TraceRequest,
    pub(crate) context: Context,
    pub(crate) events: Vec<TraceEvent>,
    pub(crate) ended: Option<EndReason>,
    pub(crate) screen: Screen,
    flow: u8,
}

impl TraceScene {
    pub(crate) fn to(mut to: Peer, protocol: TraceProtocol, port: Option<u16>) -> Self {
        let context = Scene::from_web(to.clone(), 1).context;
        to.port = port;
        let context = Context { to, ..context };
        let address = context.to.address.unwrap();
        let request = TraceRequest { port, ..TraceRequest::to(address.to_string(), protocol) };
        let started = TraceEvent::Started {
            host: address.to_string().into(),
            address,
            source: context.from.address.unwrap(),
            method: TraceMethod::Raw,
            port,
            interface: Some(Interface { name: "eth0".into(), mtu: 1500 }),
        };
        let flow = TraceEvent::Flow { flow: 0, source_port: Some(41_001) };
        Self {
            request,
            context,
            events: vec![started, flow],
            ended: Some(EndReason::Completed),
            screen: Screen::default(),
            flow: 0,
        }
    }

    /// TCP to port 8080 of shop/pod/foo.
    pub(crate) fn tcp() -> Self {
        Self::to(pod_peer("foo", [10, 244, 2, 7]), TraceProtocol::Tcp, Some(8080))
    }

    pub(crate) fn then(mut self, event: TraceEvent) -> Self {
        self.events.push(event);
        self
    }

    pub(crate) fn hop(self, ttl: u8, answers: &[TraceAnswer]) -> Self {
        let (flow, answers) = (self.flow, answers.to_vec());
        self.then(TraceEvent::Hop(TraceHop { flow, ttl, answers, ..TraceHop::default() }))
    }

    /// A router that says TTL exceeded once for each of these times.
    pub(crate) fn router(self, ttl: u8, address: [u8; 4], times: &[u64]) -> Self {
        let answers: Vec<_> = times.iter().map(|us| expired(address, *us)).collect();
        self.hop(ttl, &answers)
    }

    /// The gateway of node-1 and node-2, as on every path between the two.
    pub(crate) fn two_nodes(self) -> Self {
        self.router(1, [10, 244, 1, 1], &[41, 38, 36]).router(2, [10, 89, 0, 12], &[312, 298, 301])
    }

    pub(crate) fn arrived(self, ttl: u8, outcome: TraceOutcome, times: &[u64]) -> Self {
        let address = self.context.to.address.unwrap();
        let answers: Vec<_> = times.iter().map(|us| answer(address, *us, outcome)).collect();
        self.hop(ttl, &answers)
    }

    /// Silence of three probes each; at the end they were asked again.
    pub(crate) fn silent(mut self, ttls: std::ops::RangeInclusive<u8>, asked_again: bool) -> Self {
        for ttl in ttls {
            self.events.push(TraceEvent::Hop(TraceHop {
                flow: self.flow,
                ttl,
                silent: 3,
                waited_us: Some(800_000),
                asked_again,
                ..TraceHop::default()
            }));
        }
        self
    }

    pub(crate) fn not_sent(mut self, refusal: &SendRefusal) -> Self {
        for ttl in 1..=30 {
            let not_sent = Some(refusal.clone());
            let hop = TraceHop { ttl, not_sent, ..TraceHop::default() };
            self.events.push(TraceEvent::Hop(hop));
        }
        self
    }

    /// The hops that follow are of another flow.
    pub(crate) fn next_flow(mut self) -> Self {
        self.flow += 1;
        self.request.flows = self.flow + 1;
        let source_port = Some(41_001 + u16::from(self.flow));
        let flow = TraceEvent::Flow { flow: self.flow, source_port };
        self.then(flow)
    }

    pub(crate) fn passes(
        mut self,
        ttl: u8,
        address: [u8; 4],
        bytes: u16,
        limit: Option<MtuLimit>,
    ) -> Self {
        self.request.mtu = true;
        let (address, passes_bytes) = (Some(address.into()), Some(bytes));
        self.then(TraceEvent::Passes(MtuHop { ttl, address, passes_bytes, limit }))
    }

    pub(crate) fn known(mut self, pods: &[(&str, [u8; 4])]) -> Self {
        let pod = |(name, address): &(&str, [u8; 4])| PodFacts {
            namespace: "shop".into(),
            name: (*name).into(),
            node: Some(format!("node-{}", address[2])),
            addresses: vec![(*address).into()],
            ..PodFacts::default()
        };
        self.context.names.pods.extend(pods.iter().map(pod));
        self
    }

    pub(crate) fn report(&self) -> TraceReport {
        let mut fold = TraceFold::new(&self.request);
        self.events.iter().for_each(|event| fold.push(event));
        fold.report(self.ended, None)
    }

    pub(crate) fn findings(&self) -> Vec<Finding> {
        diagnose::trace(&self.report(), &self.request, &self.context)
    }

    /// The whole screen; `held` is how many of the events are there when the first rows are shown.
    pub(crate) fn shown_after(&self, held: usize) -> String {
        let (screen, context, report) = (&self.screen, &self.context, self.report());
        let (request, names) = (&self.request, &context.names);
        let view =
            TraceView { request, report: &report, from: &context.from, to: &context.to, names };
        let mut out = Vec::new();
        let ends = (&context.from, &context.to);
        let method = report.method.unwrap_or(TraceMethod::Unknown);
        trace_header(&mut out, screen, request, method, ends).unwrap();
        let mut hops = Hops::default();
        for (at, event) in self.events.iter().enumerate() {
            if let TraceEvent::Hop(hop) = event {
                hops.push(hop.clone());
            }
            if at >= held && request.flows == 1 && !request.mtu {
                hops.show(&mut out, screen, &view, at + 1 == self.events.len()).unwrap();
            }
        }
        if request.mtu {
            trace_sizes(&mut out, screen, &view).unwrap();
        } else if request.flows > 1 {
            trace_tree(&mut out, screen, &view).unwrap();
        }
        let findings = self.findings();
        trace_dot(&mut out, screen, &view, &findings).unwrap();
        verdict(&mut out, screen, &findings).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// As a path that was known within 0.3 s.
    pub(crate) fn shown(&self) -> String {
        self.shown_after(self.events.len() - 1)
    }
}

pub(crate) fn answer(address: IpAddr, rtt_us: u64, outcome: TraceOutcome) -> TraceAnswer {
    TraceAnswer {
        address,
        rtt_us,
        outcome,
        icmp: None,
        ttl: Some(63),
        labels: Vec::new(),
        rewritten_to: None,
    }
}

pub(crate) fn expired(address: [u8; 4], rtt_us: u64) -> TraceAnswer {
    let icmp = Some(icmp(IcmpMeaning::TtlExceeded, 11, 0));
    TraceAnswer { icmp, ..answer(address.into(), rtt_us, TraceOutcome::Expired) }
}

pub(crate) fn rejected(address: [u8; 4], rtt_us: u64, icmp: IcmpError) -> TraceAnswer {
    let icmp = Some(icmp);
    TraceAnswer { icmp, ..answer(address.into(), rtt_us, TraceOutcome::Rejected) }
}
