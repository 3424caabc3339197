//! `make bench`: the dns engine beside dig, each as a process of its own, asking the same server in
//! the same run.

#[path = "dns/once.rs"]
mod once;
#[path = "../../tests/benches/ping/samples.rs"]
mod samples;
#[path = "dns/server.rs"]
mod server;

use std::{
    error::Error,
    io::{self, Write},
    time::{Duration, Instant},
};

use samples::Samples;
use server::{MANY, Server};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ROUNDS: usize = 50;
/// Of a thousand queries each.
const LONG_ROUNDS: usize = 5;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip_while(|word| word != "ask").collect();
    if let [_, server, times, ..] = &words[..] {
        return once::run(server, times.parse()?);
    }
    let server = Server::start()?;
    show("| dns, engine alone | median (middle half) of runs | beside it | goal |")?;
    show("| --- | --- | --- | --- |")?;
    compare(&server, "one query: netdiag's engine", 1, ROUNDS, "at most 1 x")?;
    compare(&server, "1,000 queries in a row: netdiag's engine", MANY, LONG_ROUNDS, "not slower")
}

fn compare(server: &Server, what: &str, queries: u32, rounds: usize, goal: &str) -> Result<()> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        ours.push(took(|| server.ours(queries))?);
        theirs.push(took(|| server.dig(queries))?);
    }
    let (ours, theirs) = (Samples::of(&ours), Samples::of(&theirs));
    let ratio = ours.median() / theirs.median();
    let peer = if queries == 1 { "`dig`" } else { "`dig -f`" };
    show(&format!("| {what} | {ours} | {peer}: {theirs}; ours {ratio:.2} x of it | {goal} |"))?;
    Ok(())
}

fn show(line: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}

fn took(run: impl FnOnce() -> Result<String>) -> Result<Duration> {
    let begin = Instant::now();
    run()?;
    Ok(begin.elapsed())
}
