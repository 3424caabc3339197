//! Ctrl-C and SIGTERM end a ping with its summary.

use std::time::Duration;

use anyhow::Result;
use nix::sys::signal::Signal;
use serde_json::Value;

use netdiag_tests::{Pair, turn};

const SOON: Duration = Duration::from_secs(5);

#[test]
#[ignore = "needs a cluster: pings between two nodes"]
fn it_prints_the_summary() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        for (flags, end) in [("-i 0.2", " ms\n"), ("-c 100 -i 0.2", " of 100\n")] {
            let mut ping = pair.start_ping(flags)?;
            ping.wait_for("icmp_seq=2 ")?;
            ping.signal(signal)?;
            let run =
                ping.finish(SOON)?.exits(0).says("\n\nOK       ").says(" echoes replied, rtt ");
            assert!(run.stdout.ends_with(end), "{}", run.stdout);
            assert_eq!(run.stderr, "");
            println!("{signal} {flags}: {}", run.stdout.lines().last().unwrap_or_default());
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: pings between two nodes"]
fn programs_get_their_document_all_the_same() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let mut ping = pair.start_ping("-i 0.2 -o ndjson")?;
    ping.wait_for(r#""event":"replied","seq":2"#)?;
    ping.signal(Signal::SIGINT)?;
    let run = ping.finish(SOON)?.exits(0);
    let report: Value = serde_json::from_str(run.stdout.lines().last().unwrap_or_default())?;
    assert_eq!(
        (&report["kind"], &report["ping"]["ended"]),
        (&"PingReport".into(), &"cancelled".into())
    );
    Ok(())
}
