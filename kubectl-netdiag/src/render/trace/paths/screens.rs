//! The screens of a traced Service, as screens.md has them where it does.

use netdiag_wire::IcmpMeaning;

use super::*;
use crate::{
    diagnose::{self, PathsCase, ServiceScene},
    render::{
        scene::{icmp, node, pod_peer},
        trace::scene::{TraceScene, rejected},
        verdict,
    },
};

/// One flow through the Service, and how it ends.
type Flow = fn(TraceScene) -> TraceScene;

struct Traced {
    service: ServiceScene,
    all: usize,
    direct: Vec<Path>,
    through: TraceScene,
}

fn path(endpoint: Option<usize>, scene: &TraceScene) -> Path {
    Path { endpoint, request: scene.request.clone(), report: scene.report() }
}

fn open(scene: TraceScene, ttl: u8) -> TraceScene {
    scene.arrived(ttl, TraceOutcome::Open, &[470])
}

/// An endpoint next to the source, and so many on the other node.
fn traced(others: u8) -> Traced {
    let mut service = ServiceScene::new();
    let direct: Vec<Path> = (0..=others)
        .map(|at| {
            let (number, name) =
                (if at == 0 { 1 } else { 2 }, format!("checkout-6d9c7b5f4-tt6w{}", at + 1));
            let address = [10, 244, number, 14 + at];
            let at = usize::from(at);
            service
                .endpoints
                .resize(service.endpoints.len().max(at + 1), service.endpoints[0].clone());
            let endpoint = &mut service.endpoints[at];
            endpoint.address = address.into();
            endpoint.node = Some(format!("node-{number}"));
            endpoint.pod.as_mut().unwrap().name.clone_from(&name);
            let scene = TraceScene::to(pod_peer(&name, address), TraceProtocol::Tcp, Some(8080));
            path(Some(at), &if number == 1 { open(scene, 1) } else { open(scene.two_nodes(), 3) })
        })
        .collect();
    service.endpoints.truncate(direct.len());
    let through = TraceScene::to(service.spec.peer.clone(), TraceProtocol::Tcp, Some(80));
    Traced { all: direct.len(), service, direct, through }
}

impl Traced {
    fn flows(mut self, flows: &[Flow]) -> Self {
        for (at, flow) in flows.iter().enumerate() {
            let scene = if at == 0 { self.through } else { self.through.next_flow() };
            self.through = flow(scene);
        }
        self
    }

    fn shown(self) -> String {
        let Self { service, all, direct, through } = self;
        let through = (!through.report().hops.is_empty()).then(|| path(None, &through));
        let protocol = direct[0].request.protocol;
        let paths = Paths { protocol, direct, through };
        let plan = service.plan();
        let names = Names { nodes: vec![node(1), node(2)], ..Names::default() };
        let (screen, mut out) = (Screen::default(), Vec::new());
        let (from, to) = (&service.from, &service.spec.peer);
        paths_header(&mut out, &screen, (from, to), (protocol, plan.ports.first())).unwrap();
        let view = PathsView { plan: &plan, all, paths: &paths, from, names: &names };
        super::paths(&mut out, &screen, &view).unwrap();
        let context = diagnose::Context {
            from: from.clone(),
            to: to.clone(),
            names: names.clone(),
            ..diagnose::Context::default()
        };
        let case = PathsCase { plan: &plan, all, paths: &paths, service: to, context };
        verdict(&mut out, &screen, &diagnose::paths(&case)).unwrap();
        String::from_utf8(out).unwrap()
    }
}

/// Behind the rules every hop answers in the Service's name.
fn far(scene: TraceScene) -> TraceScene {
    open(scene.router(1, [10, 96, 14, 7], &[41]).router(2, [10, 96, 14, 7], &[300]), 3)
}

/// Its first packet had another endpoint than all that follow.
fn nearer_after_all(scene: TraceScene) -> TraceScene {
    open(scene.router(1, [10, 96, 14, 7], &[41]), 2)
}

fn near(scene: TraceScene) -> TraceScene {
    open(scene, 1)
}

fn lost(scene: TraceScene) -> TraceScene {
    scene.silent(1..=30, true)
}

