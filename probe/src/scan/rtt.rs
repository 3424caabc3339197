//! How long answers take, by RFC 6298.

use std::time::Duration;

/// Smoothed over all answers of a part of a scan.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rtt(Option<Smoothed>);

#[derive(Clone, Copy, Debug)]
struct Smoothed {
    mean: Duration,
    deviation: Duration,
    least: Duration,
}

impl Rtt {
    pub(super) fn note(&mut self, sample: Duration) {
        self.0 = Some(match self.0 {
            None => Smoothed { mean: sample, deviation: sample / 2, least: sample },
            Some(Smoothed { mean, deviation, least }) => Smoothed {
                mean: (mean * 7 + sample) / 8,
                deviation: (deviation * 3 + mean.abs_diff(sample)) / 4,
                least: least.min(sample),
            },
        });
    }

    pub(super) fn is_known(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn mean(&self) -> Duration {
        self.0.map_or(Duration::ZERO, |known| known.mean)
    }

    /// Nothing was quicker so far.
    pub(super) fn least(&self) -> Duration {
        self.0.map_or(Duration::ZERO, |known| known.least)
    }

    /// After which silence means something.
    pub(super) fn patience(&self) -> Duration {
        self.0.map_or(Duration::ZERO, |known| known.mean * 2 + known.deviation * 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn patience_follows_the_answers_and_how_much_they_differ() {
        let mut rtt = Rtt::default();
        assert_eq!(rtt.patience(), Duration::ZERO);
        (0..100).for_each(|_| rtt.note(20 * MS));
        assert!((40 * MS..42 * MS).contains(&rtt.patience()), "{rtt:?}");
        (0..100).for_each(|at| rtt.note(if at % 2 == 0 { MS } else { 40 * MS }));
        assert!(rtt.patience() > 100 * MS, "{rtt:?}");
        assert_eq!(rtt.least(), MS);
    }
}
