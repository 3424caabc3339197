//! `make bench`: the socket table of a namespace with 54,000 TCP sockets beside ss and netstat, each
//! as a process of its own in the same run; and what the engine holds in memory meanwhile.
//!
//! Each round runs every command once, so that a busy moment of the machine hits all alike.

#[path = "sockets/crowd.rs"]
mod crowd;
#[path = "sockets/once.rs"]
mod once;
#[path = "../../tests/benches/ping/samples.rs"]
mod samples;

use std::{
    error::Error,
    io::{self, Write},
    time::{Duration, Instant},
};

use crowd::Crowd;
use samples::Samples;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ROUNDS: usize = 10;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().collect();
    let place = words.iter().position(|word| word == "once" || word == "hold");
    if let Some([word, flags @ ..]) = place.map(|place| &words[place..]) {
        return if word == "hold" { crowd::hold(flags) } else { once::run(flags) };
    }
    let crowd = Crowd::gather()?;
    crowd.check()?;
    show(
        "| sockets, engine alone, 54,000 TCP sockets | median (middle half) of runs | beside it | goal |",
    )?;
    show("| --- | --- | --- | --- |")?;
    beside(&crowd, "all of TCP", &[], "ss -tan", 2.0)?;
    beside(&crowd, "with processes", &["processes"], "ss -tanp", 9.0)?;
    beside(&crowd, "with processes", &["processes"], "netstat -tanp", 8.0)?;
    beside(&crowd, "listening only", &["listening"], "ss -tln", 1.0)?;
    memory(&crowd)
}

fn show(line: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}

fn beside(crowd: &Crowd, what: &str, flags: &[&str], peer: &str, goal: f64) -> Result<()> {
    let words: Vec<_> = peer.split(' ').collect();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(took(|| crowd.ours(flags))?);
        theirs.push(took(|| crowd.run(&words))?);
    }
    let (ours, theirs) = (Samples::of(&ours), Samples::of(&theirs));
    let ratio = theirs.median() / ours.median();
    show(&format!(
        "| {what} | {ours} | `{peer}`: {theirs}, {ratio:.1} x as long | at least {goal} x |"
    ))?;
    Ok(())
}

fn took<T>(run: impl FnOnce() -> Result<T>) -> Result<Duration> {
    let begin = Instant::now();
    run()?;
    Ok(begin.elapsed())
}

/// Of a process that writes every event and keeps none.
fn memory(crowd: &Crowd) -> Result<()> {
    let alone = once::peak_kib(&crowd.ours(&["listening"])?)?;
    for flags in [&[][..], &["tcpInfo"], &["processes"]] {
        let kib = once::peak_kib(&crowd.ours(flags)?)?;
        show(&format!(
            "| peak memory {} | {kib} KiB | listening only: {alone} KiB | flat |",
            flags.first().unwrap_or(&"plain")
        ))?;
    }
    Ok(())
}
