use netdiag_wire::{EndReason, IcmpError, IcmpMeaning, SendRefusal, ping::PingEvent};

use crate::{
    finding::{Code, Finding, Label, Peer, PeerKind, Severity},
    render::{
        ReadyBy,
        scene::{Scene, foo, icmp, node, node_peer, pod_peer},
        shell,
    },
};

const GATEWAY: [u8; 4] = [10, 244, 1, 1];

fn host() -> Peer {
    Peer { name: "192.0.2.1".into(), address: Some([192, 0, 2, 1].into()), ..Peer::default() }
}

fn next(finding: &Finding) -> Vec<String> {
    let next = finding.labels.iter().filter_map(|label| match label {
        Label::Next(argv) => Some(shell::line(argv)),
        _ => None,
    });
    next.collect()
}

fn only(scene: &Scene) -> Finding {
    let mut findings = scene.findings();
    assert_eq!(findings.len(), 1);
    findings.remove(0)
}

fn notes(finding: &Finding) -> Vec<&str> {
    let notes = finding.labels.iter().filter_map(|label| match label {
        Label::Note(text) => Some(text.as_str()),
        _ => None,
    });
    notes.collect()
}

#[test]
fn every_meaning_of_icmp_has_its_words() {
    use IcmpMeaning as M;
    for (error, sentence) in [
        (icmp(M::NetUnreachable, 3, 0), "it has no route to 10.244.2.7"),
        (
            icmp(M::HostUnreachable, 3, 1),
            "it says 10.244.2.7 cannot be reached (host unreachable, at once)",
        ),
        (icmp(M::ProtocolUnreachable, 3, 2), "it takes no ICMP (protocol unreachable)"),
        (icmp(M::PortUnreachable, 3, 3), "a rule there rejects echoes (port unreachable)"),
        (
            IcmpError { mtu: Some(1400), ..icmp(M::FragmentationNeeded, 3, 4) },
            "its next link takes 1400 bytes, and --df forbids fragments",
        ),
        (
            icmp(M::FragmentationNeeded, 3, 4),
            "too long for its next link, and --df forbids fragments",
        ),
        (icmp(M::SourceRouteFailed, 3, 5), "it does not forward source-routed packets"),
        (icmp(M::AdminProhibited, 3, 13), "a filter there forbids it (prohibited)"),
        (icmp(M::BeyondScope, 1, 2), "the source address has no meaning beyond its own link"),
        (icmp(M::TtlExceeded, 11, 0), "the TTL ended there, before the target"),
        (icmp(M::ReassemblyTimeExceeded, 11, 1), "fragments of the echo were lost"),
        (icmp(M::ParameterProblem, 12, 0), "it finds the header wrong (parameter problem)"),
        (icmp(M::Other, 3, 99), "it said ICMP type 3 code 99"),
    ] {
        let finding = only(&Scene::from_web(foo(), 1).rejected(GATEWAY, error, 412));
        assert_eq!(finding.summary, format!("rejected by node-1: {sentence}"));
        assert_eq!((finding.severity, finding.code), (Severity::Fail, Some(Code(304))));
    }
}

#[test]
fn who_rejects_may_be_either_end() {
    let prohibited = || icmp(IcmpMeaning::AdminProhibited, 3, 13);
    for (by, who) in [
        ([10, 244, 2, 7], "the target itself"),
        ([10, 244, 1, 23], "the source itself"),
        ([10, 89, 0, 12], "node-2"),
        ([198, 51, 100, 1], "198.51.100.1"),
    ] {
        let finding = only(&Scene::from_web(foo(), 1).rejected(by, prohibited(), 412));
        let sentence = "a filter there forbids it (prohibited)";
        assert_eq!(finding.summary, format!("rejected by {who}: {sentence}"));
        assert_eq!(next(&finding), ["kubectl get networkpolicy -n shop"]);
    }
}

#[test]
fn a_packet_that_is_too_long_is_offered_shorter() {
    let error = IcmpError { mtu: Some(1400), ..icmp(IcmpMeaning::FragmentationNeeded, 3, 4) };
    let web = "shop/pod/web-7d4c9b5f6-x2x9z";
    let again = format!("kubectl netdiag ping shop/pod/foo --from {web} --df --size 1372");
    assert_eq!(next(&only(&Scene::from_web(foo(), 1).rejected(GATEWAY, error, 412))), [again]);
    let absurd = IcmpError { mtu: Some(20), ..icmp(IcmpMeaning::FragmentationNeeded, 3, 4) };
    assert!(next(&only(&Scene::from_web(foo(), 1).rejected(GATEWAY, absurd, 412))).is_empty());
}

