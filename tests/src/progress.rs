//! What a person reads while minutes pass: one line per step, with the time since the start.

use std::io::Write;
use std::sync::LazyLock;
use std::time::Instant;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Writes one line of progress to standard error.
pub fn say(line: &str) {
    let elapsed = START.elapsed().as_secs_f32();
    // Nobody reading is no reason to stop.
    let _ = writeln!(std::io::stderr(), "[{elapsed:6.1} s] {line}");
}

/// Writes one line that was asked for to standard output.
pub fn show(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
