//! Every option of ping does what it says, over a real path of two routers.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

use netdiag_tests::{Pair, turn};

#[test]
#[ignore = "needs a cluster: pings between two nodes"]
fn counts_and_intervals() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let begin = Instant::now();
    let run = pair.ping("-c 4 -i 0.25")?.exits(0).says("\nOK       4 of 4 echoes replied, rtt ");
    assert!(begin.elapsed().as_secs_f64() > 0.75, "{:?}", begin.elapsed());
    assert_eq!(run.stdout.matches("64 bytes from ").count(), 4);
    assert!(run.stdout.starts_with(&pair.header()), "{}", run.stdout);
    let run = pair.ping("-c 50 -i 0.01")?.exits(0).says("\nOK       50 of 50 echoes replied");
    assert_eq!(run.stdout.matches(" ttl=62 ").count(), 50, "two routers on the way");
    let run = pair.ping("-c 5 --once")?.exits(0).says("\nOK       1 of 1 echoes replied");
    assert_eq!(run.stdout.matches("64 bytes from ").count(), 1);
    let run = pair.ping("-c 3 -i 0.2 -q")?.exits(0).says("3 of 3 echoes replied");
    assert_eq!(run.stdout.matches("bytes from").count(), 0);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: pings for longer than a worker may take to begin"]
fn a_ping_lasts_as_long_as_it_was_asked_to() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let _ = pair.ping("-c 13 -i 1 -q")?.exits(0).says("\nOK       13 of 13 echoes replied, ");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: pings between two nodes"]
fn a_deadline_ends_the_whole_command() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let begin = Instant::now();
    let cut_off = "ended after 2 of 50: its deadline passed\n";
    // The second echo is due while a slow machine has still 2 s to begin, the third never is.
    let started = [
        ("-c 50 -i 3 --deadline 5.5", 1, "UNKNOWN  ND0309", cut_off),
        ("-c 50 -i 3 -w 5.5s", 1, "UNKNOWN  ND0309", cut_off),
        ("-i 3 --deadline 5500ms", 0, "OK     ", " ms\n"),
    ]
    .map(|(flags, code, word, end)| (pair.start_ping(flags), flags, code, word, end));
    for (running, flags, code, word, end) in started {
        let verdict = format!("\n{word}  2 of 2 echoes replied, ");
        let run = running?.finish(Duration::from_secs(20))?.exits(code).says(&verdict);
        let took = begin.elapsed().as_secs_f64();
        println!("{flags}: {took:.2} s");
        assert!(took > 5.4, "{took}");
        assert!(run.stdout.ends_with(end), "{}", run.stdout);
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: pings between two nodes"]
fn sizes_up_to_the_mtu_and_beyond() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    for size in [0, 1, 56, 1472, 1473, 9000, 65_507] {
        let bytes = format!("\n{} bytes from {}: icmp_seq=1 ", size + 8, pair.server.ip());
        let _ = pair.ping(&format!("-c 1 --size {size}"))?.exits(0).says(&bytes);
    }
    let _ = pair.ping("-c 1 --df --size 1472")?.exits(0).says("1480 bytes from ");
    let run = pair.ping("-c 1 --df --size 1473")?.exits(1);
    let run = run.says("\nnot sent: icmp_seq=1, longer than the MTU of 1500 bytes\n");
    let _ = run.says(
        "FAIL     ND0305  nothing was sent: 1501 bytes are longer than the MTU of 1500 bytes, \
         and --df forbids fragments\n",
    );
    Ok(())
}

#[test]
#[ignore = "needs a cluster: pings between two nodes"]
fn a_ttl_ends_where_it_must() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let (near, far) = (&pair.client.node, &pair.server.node);
    let run = pair.ping("-c 1 --ttl 1")?.exits(1).says("rejected: icmp_seq=1 TTL exceeded after ");
    let run = run.says(&format!(" ({near}, gateway of its pods)\n"));
    let _ = run.says(&format!("\nFAIL     ND0304  rejected by {near}: the TTL ended there, "));
    let run = pair.ping("-c 1 -t 2")?.exits(1);
    let _ = run.says(&format!("\nFAIL     ND0304  rejected by {far}: the TTL ended there, "));
    let _ = pair.ping("-c 1 --ttl 3")?.exits(0);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: pings between two nodes"]
fn a_source_address_must_be_the_pods() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let ip = pair.client.ip().to_string();
    let report: Value = pair.ping(&format!("-c 1 -S {ip} -o json"))?.exits(0).json();
    assert_eq!(report["ping"]["sourceAddress"], ip.as_str());
    let run = pair.ping("-c 1 -S 192.0.2.1")?.exits(2);
    println!("{}", run.stderr);
    let start =
        "error    ND0030  source 192.0.2.1 is no address of this network namespace; it has ";
    assert!(run.stderr.starts_with(start), "{}", run.stderr);
    for address in ["127.0.0.1", &ip] {
        let rest = &run.stderr[start.len()..];
        assert!(rest.split([',', ' ']).any(|word| word == address), "{address}: {}", run.stderr);
    }
    assert_eq!(run.stdout, "");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: pings between two nodes"]
fn time_stamps_and_families() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let run = pair.ping("-D -c 2 -i 0.2")?.exits(0);
    let stamps = run.stdout.lines().filter_map(|line| line.strip_prefix('['));
    let stamps: Vec<f64> = stamps
        .map(|line| line.split(']').next().context("no stamp")?.parse().context("no time"))
        .collect::<Result<_>>()?;
    let apart = stamps[1] - stamps[0];
    assert!(stamps.len() == 2 && (0.1..1.0).contains(&apart), "{stamps:?}");
    let _ = pair.ping("-4 -c 1")?.exits(0);
    if pair.server.ips.len() == 1 {
        let (target, ip) = (pair.server.target(), pair.server.ip());
        let line = format!("error    ND0021  {target} has no IPv6 address; it has {ip}");
        let _ = pair.ping("-6 -c 1")?.refuses(&line);
    } else {
        let _ = pair.ping("-6 -c 1")?.exits(0).says(&pair.server.ips[1].to_string());
    }
    Ok(())
}