#[test]
fn silence_after_a_rejection_proves_nothing() {
    let error = icmp(IcmpMeaning::PortUnreachable, 3, 3);
    let finding =
        only(&Scene::from_web(foo(), 3).rejected(GATEWAY, error, 412).silent(2).silent(3));
    assert_eq!(finding.code, Some(Code(304)));
    assert_eq!(
        notes(&finding),
        ["2 silent; that proves nothing: Linux sends one ICMP error a second"]
    );
    let seen = Label::Seen("1 rejected by node-1: port unreachable".into());
    assert!(finding.labels.contains(&seen), "{finding:#?}");
}

#[test]
fn that_a_pod_lives_is_claimed_by_its_probe_only() {
    let claim = |change: fn(&mut Scene)| {
        let mut scene = Scene::from_web(foo(), 1).silent(1);
        change(&mut scene);
        match only(&scene).labels.first() {
            Some(Label::SeenOf { text, .. }) => text.clone(),
            other => panic!("{other:?}"),
        }
    };
    fn ready_by(scene: &mut Scene, by: ReadyBy) {
        scene.context.target_pod.as_mut().unwrap().ready_by = by;
    }
    let tcp = claim(|scene| ready_by(scene, ReadyBy::TcpSocket));
    assert_eq!(tcp, "the pod lives: Ready by a tcpSocket probe from its own node");
    let exec = claim(|scene| ready_by(scene, ReadyBy::Exec));
    assert_eq!(exec, "the pod runs: Ready by an exec probe, which does not use its network");
    let nothing = claim(|scene| ready_by(scene, ReadyBy::Nothing));
    assert_eq!(nothing, "the pod runs: Ready because it has no readinessProbe");
    let not_ready = claim(|scene| scene.context.target_pod.as_mut().unwrap().ready = false);
    assert_eq!(not_ready, "the pod is not Ready");
    let dead = claim(|scene| {
        let node = scene.context.target_node.as_mut().unwrap();
        node.ready = Some(false);
        node.ready_since = Some("2026-11-21T23:59:59Z".parse().unwrap());
    });
    assert_eq!(dead, "node-2, where the pod runs, is NotReady since 2026-11-21 23:59:59 UTC");
}

#[test]
fn a_silent_node_is_described() {
    let mut scene = Scene::from_web(node_peer(3), 1).silent(1);
    scene.context.target_node = Some(node(3));
    assert_eq!(next(&only(&scene)), ["kubectl describe node node-3"]);
}

#[test]
fn a_silent_host_is_asked_from_the_sources_node() {
    let finding = only(&Scene::from_web(host(), 1).silent(1));
    assert_eq!(next(&finding), ["kubectl netdiag ping 192.0.2.1 --from node/node-1"]);
    assert!(next(&only(&Scene::new(node_peer(1), host(), 1).silent(1))).is_empty());
}

#[test]
fn what_was_asked_just_now_is_not_offered_again() {
    let from_its_node = only(&Scene::new(node_peer(2), foo(), 3).silent(1));
    assert_eq!(next(&from_its_node), ["kubectl get networkpolicy -n shop"]);
    let error = icmp(IcmpMeaning::HostUnreachable, 3, 1);
    let nodes = Scene::new(node_peer(1), node_peer(3), 1).rejected(GATEWAY, error, 3_060_000);
    assert!(next(&only(&nodes)).is_empty());
}

#[test]
fn a_host_network_pod_has_its_nodes_network() {
    let mut scene = Scene::from_web(foo(), 1).silent(1);
    scene.context.target_pod.as_mut().unwrap().host_network = true;
    assert_eq!(next(&only(&scene)), ["kubectl get networkpolicy -n shop"]);
}

#[test]
fn an_echo_to_a_cluster_ip_fails_nobody() {
    let address = [10, 96, 14, 7];
    let to = Peer { name: "10.96.14.7".into(), address: Some(address.into()), ..Peer::default() };
    let scene = Scene::from_web(to, 1).silent(1).aimed_at_service();
    let finding = only(&scene);
    assert_eq!(finding.severity, Severity::Unknown);
    assert_eq!(
        notes(&finding),
        ["10.96.14.7 is the address of shop/svc/checkout: an echo reaches no pod of it"]
    );
    assert_eq!(
        next(&finding)[0],
        "kubectl get endpointslices -n shop -l kubernetes.io/service-name=checkout"
    );
}

#[test]
fn one_run_of_loss_is_an_interruption() {
    let differ = |lost: std::ops::Range<u32>| {
        let mut scene = Scene::from_web(foo(), 20);
        for seq in 1..=20 {
            let silent = lost.contains(&seq);
            scene = if silent { scene.silent(seq) } else { scene.replied(seq, 400) };
        }
        only(&scene).labels.into_iter().find_map(|label| match label {
            Label::Differ(text) => Some(text),
            _ => None,
        })
    };
    assert_eq!(
        differ(5..11).as_deref(),
        Some("all lost ones are one run: an interruption of about 6.00 s")
    );
    assert_eq!(differ(5..7), None);
}

