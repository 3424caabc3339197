//! A list of checks: one line each, or one for all where all is well.

use std::io::{self, Write};

use super::{Screen, block::sentence_of, number};
use crate::{
    diagnose::{Check, Checks},
    finding::Severity,
};

/// Of the longest name, `endpoints`, and a gap.
const NAME: usize = 11;

pub(crate) fn checks(
    out: &mut dyn Write,
    screen: &Screen,
    all: &Checks,
    took_us: u64,
) -> io::Result<()> {
    if !screen.shows_evidence() {
        return Ok(());
    }
    let named = |verdict: Severity| -> Vec<&str> {
        let such = all.checks.iter().filter(move |check| check.verdict == verdict);
        such.map(|check| check.name).collect()
    };
    let (well, skipped) = (named(Severity::Ok), named(Severity::Skip));
    let took = number::took(took_us);
    if well.len() + skipped.len() == all.checks.len() && screen.detail == 0 {
        let skips = match skipped.len() {
            0 => String::new(),
            count => format!(", {count} skipped ({})", skipped.join(" ")),
        };
        return writeln!(out, "{} checks well ({}){skips}; {took}", well.len(), well.join(" "));
    }
    for Check { name, verdict, text } in &all.checks {
        sentence_of(out, screen, *verdict, &format!("{name:<NAME$}{text}"))?;
    }
    let (count, probes) = (all.checks.len(), number::count(all.probes as u64));
    writeln!(out, "{count} checks, {probes} probes, {took}")
}
