use super::*;
use crate::{Event, Line};

const ESTABLISHED: &str = r#"{"protocol":"tcp","state":"established","local":{"address":"10.244.1.23","port":41990},"peer":{"address":"10.244.2.18","port":5432},"receiveQueueBytes":0,"sendQueueBytes":91220,"timer":{"kind":"retransmit","expiresUs":1200000},"retransmits":5,"uid":1000,"inode":48213,"pids":[4711],"tcpInfo":{"rttUs":412,"cwnd":1,"ssthresh":7,"mssBytes":1448,"receiveMssBytes":536,"advertisedMssBytes":1448,"pathMtuBytes":1500,"unacked":10,"lost":10,"retransmitting":1,"totalRetransmits":5,"lastDataSentUs":4200000,"lastDataReceivedUs":9000000,"lastAckReceivedUs":4200000,"congestionState":"loss"}}"#;
const LISTEN: &str = r#"{"protocol":"tcp","state":"listen","local":{"address":"::","port":15090},"dualStack":true,"acceptQueue":{"waiting":0,"limit":4096},"uid":1337,"inode":4,"pids":[17]}"#;
const UNIX: &str = r#"{"protocol":"unix","state":"listen","acceptQueue":{"waiting":0,"limit":128},"uid":0,"inode":9,"unix":{"type":"stream","name":"@bus"}}"#;

fn entry(json: &str) -> SocketEntry {
    serde_json::from_str(json).unwrap()
}

