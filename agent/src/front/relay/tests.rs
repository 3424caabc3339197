//! The relay between a worker that a test plays and a caller.

use clap::Parser;
use netdiag_wire::{MAX_LINE_BYTES, dns::DnsRequest, ping::PingRequest, trace::TraceRequest};
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, sync::mpsc::Receiver, task::JoinHandle};

use super::*;
use crate::front::{audit, config::Limits, form::Lines, identity::Identity, limits::Gate};

#[derive(Parser)]
struct Defaults {
    #[command(flatten)]
    limits: Limits,
}

/// front's end of a stream, and the worker's, which a test plays.
struct Stage {
    lines: Receiver<Bytes>,
    worker: Option<UnixStream>,
    broker: UnixStream,
    draining: CancellationToken,
    relay: JoinHandle<()>,
}

async fn stage<P: Probe>() -> Stage {
    let (stream, worker) = UnixStream::pair().unwrap();
    let (lifeline, broker) = UnixStream::pair().unwrap();
    let (audit, _) = audit::writer(std::io::sink()).unwrap();
    let gate = Gate::new(&Defaults::parse_from(["front"]).limits);
    let draining = CancellationToken::new();
    let after = Duration::from_secs(60);
    let [probe_id, agent, node, version] =
        ["p-1", "netdiag-x7k2p", "node-1", "0.1.0"].map(Into::into);
    let relay = Relay {
        accepted: Accepted { probe_id, agent, node, version },
        user: "alice".into(),
        deadline: Deadline { after, reason: EndReason::Limit },
        draining: draining.clone(),
        permit: gate.enter(&Identity::named("alice", "JTI=1")).await.unwrap(),
        upload: None,
        skipped: None,
        started: audit.start(audit::RequestFacts::default(), vec![], after).unwrap(),
    };
    let (sender, mut lines) = mpsc::channel(Lines::QUEUE);
    let relay = tokio::spawn(relay.run::<P, Lines>(stream, Lifeline::of(lifeline), sender));
    let first = lines.recv().await.unwrap();
    assert!(first.starts_with(b"{\"at\":") && first.ends_with(b"\n"));
    Stage { lines, worker: Some(worker), broker, draining, relay }
}

impl Stage {
    async fn next(&mut self) -> Option<Value> {
        let line = self.lines.recv().await?;
        let mut line: Value = serde_json::from_slice(&line).unwrap();
        line.as_object_mut().unwrap().remove("at");
        Some(line)
    }

    /// What comes through of what a worker says, once it has ended.
    async fn hear(said: &[u8]) -> Vec<Value> {
        Self::hear_of::<PingRequest>(said).await
    }

    async fn hear_of<P: Probe>(said: &[u8]) -> Vec<Value> {
        let mut stage = stage::<P>().await;
        let mut worker = stage.worker.take().unwrap();
        let said = said.to_vec();
        // front may hang up in the middle of it.
        let said = tokio::spawn(async move { worker.write_all(&said).await });
        let mut heard = Vec::new();
        while let Some(line) = stage.next().await {
            heard.push(line);
        }
        let _ = said.await.unwrap();
        heard
    }
}

const AT: &str = r#"{"at":"2026-11-22T03:07:11Z","event":"#;

