//! Waiting for a condition with a deadline.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

const PAUSE: Duration = Duration::from_millis(100);

/// Tries `attempt` until it succeeds; past the deadline its last error is the answer.
pub fn until<T>(
    what: &str,
    deadline: Duration,
    mut attempt: impl FnMut() -> Result<T>,
) -> Result<T> {
    let end = Instant::now() + deadline;
    loop {
        match attempt() {
            Ok(value) => return Ok(value),
            Err(error) if Instant::now() >= end => {
                return Err(error.context(format!("{what}: not within {deadline:?}")));
            }
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

/// Waits until `condition` holds.
pub fn until_true(
    what: &str,
    deadline: Duration,
    mut condition: impl FnMut() -> bool,
) -> Result<()> {
    until(what, deadline, || condition().then_some(()).ok_or_else(|| anyhow!("it does not hold")))
}
