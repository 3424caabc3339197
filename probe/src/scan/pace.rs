//! How fast a scan may send, whatever it has to send.

use std::time::Duration;

/// Allowance is kept for so long, as timers are late, and on a busy machine this whole process is:
/// what was lost then would be missing from the rate.
const KEPT: Duration = Duration::from_millis(250);
/// But for no more packets than these, or those of `SHORT`: a pause never ends in a flood.
const MOST_KEPT: f64 = 64.0;
const SHORT: Duration = Duration::from_millis(20);

/// A bucket of packets that fills at the rate.
#[derive(Debug)]
pub(super) struct Pace {
    /// Packets a second.
    rate: Option<f64>,
    allowance: f64,
    filled: Duration,
}

impl Pace {
    /// The lower of the rates; none is no limit.
    pub(super) fn new(rates: impl IntoIterator<Item = u32>) -> Self {
        let rate = rates.into_iter().min().map(f64::from);
        Self { rate, allowance: 1.0, filled: Duration::ZERO }
    }

    /// Packets that may be sent now.
    pub(super) fn allowed(&mut self, now: Duration) -> usize {
        let Some(rate) = self.rate else { return usize::MAX };
        let since = now.saturating_sub(self.filled).as_secs_f64();
        let most = (rate * KEPT.as_secs_f64()).min(MOST_KEPT);
        let most = most.max(rate * SHORT.as_secs_f64()).max(1.0);
        self.allowance = (self.allowance + since * rate).min(most);
        self.filled = self.filled.max(now);
        self.allowance as usize
    }

    pub(super) fn spend(&mut self, packets: usize) {
        if self.rate.is_some() {
            self.allowance -= packets as f64;
        }
    }

    /// When the next packet may be sent.
    pub(super) fn ready_at(&self) -> Duration {
        let missing = (1.0 - self.allowance).max(0.0);
        self.rate
            .map_or(Duration::ZERO, |rate| self.filled + Duration::from_secs_f64(missing / rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_lower_rate_holds_from_the_first_packet_on() {
        let mut pace = Pace::new([1_000, 200]);
        let mut sent = 0;
        for at in 0..10_000 {
            let now = MS * at;
            let count = pace.allowed(now);
            pace.spend(count);
            sent += count;
        }
        assert!((1_999..=2_001).contains(&sent), "{sent}");
    }

    #[test]
    fn a_pause_is_not_made_up_for() {
        let mut pace = Pace::new([200]);
        assert_eq!(pace.allowed(MS * 5_000), 50);
        pace.spend(50);
        assert_eq!(pace.allowed(MS * 5_000), 0);
        assert_eq!(pace.ready_at(), MS * 5_005);
        assert_eq!(pace.allowed(MS * 5_005), 1);
    }

    #[test]
    fn a_rate_holds_although_its_turns_come_late() {
        let mut pace = Pace::new([200]);
        let mut sent = 0;
        for at in (0..10_000).step_by(130) {
            let count = pace.allowed(MS * at);
            pace.spend(count);
            sent += count;
        }
        assert!((1_960..=2_001).contains(&sent), "{sent}");
    }

    #[test]
    fn a_high_rate_keeps_little() {
        assert_eq!(Pace::new([1_000]).allowed(MS * 5_000), 64);
        assert_eq!(Pace::new([10_000]).allowed(MS * 5_000), 200);
        assert_eq!(Pace::new([1]).allowed(MS * 5_000), 1);
    }

    #[test]
    fn without_a_rate_there_is_no_limit() {
        let mut pace = Pace::new([]);
        assert_eq!(pace.allowed(MS), usize::MAX);
        pace.spend(1 << 20);
        assert_eq!(pace.allowed(MS), usize::MAX);
        assert_eq!(pace.ready_at(), Duration::ZERO);
    }
}