#[test]
fn paths_are_one_tree_and_flows_go_where_can_be_told() {
    insta::assert_snapshot!(traced(2).flows(&[near, far, far]).shown(), @r"
    shop/pod/web (10.244.1.23, node-1) -> shop/svc/checkout:http (10.96.14.7 TCP 80)
    paths to its 3 endpoints, TCP 8080:
    ├─ 1  10.244.1.14  0.470 ms  pod/checkout-6d9c7b5f4-tt6w1 on node-1: open
    └─ 1  10.244.1.1   0.036 ms  node-1, gateway of its pods  x2
       └─ 2  10.89.0.12   0.298 ms  node-2  x2
          ├─ 3  10.244.2.15  0.470 ms  pod/checkout-6d9c7b5f4-tt6w2: open
          └─ 3  10.244.2.16  0.470 ms  pod/checkout-6d9c7b5f4-tt6w3: open
    flows through 10.96.14.7, rewritten by node-1 at or before hop 1:
       SOURCE PORT  HOPS     MS  WENT TO
             41001     1  0.470  pod/checkout-6d9c7b5f4-tt6w1 (the only endpoint 1 hop away)
             41002     3  0.470  tt6w2 or tt6w3: cannot tell
             41003     3  0.470  tt6w2 or tt6w3: cannot tell

    OK       3 of 3 flows through the Service arrive, and all 3 endpoints are reached directly
      note   on those flows every hop answers in the Service's name, so the tree is from direct probes
    ");
}

#[test]
fn the_first_packet_of_a_flow_may_have_another_endpoint() {
    insta::assert_snapshot!(traced(1).flows(&[nearer_after_all, far]).shown(), @r"
    shop/pod/web (10.244.1.23, node-1) -> shop/svc/checkout:http (10.96.14.7 TCP 80)
    paths to its 2 endpoints, TCP 8080:
    ├─ 1  10.244.1.14  0.470 ms  pod/checkout-6d9c7b5f4-tt6w1 on node-1: open
    └─ 1  10.244.1.1   0.036 ms  node-1, gateway of its pods
       └─ 2  10.89.0.12   0.298 ms  node-2
          └─ 3  10.244.2.15  0.470 ms  pod/checkout-6d9c7b5f4-tt6w2: open
    flows through 10.96.14.7, rewritten by node-1 at or before hop 1:
       SOURCE PORT  HOPS     MS  WENT TO
             41001     1  0.470  pod/checkout-6d9c7b5f4-tt6w1 (the only endpoint 1 hop away)
             41002     3  0.470  pod/checkout-6d9c7b5f4-tt6w2 (the only endpoint 3 hops away)

    OK       2 of 2 flows through the Service arrive, and both endpoints are reached directly
      note   on those flows every hop answers in the Service's name, so the tree is from direct probes
    ");
}

#[test]
fn who_is_as_far_as_many_others_is_not_named() {
    insta::assert_snapshot!(traced(4).flows(&[far]).shown(), @r"
    shop/pod/web (10.244.1.23, node-1) -> shop/svc/checkout:http (10.96.14.7 TCP 80)
    paths to its 5 endpoints, TCP 8080:
    ├─ 1  10.244.1.14  0.470 ms  pod/checkout-6d9c7b5f4-tt6w1 on node-1: open
    └─ 1  10.244.1.1   0.036 ms  node-1, gateway of its pods  x4
       └─ 2  10.89.0.12   0.298 ms  node-2  x4
          ├─ 3  10.244.2.15  0.470 ms  pod/checkout-6d9c7b5f4-tt6w2: open
          ├─ 3  10.244.2.16  0.470 ms  pod/checkout-6d9c7b5f4-tt6w3: open
          ├─ 3  10.244.2.17  0.470 ms  pod/checkout-6d9c7b5f4-tt6w4: open
          └─ 3  10.244.2.18  0.470 ms  pod/checkout-6d9c7b5f4-tt6w5: open
    flows through 10.96.14.7, rewritten by node-1 at or before hop 1:
       SOURCE PORT  HOPS     MS  WENT TO
             41001     3  0.470  one of 4 endpoints 3 hops away: cannot tell

    OK       1 of 1 flows through the Service arrives, and all 5 endpoints are reached directly
      note   on those flows every hop answers in the Service's name, so the tree is from direct probes
    ");
}

#[test]
fn an_endpoint_that_is_not_met_is_named_at_the_end_of_its_path() {
    let mut traced = traced(2).flows(&[near, lost]);
    let scene = TraceScene::to(
        pod_peer("checkout-6d9c7b5f4-tt6w3", [10, 244, 2, 16]),
        TraceProtocol::Tcp,
        Some(8080),
    );
    traced.direct[2] = path(Some(2), &scene.two_nodes().silent(3..=30, true));
    insta::assert_snapshot!(traced.shown(), @r"
    shop/pod/web (10.244.1.23, node-1) -> shop/svc/checkout:http (10.96.14.7 TCP 80)
    paths to its 3 endpoints, TCP 8080:
    ├─ 1  10.244.1.14  0.470 ms  pod/checkout-6d9c7b5f4-tt6w1 on node-1: open
    └─ 1  10.244.1.1   0.036 ms  node-1, gateway of its pods  x2
       └─ 2  10.89.0.12   0.298 ms  node-2  x2
          ├─ 3  10.244.2.15  0.470 ms  pod/checkout-6d9c7b5f4-tt6w2: open
          └─ 3-30  *  silence: pod/checkout-6d9c7b5f4-tt6w3
    flows through 10.96.14.7, rewritten by node-1 at or before hop 1:
       SOURCE PORT  HOPS     MS  WENT TO
             41001     1  0.470  pod/checkout-6d9c7b5f4-tt6w1 (the only endpoint 1 hop away)
             41002     -      -  silence

    FAIL     ND0303  1 of 3 endpoints: the path ends after hop 2, node-2, the pod's own node; no answer from shop/pod/checkout-6d9c7b5f4-tt6w3
      seen   3 SYNs to each of 28 further hops, waited 0.800 s, asked again once (ICMP is rate-limited)
      seen   1 of 2 flows through the Service's address arrive
      unless the pod drops SYNs itself: by this alone a policy and a dead pod look alike
      next   kubectl netdiag trace shop/pod/checkout-6d9c7b5f4-tt6w3:8080 --from node/node-2
      next   kubectl get networkpolicy -n shop
    ");
}

/// The gateway's limit of ICMP leaves one path without its first hop.
#[test]
fn a_router_that_answers_one_path_alone_stands_for_both() {
    let mut traced = traced(2);
    let scene = TraceScene::to(
        pod_peer("checkout-6d9c7b5f4-tt6w3", [10, 244, 2, 16]),
        TraceProtocol::Tcp,
        Some(8080),
    );
    let scene = scene.silent(1..=1, true).router(2, [10, 89, 0, 12], &[312]);
    traced.direct[2] = path(Some(2), &open(scene, 3));
    insta::assert_snapshot!(traced.shown(), @r"
    shop/pod/web (10.244.1.23, node-1) -> shop/svc/checkout:http (10.96.14.7 TCP 80)
    paths to its 3 endpoints, TCP 8080:
    ├─ 1  10.244.1.14  0.470 ms  pod/checkout-6d9c7b5f4-tt6w1 on node-1: open
    └─ 1  10.244.1.1   0.036 ms  node-1, gateway of its pods  x2
       └─ 2  10.89.0.12   0.298 ms  node-2  x2
          ├─ 3  10.244.2.15  0.470 ms  pod/checkout-6d9c7b5f4-tt6w2: open
          └─ 3  10.244.2.16  0.470 ms  pod/checkout-6d9c7b5f4-tt6w3: open

    OK       all 3 endpoints are reached
    ");
}

#[test]
fn endpoints_that_are_reached_do_not_clear_the_rules() {
    insta::assert_snapshot!(traced(1).flows(&[lost, lost]).shown(), @r"
    shop/pod/web (10.244.1.23, node-1) -> shop/svc/checkout:http (10.96.14.7 TCP 80)
    paths to its 2 endpoints, TCP 8080:
    ├─ 1  10.244.1.14  0.470 ms  pod/checkout-6d9c7b5f4-tt6w1 on node-1: open
    └─ 1  10.244.1.1   0.036 ms  node-1, gateway of its pods
       └─ 2  10.89.0.12   0.298 ms  node-2
          └─ 3  10.244.2.15  0.470 ms  pod/checkout-6d9c7b5f4-tt6w2: open
    flows through 10.96.14.7:
       SOURCE PORT  HOPS  MS  WENT TO
             41001     -   -  silence
             41002     -   -  silence

    FAIL     ND0201  2 of 2 flows through 10.96.14.7 do not arrive, though both endpoints are reached directly
      next   kubectl netdiag diagnose shop/pod/web shop/svc/checkout
    ");
    let reject: Flow = |scene| {
        let icmp = icmp(IcmpMeaning::PortUnreachable, 3, 3);
        scene.hop(1, &[rejected([10, 244, 1, 1], 50, icmp)])
    };
    insta::assert_snapshot!(traced(1).flows(&[near, reject]).shown(), @r"
    shop/pod/web (10.244.1.23, node-1) -> shop/svc/checkout:http (10.96.14.7 TCP 80)
    paths to its 2 endpoints, TCP 8080:
    ├─ 1  10.244.1.14  0.470 ms  pod/checkout-6d9c7b5f4-tt6w1 on node-1: open
    └─ 1  10.244.1.1   0.036 ms  node-1, gateway of its pods
       └─ 2  10.89.0.12   0.298 ms  node-2
          └─ 3  10.244.2.15  0.470 ms  pod/checkout-6d9c7b5f4-tt6w2: open
    flows through 10.96.14.7, rewritten by node-1 at or before hop 1:
       SOURCE PORT  HOPS     MS  WENT TO
             41001     1  0.470  pod/checkout-6d9c7b5f4-tt6w1 (the only endpoint 1 hop away)
             41002     1      -  nowhere: rejected by 10.244.1.1 (node-1, gateway of its pods), port unreachable

    FAIL     ND0201  1 of 2 flows through 10.96.14.7 do not arrive, though both endpoints are reached directly
      unless those were lost by chance: ask again
      next   kubectl netdiag diagnose shop/pod/web shop/svc/checkout
    ");
}

#[test]
fn of_a_sample_nobody_is_told_apart() {
    let mut traced = traced(1).flows(&[near]);
    traced.all = 40;
    insta::assert_snapshot!(traced.shown(), @r"
    shop/pod/web (10.244.1.23, node-1) -> shop/svc/checkout:http (10.96.14.7 TCP 80)
    paths to 2 of its 40 endpoints, TCP 8080:
    ├─ 1  10.244.1.14  0.470 ms  pod/checkout-6d9c7b5f4-tt6w1 on node-1: open
    └─ 1  10.244.1.1   0.036 ms  node-1, gateway of its pods
       └─ 2  10.89.0.12   0.298 ms  node-2
          └─ 3  10.244.2.15  0.470 ms  pod/checkout-6d9c7b5f4-tt6w2: open
    flows through 10.96.14.7, rewritten by node-1 at or before hop 1:
       SOURCE PORT  HOPS     MS  WENT TO
             41001     1  0.470  cannot tell: not all endpoints were traced

    OK       1 of 1 flows through the Service arrives, and 2 of its 40 endpoints, all that were traced, are reached directly
      note   on those flows every hop answers in the Service's name, so the tree is from direct probes
    ");
}

/// It may be one that no app answers.
#[test]
fn a_datagram_that_nobody_answers_is_no_fault() {
    let mut traced = traced(1);
    for at in 0..2_u8 {
        let scene = TraceScene::to(
            pod_peer("checkout", [10, 244, at + 1, 15]),
            TraceProtocol::Udp,
            Some(53),
        );
        let scene = if at == 0 {
            scene.silent(1..=30, true)
        } else {
            scene.two_nodes().silent(3..=30, true)
        };
        traced.direct[usize::from(at)] = path(Some(usize::from(at)), &scene);
    }
    insta::assert_snapshot!(traced.shown(), @r"
    shop/pod/web (10.244.1.23, node-1) -> shop/svc/checkout:http (10.96.14.7 UDP 80)
    paths to its 2 endpoints, UDP 53:
    ├─ 1-30  *  silence: pod/checkout-6d9c7b5f4-tt6w1
    └─ 1  10.244.1.1  0.036 ms  node-1, gateway of its pods
       └─ 2  10.89.0.12  0.298 ms  node-2
          └─ 3-30  *  silence: pod/checkout-6d9c7b5f4-tt6w2

    UNKNOWN  ND0610  cannot tell: 2 of 2 endpoints: nobody answers, neither a hop on the way nor shop/pod/checkout-6d9c7b5f4-tt6w1
      seen   3 datagrams to each of 30 hops, waited 0.800 s, asked again once (ICMP is rate-limited)
      seen   the same of shop/pod/checkout-6d9c7b5f4-tt6w2
      unless the pod drops datagrams itself: by this alone a policy and a dead pod look alike
      next   kubectl netdiag trace shop/pod/checkout-6d9c7b5f4-tt6w1 --from node/node-1 -U -p 53
      next   kubectl get networkpolicy -n shop
    ");
}