#[test]
fn the_default_source_is_named_and_one_node_is_no_wire() {
    let mut scene = Scene::new(node_peer(2), foo(), 1).replied(1, 100);
    scene.context.default_source = true;
    let finding = only(&scene);
    assert!(finding.summary.ends_with(" ms, from node-2"), "{}", finding.summary);
    assert_eq!(notes(&finding), ["same node: nothing here crosses a wire"]);
}

#[test]
fn why_it_ended_is_said_where_less_was_done_than_asked() {
    for (ended, severity, note) in [
        (Some(EndReason::Completed), Severity::Ok, None),
        (Some(EndReason::Cancelled), Severity::Ok, None),
        (Some(EndReason::Deadline), Severity::Unknown, Some("its deadline passed")),
        (
            Some(EndReason::Limit),
            Severity::Warn,
            Some("the agent's limit for one probe's duration was reached"),
        ),
        (Some(EndReason::Draining), Severity::Warn, Some("the agent on node-1 was being stopped")),
        (None, Severity::Warn, Some("the stream from the agent broke off")),
    ] {
        let mut scene = Scene::from_web(foo(), 5).replied(1, 400);
        scene.ended = ended;
        let finding = only(&scene);
        assert_eq!(finding.severity, severity, "{ended:?}");
        let note = note.map(|why| format!("ended after 1 of 5: {why}"));
        assert_eq!(notes(&finding), note.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn replies_that_are_all_damaged_are_a_failure() {
    let address = foo().address.unwrap();
    let damaged = PingEvent::Corrupted { target: 0, seq: 1, address, bytes: 64 };
    let finding = only(&Scene::from_web(foo(), 1).silent(1).then(damaged));
    assert_eq!((finding.severity, finding.code), (Severity::Fail, Some(Code(311))));
    assert_eq!(
        finding.summary,
        "0 of 1 echoes replied soundly: 1 reply came with a wrong ICMP checksum"
    );
}

#[test]
fn an_echo_still_awaited_is_no_loss() {
    let mut scene = Scene::from_web(foo(), 5).replied(1, 400).sent(2);
    scene.ended = Some(EndReason::Cancelled);
    let finding = only(&scene);
    assert_eq!(finding.severity, Severity::Ok);
    assert!(
        finding.summary.starts_with("1 of 2 echoes replied (1 still awaited at the end), rtt "),
        "{}",
        finding.summary
    );
}

#[test]
fn thousands_have_a_comma() {
    let mut scene = Scene::from_web(foo(), 1_200);
    for seq in 1..=1_200 {
        scene = scene.replied(seq, 400);
    }
    assert!(only(&scene).summary.starts_with("1,200 of 1,200 echoes replied, rtt "));
}

#[test]
fn what_the_kernel_refuses_has_its_words() {
    let from = "shop/pod/web-7d4c9b5f6-x2x9z";
    for (refusal, sentence) in [
        (SendRefusal::Denied, "a filter of the source's own namespace forbids it"),
        (SendRefusal::InterfaceDown, "the interface is down"),
        (SendRefusal::QueueFull, "the send queue is full"),
        (SendRefusal::Other { message: "EIO\x1b[2J".into() }, r#""EIO\u{1b}[2J""#),
    ] {
        let event = PingEvent::NotSent { target: 0, seq: 1, refusal };
        let finding = only(&Scene::from_web(host(), 1).then(event));
        assert_eq!(
            finding.summary,
            format!("nothing was sent from {from} to 192.0.2.1: {sentence}")
        );
        assert_eq!((finding.severity, finding.code), (Severity::Fail, Some(Code(305))));
    }
}

#[test]
fn a_stream_cut_off_keeps_its_numbers() {
    let scene = Scene::from_web(foo(), 100).replied(1, 400).sent(2);
    let mut fold = netdiag_wire::ping::PingFold::new(&scene.request);
    scene.events.iter().for_each(|event| fold.push(event));
    let progress = super::ping_progress(&fold.reports(None, None), &scene.request);
    let from = pod_peer("web", [10, 244, 1, 23]);
    let failure = super::cut_off(&progress, &from, "the agent on node-1 ended");
    assert_eq!(
        failure.message,
        "cut off after 2 of 100 echoes (1 replied): the agent on node-1 ended"
    );
    let doctor = ["kubectl", "netdiag", "doctor", "node/node-1"].map(String::from);
    assert_eq!(failure.labels, [Label::Next(doctor.into())]);
    let local = Peer { kind: PeerKind::Local, name: "local".into(), ..Peer::default() };
    let failure = super::cut_off(&progress, &local, "it ended");
    assert!(failure.labels.is_empty(), "no agent took part");
}
