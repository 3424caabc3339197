//! Repeated times of one thing, in milliseconds.

use std::fmt;
use std::time::Duration;

/// Times, sorted.
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn of(times: &[Duration]) -> Self {
        let mut times: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1000.0).collect();
        times.sort_by(f64::total_cmp);
        Self(times)
    }

    pub(crate) fn median(&self) -> f64 {
        self.at(0.5)
    }

    fn at(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1) as f64;
        self.0.get((last * share).round() as usize).copied().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Samples {
    /// `76 ms (72-81) of 20`: the median, the middle half, how many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, median, high) = (self.at(0.25), self.median(), self.at(0.75));
        let places = usize::from(median < 20.0);
        let runs = self.0.len();
        write!(f, "{median:.places$} ms ({low:.places$}-{high:.places$}) of {runs}")
    }
}