#[tokio::test]
async fn a_worker_says_events_and_nothing_else() {
    let end = json!({"event": "end", "reason": "completed"});
    let sent = json!({"event": "sent", "seq": 1});
    let said =
        |lines: &[&str]| lines.iter().map(|line| format!("{AT}{line}}}\n")).collect::<String>();
    let ends = r#""end","reason":"completed""#;
    let table = [
        (said(&[r#""sent","seq":1"#, ends]), vec![sent.clone(), end.clone()]),
        (said(&[r#""sent","seq":1,"mood":"good""#, ends]), vec![sent, end.clone()]),
        (
            said(&[r#""accepted","probeId":"x","agent":"x","node":"x","version":"x""#, ends]),
            vec![end.clone()],
        ),
        (said(&[r#""heartbeat""#, r#""teleported""#, ends]), vec![end.clone()]),
        (said(&[ends, r#""sent","seq":1"#]), vec![end]),
    ];
    for (said, heard) in table {
        assert_eq!(Stage::hear(said.as_bytes()).await, heard, "{said}");
    }
    let forged = r#""error","error":{"code":"forbidden","message":"m","missing":{"resource":"destinations","right":"metadata","user":"root"}}"#;
    let heard = Stage::hear(said(&[forged]).as_bytes()).await;
    assert_eq!(heard[0]["error"]["missing"]["user"], "alice");
}

/// Each probe's events and no other's; a worker of this version says nothing that it does not know.
#[tokio::test]
async fn an_event_is_of_its_own_probe() {
    let events = [
        r#"{"event":"replied","seq":1,"address":"10.0.0.1","bytes":64,"rttUs":1}"#,
        r#"{"event":"hop","ttl":1,"answers":[],"silent":3}"#,
        r#"{"event":"query","index":0,"name":"a.","type":"A","server":"10.96.0.10","port":53,"transport":"udp","outcome":"silence","tookUs":1,"sent":1}"#,
        r#"{"event":"teleported"}"#,
    ];
    let ends = format!("{AT}\"end\",\"reason\":\"completed\"}}\n");
    let line = |event: &str| format!("{AT}{}\n{ends}", &event[r#"{"event":"#.len()..]);
    for (at, event) in events.iter().enumerate() {
        let said = line(event);
        let heard = [
            Stage::hear_of::<PingRequest>(said.as_bytes()).await,
            Stage::hear_of::<TraceRequest>(said.as_bytes()).await,
            Stage::hear_of::<DnsRequest>(said.as_bytes()).await,
        ];
        for (probe, heard) in heard.iter().enumerate() {
            let passed = heard.len() == 2;
            assert_eq!(passed, probe == at, "{event}: {heard:?}");
            if passed {
                assert_eq!(heard[0], serde_json::from_str::<Value>(event).unwrap());
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_event_ends_the_stream() {
    let code = |heard: &[Value]| heard[0]["error"]["code"].as_str().unwrap().to_owned();
    for garbage in ["GET / HTTP/1.1\r\n", "{}\n", "[]\n", "\n", "{\"at\":1}\n", "\u{1b}[2J\n"] {
        let heard = Stage::hear(garbage.as_bytes()).await;
        assert_eq!((heard.len(), code(&heard).as_str()), (1, "internal"), "{garbage}");
    }
    for died in ["", &AT[..20]] {
        let heard = Stage::hear(died.as_bytes()).await;
        assert!(["workerDied", "internal"].contains(&code(&heard).as_str()), "{died}");
    }
    let endless = Stage::hear(&vec![b'a'; 10 * MAX_LINE_BYTES]).await;
    assert_eq!(code(&endless), "internal");
}

#[tokio::test(start_paused = true)]
async fn silence_is_filled_until_the_limit_and_then_the_worker_dies() {
    let mut stage = stage::<PingRequest>().await;
    let began = Instant::now();
    let mut last = began;
    loop {
        let line = stage.next().await.unwrap();
        assert!(last.elapsed() < HEARTBEAT);
        last = Instant::now();
        if line["event"] != "heartbeat" {
            assert_eq!(line, json!({"event": "end", "reason": "limit"}));
            break;
        }
    }
    assert_eq!(began.elapsed(), Duration::from_secs(60) + GRACE);
    assert_eq!(stage.broker.read(&mut [0]).await.unwrap(), 0, "the lifeline is cut");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_reads_nothing_keeps_neither_worker_nor_permit() {
    let mut stage = stage::<PingRequest>().await;
    let flood = format!("{AT}\"sent\",\"seq\":1}}\n").repeat(100_000);
    let mut worker = stage.worker.take().unwrap();
    tokio::spawn(async move { worker.write_all(flood.as_bytes()).await });
    stage.relay.await.unwrap();
    assert_eq!(stage.broker.read(&mut [0]).await.unwrap(), 0, "the lifeline is cut");
    assert_eq!(stage.lines.len(), Lines::QUEUE);
}

#[tokio::test]
async fn draining_and_hanging_up_cut_the_lifeline() {
    let mut drained = stage::<PingRequest>().await;
    drained.draining.cancel();
    assert_eq!(drained.next().await, Some(json!({"event": "end", "reason": "draining"})));
    assert_eq!(drained.broker.read(&mut [0]).await.unwrap(), 0);

    let mut hung_up = stage::<PingRequest>().await;
    drop(hung_up.lines);
    assert_eq!(hung_up.broker.read(&mut [0]).await.unwrap(), 0);
    drop(hung_up.worker);
}
