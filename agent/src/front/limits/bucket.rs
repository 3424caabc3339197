//! So many a second, so many at once; time is an argument.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

/// A token bucket, kept as the time at which it would be full again.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    every: Duration,
    burst: u32,
    full_at: Option<Instant>,
}

impl Bucket {
    pub(crate) fn new(a_second: NonZeroU32, burst: NonZeroU32) -> Self {
        let every = Duration::from_secs(1) / a_second.get();
        Self { every, burst: burst.get(), full_at: None }
    }

    /// Takes one and says how long to wait before using it; when that is longer than `patience`
    /// takes nothing and says after what time it would not be.
    pub(crate) fn book(&mut self, now: Instant, patience: Duration) -> Result<Duration, Duration> {
        let full_at = self.full_at.map_or(now, |at| at.max(now));
        let delay = (full_at - now).saturating_sub(self.every * (self.burst - 1));
        if delay > patience {
            return Err(delay - patience);
        }
        self.full_at = Some(full_at + self.every);
        Ok(delay)
    }

    /// Nothing was taken that time has not given back.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        self.full_at.is_none_or(|at| at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_then_the_rate_holds() {
        let start = Instant::now();
        let mut bucket = Bucket::new(20.try_into().unwrap(), 60.try_into().unwrap());
        for _ in 0..60 {
            assert_eq!(bucket.book(start, Duration::ZERO), Ok(Duration::ZERO));
        }
        let every = Duration::from_millis(50);
        assert_eq!(bucket.book(start, Duration::ZERO), Err(every));
        assert_eq!(bucket.book(start, every), Ok(every));
        assert!(!bucket.is_full(start + Duration::from_secs(3)));
        assert!(bucket.is_full(start + Duration::from_millis(3_050)));
    }
}