#[test]
fn golden_request() {
    assert_eq!(serde_json::to_string(&SocketsRequest::default()).unwrap(), "{}");
    let golden = r#"{"protocols":["tcp","unix"],"family":"v6","which":"listening","states":["timeWait"],"localPort":80,"peer":"10.244.0.0/16","peerPort":443,"processes":true,"tcpInfo":true,"stats":true,"fullQueueWaitMs":2000,"watch":{"intervalMs":1000,"rounds":2}}"#;
    let request: SocketsRequest = serde_json::from_str(golden).unwrap();
    assert_eq!(serde_json::to_string(&request).unwrap(), golden);
    assert_eq!(request.check(), Ok(()));
    assert!(serde_json::from_str::<SocketsRequest>(r#"{"colour":"red"}"#).is_err());
}

#[test]
fn golden_entries() {
    for golden in [ESTABLISHED, LISTEN, UNIX] {
        assert_eq!(serde_json::to_string(&entry(golden)).unwrap(), golden);
    }
    let line = format!(
        r#"{{"at":"2026-11-22T03:07:11Z","event":"sockets","round":1,"entries":[{LISTEN},{UNIX}]}}"#
    );
    let read: Line<SocketsEvent> = serde_json::from_str(&line).unwrap();
    assert!(
        matches!(&read.event, Event::Probe(SocketsEvent::Sockets { entries, .. }) if entries.len() == 2)
    );
    assert_eq!(serde_json::to_string(&read).unwrap(), line);
}

#[test]
fn golden_other_events() {
    for golden in [
        r#"{"event":"process","pid":4711,"containerPid":1,"name":"node","containerId":"0f3a"}"#,
        r#"{"event":"counters","round":1,"atUs":0,"counters":{"TcpExt":{"ListenOverflows":1873}}}"#,
        r#"{"event":"round","round":1,"atUs":0,"tookUs":900,"sockets":3,"interrupted":0}"#,
        r#"{"event":"done","tookUs":950,"processes":{"read":2,"vanished":1,"refused":0,"leftOut":0}}"#,
        r#"{"event":"skipped","missing":{"resource":"pods","right":"processes","namespace":"shop","user":"u"}}"#,
    ] {
        let line = format!(r#"{{"at":"2026-11-22T03:07:11Z",{}"#, &golden[1..]);
        let read: Line<SocketsEvent> = serde_json::from_str(&line).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), line);
        assert_ne!(read.event, Event::Probe(SocketsEvent::Unknown));
    }
    let newer: SocketsEvent = serde_json::from_str(r#"{"event":"teleported"}"#).unwrap();
    assert_eq!(newer, SocketsEvent::Unknown);
}

#[test]
fn every_bound_is_named() {
    let bad = |change: fn(&mut SocketsRequest)| {
        let mut request = SocketsRequest::default();
        change(&mut request);
        request.check().unwrap_err()
    };
    let watch = |interval_ms| Some(SocketsWatch { interval_ms, rounds: None });
    let text = r#"peer: "web" is neither an address nor a CIDR"#;
    assert_eq!(bad(|r| r.peer = Some("web".into())), text);
    assert!(bad(|r| r.peer = Some("10.0.0.0/33".into())).contains("10.0.0.0/33"));
    let text = "fullQueueWaitMs: 0, must be 200 to 3600000";
    assert_eq!(bad(|r| r.full_queue_wait_ms = Some(0)), text);
    let request = SocketsRequest { watch: watch(199), ..SocketsRequest::default() };
    let text = "watch.intervalMs: 199, must be 200 to 3600000";
    assert_eq!(request.check().unwrap_err(), text);
}

#[test]
fn a_filter_leaves_what_it_names() {
    let (connection, listener, unix) = (entry(ESTABLISHED), entry(LISTEN), entry(UNIX));
    let wanted = |change: fn(&mut SocketsRequest)| {
        let mut request = SocketsRequest::default();
        change(&mut request);
        let peer = request.peer.as_deref().map(|text| Network::read(text).unwrap());
        [&connection, &listener, &unix].map(|entry| request.wants(entry, peer.as_ref()))
    };
    assert_eq!(wanted(|_| ()), [true, true, true]);
    assert_eq!(wanted(|r| r.which = Which::Listening), [false, true, true]);
    assert_eq!(wanted(|r| r.which = Which::Connected), [true, false, false]);
    assert_eq!(wanted(|r| r.states = vec![SocketState::Listen]), [false, true, true]);
    assert_eq!(wanted(|r| r.local_port = NonZeroU16::new(15090)), [false, true, false]);
    assert_eq!(wanted(|r| r.peer_port = NonZeroU16::new(5432)), [true, false, false]);
    for network in ["10.244.2.18", "10.244.2.0/24", "10.244.2.9/24", "0.0.0.0/0"] {
        let network = Network::read(network).unwrap();
        assert!(network.contains([10, 244, 2, 18].into()));
    }
    assert_eq!(wanted(|r| r.peer = Some("10.244.3.0/24".into())), [false, false, false]);
    assert_eq!(wanted(|r| r.peer = Some("::/0".into())), [false, false, false]);
}

#[test]
fn a_report_has_the_last_complete_round() {
    let sockets = |round, json| SocketsEvent::Sockets { round, entries: vec![entry(json)] };
    let end = |round| SocketsEvent::Round(SocketsRound { round, ..SocketsRound::default() });
    let mut fold = SocketsFold::default();
    fold.push(&sockets(1, ESTABLISHED));
    fold.push(&sockets(1, LISTEN));
    assert_eq!(fold.report(None, None).entries, [entry(LISTEN), entry(ESTABLISHED)]);
    fold.push(&end(1));
    fold.push(&sockets(2, UNIX));
    assert_eq!(fold.report(None, None).entries.len(), 2);
    fold.push(&end(2));
    let report = fold.report(Some(EndReason::Completed), None);
    assert_eq!(report.entries, [entry(UNIX)]);
    let read: SocketsReport =
        serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(read, report);
}

#[test]
fn the_first_and_the_last_reading_are_kept() {
    let mut fold = SocketsFold::default();
    for at_us in [0, 1, 2] {
        let reading = CountersReading { round: 1, at_us, counters: Counters::default() };
        fold.push(&SocketsEvent::Counters(reading));
    }
    let times: Vec<_> = fold.report(None, None).counters.iter().map(|one| one.at_us).collect();
    assert_eq!(times, [0, 2]);
}

#[test]
fn a_queue_is_full_when_one_more_than_its_limit_waits() {
    assert!(!AcceptQueue { waiting: 128, limit: 128 }.is_full());
    assert!(AcceptQueue { waiting: 129, limit: 128 }.is_full());
}
