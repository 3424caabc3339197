//! `make bench`: the trace engine beside traceroute, each as a process of its own, on the same paths
//! in the same run.
//!
//! Each round runs every command once, so that a busy moment of the machine hits all alike.

#[path = "trace/chain.rs"]
mod chain;
#[path = "trace/once.rs"]
mod once;
#[path = "../../tests/benches/ping/samples.rs"]
mod samples;

use std::{
    error::Error,
    io::{self, Write},
    time::{Duration, Instant},
};

use chain::Chain;
use samples::Samples;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Of commands that end at once.
const ROUNDS: usize = 10;
/// Of those that wait for seconds.
const SLOW_ROUNDS: usize = 2;
/// Between two runs, so that routers may say again what they were silent about.
const REFILL: Duration = Duration::from_secs(5);

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip_while(|word| word != "once").collect();
    if let [_, host, queries, ..] = &words[..] {
        return once::run(host, queries.parse()?);
    }
    let chain = Chain::of_routers(5)?;
    show("| trace, engine alone | median (middle half) of runs | beside it | goal |")?;
    show("| --- | --- | --- | --- |")?;
    live(&chain)?;
    dead(&chain)?;
    in_a_row(&chain)
}

fn show(line: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}

/// To a server behind five routers.
fn live(chain: &Chain) -> Result<()> {
    let host = chain.server();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(took(|| chain.ours(&host, 1))?);
        theirs.push(took(|| chain.traceroute(&["-q1", "-N32", &host]))?);
        std::thread::sleep(REFILL);
    }
    let title = "five routers, all alive: netdiag's engine, one probe a hop";
    row(title, &ours, "`traceroute -q1 -N32`", &theirs, "at least 1.2 x")
}

/// To an address that the third router drops.
fn dead(chain: &Chain) -> Result<()> {
    let host = chain.dropped();
    for (flags, queries, goal) in [
        (&["-q1", "-N32"][..], 1, "at least 9 x"),
        (&["-q3", "-N32"], 3, "at least 25 x"),
        (&[], 3, "at least 50 x"),
    ] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..SLOW_ROUNDS {
            ours.push(took(|| chain.ours(&host, queries))?);
            std::thread::sleep(REFILL);
            theirs.push(took(|| chain.traceroute(&[flags, &[&host]].concat()))?);
        }
        let peer = format!("`traceroute {}`", flags.join(" "));
        row("dead behind the third of 30: netdiag's engine", &ours, peer.trim(), &theirs, goal)?;
    }
    Ok(())
}

/// Ten traces without a pause: how many know every hop.
fn in_a_row(chain: &Chain) -> Result<()> {
    std::thread::sleep(REFILL);
    let host = chain.server();
    let (mut complete, mut times) = (0, Vec::new());
    for _ in 0..10 {
        let begin = Instant::now();
        complete += usize::from(chain.ours(&host, 1)?.contains("6 of 6 hops"));
        times.push(begin.elapsed());
    }
    std::thread::sleep(REFILL);
    let mut theirs = 0;
    for _ in 0..10 {
        let said = chain.traceroute(&["-q1", "-N32", &host])?;
        theirs += usize::from(said.lines().count() == 7 && !said.contains('*'));
    }
    let longest = times.iter().max().map_or(0.0, Duration::as_secs_f64);
    show(&format!(
        "| ten without a pause, {complete} of 10 complete (`traceroute -q1 -N32`: {theirs}) | {}, longest {longest:.2} s | | 10 of 10, each at most 1.2 s |",
        Samples::of(&times)
    ))?;
    Ok(())
}

fn took(run: impl FnOnce() -> Result<String>) -> Result<Duration> {
    let begin = Instant::now();
    run()?;
    Ok(begin.elapsed())
}

fn row(what: &str, ours: &[Duration], peer: &str, theirs: &[Duration], goal: &str) -> Result<()> {
    let (ours, theirs) = (Samples::of(ours), Samples::of(theirs));
    let ratio = theirs.median() / ours.median();
    show(&format!("| {what} | {ours} | {peer}: {theirs}, {ratio:.1} x as long | {goal} |"))?;
    Ok(())
}
