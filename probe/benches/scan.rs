//! `make bench`: the scan engine beside nmap, each as a process of its own, against the same targets
//! in the same run.
//!
//! Each round runs both, so that a busy moment of the machine hits both alike.

#[path = "scan/line.rs"]
mod line;
#[path = "scan/once.rs"]
mod once;
#[path = "../../tests/benches/ping/samples.rs"]
mod samples;

use std::{
    collections::BTreeSet,
    error::Error,
    io::{self, Write},
    time::{Duration, Instant},
};

use line::{Line, SERVER};
use samples::Samples;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ROUNDS: usize = 5;
/// None of the open ports may be missed in any of these.
const EXACT_ROUNDS: usize = 20;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip_while(|word| word != "once").collect();
    if let [_, target, ports, method, ..] = &words[..] {
        return once::run(target, ports, method);
    }
    show(
        "| scan of 65,535 ports behind two routers, engine alone | median (middle half) of runs | beside it | goal |",
    )?;
    show("| --- | --- | --- | --- |")?;
    let line = Line::new()?;
    beside(&line, "no delay, half-open", "syn", "-sS", ROUNDS, "at least 2.0 x")?;
    beside(&line, "no delay, by connecting", "connect", "-sT", 3, "at least 2.3 x")?;
    exact(&line, "no delay", EXACT_ROUNDS)?;
    discover(&line)?;
    line.lose()?;
    beside(&line, "1 % lost in each direction", "syn", "-sS", 1, "at least 20 x")?;
    exact(&line, "1 % lost in each direction", EXACT_ROUNDS)?;
    drop(line);
    filtered()
}

fn show(line: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}

fn ours(line: &Line, target: &str, ports: &str, method: &str) -> Result<BTreeSet<u16>> {
    let program = std::env::current_exe()?;
    let said = line.client(&[&program.to_string_lossy(), "once", target, ports, method])?;
    Ok(said.lines().map(str::parse).collect::<std::result::Result<_, _>>()?)
}

fn nmap(line: &Line, flag: &str) -> Result<String> {
    line.client(&["nmap", "-n", "-Pn", "-p-", flag, SERVER])
}

fn beside(
    line: &Line,
    what: &str,
    method: &str,
    flag: &str,
    rounds: usize,
    goal: &str,
) -> Result<()> {
    let (mut own, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        own.push(took(|| ours(line, SERVER, "-", method))?);
        theirs.push(took(|| nmap(line, flag))?);
    }
    row(what, &own, &format!("`nmap {flag}`"), &theirs, goal)
}

fn exact(line: &Line, what: &str, rounds: usize) -> Result<()> {
    let open = line.open();
    let mut exact = 0;
    for _ in 0..rounds {
        exact += usize::from(ours(line, SERVER, "-", "syn")? == open);
    }
    let count = open.len();
    show(&format!(
        "| {what}: runs that found exactly the {count} open ports | {exact} of {rounds} | | {rounds} of {rounds} |"
    ))?;
    Ok(())
}

/// A network with two hosts.
fn discover(line: &Line) -> Result<()> {
    let (mut own, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        own.push(took(|| ours(line, "10.98.3.0/24", "none", "syn"))?);
        theirs.push(took(|| line.client(&["nmap", "-n", "-sn", "10.98.3.0/24"]))?);
    }
    row("discovery of a /24", &own, "`nmap -sn`", &theirs, "quicker")
}

fn filtered() -> Result<()> {
    let line = Line::new()?;
    line.drop_all()?;
    let mut own = Vec::new();
    for _ in 0..ROUNDS {
        own.push(took(|| ours(&line, SERVER, "-", "syn"))?);
    }
    let (own, left) = (Samples::of(&own), line.remembered()?);
    show(&format!(
        "| everything filtered | {own} | {left} connections left in a router | at most 2,500 ms, fewer than 1,000 |"
    ))?;
    Ok(())
}

fn took<T>(run: impl FnOnce() -> Result<T>) -> Result<Duration> {
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
