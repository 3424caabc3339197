//! The two clocks of a probe, and how long an answer took.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// One moment on both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Moment {
    /// Since the probe began; pace and waits go by it.
    pub(crate) elapsed: Duration,
    /// Since the epoch; round trips go by it, as the kernel's time stamps do.
    pub(crate) real: Duration,
}

/// An answer's time: the kernel's stamp, if it gave one, and when it was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) stamp: Option<Duration>,
    pub(crate) read: Moment,
}

pub(crate) fn moment(start: Instant) -> Moment {
    let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Moment { elapsed: start.elapsed(), real }
}

/// By the kernel's stamp, unless its clock was set in between: then by when it was read.
pub(crate) fn took(sent: Moment, at: Arrival) -> Duration {
    let longest = at.read.elapsed.saturating_sub(sent.elapsed);
    let stamped = at.stamp.and_then(|stamp| stamp.checked_sub(sent.real));
    stamped.filter(|took| *took <= longest).unwrap_or(longest)
}

pub(crate) fn micros(duration: Duration) -> u64 {
    duration.as_micros() as u64
}
