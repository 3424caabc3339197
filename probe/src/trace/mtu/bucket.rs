//! When a router may say something again: Linux lets six ICMP errors out at once to one peer, and
//! then one a second.

use std::{collections::HashMap, net::IpAddr, time::Duration};

const BURST: f64 = 6.0;
const REFILL: Duration = Duration::from_secs(1);

/// What is left to those who answered, as far as that is seen from here.
#[derive(Debug, Default)]
pub(super) struct Buckets(HashMap<IpAddr, Level>);

#[derive(Clone, Copy, Debug)]
struct Level {
    left: f64,
    at: Duration,
}

impl Buckets {
    /// It said something.
    pub(super) fn took(&mut self, who: IpAddr, now: Duration) {
        let left = self.left(who, now) - 1.0;
        self.0.insert(who, Level { left, at: now });
    }

    /// Nobody knows how much it said.
    pub(super) fn emptied(&mut self, who: IpAddr, now: Duration) {
        self.0.insert(who, Level { left: 0.0, at: now });
    }

    /// From when on it can answer.
    pub(super) fn ready_at(&self, who: IpAddr, now: Duration) -> Duration {
        let missing = 1.0 - self.left(who, now);
        now + REFILL.mul_f64(missing.max(0.0))
    }

    fn left(&self, who: IpAddr, now: Duration) -> f64 {
        let Some(level) = self.0.get(&who) else { return BURST };
        let refilled = now.saturating_sub(level.at).as_secs_f64() / REFILL.as_secs_f64();
        (level.left + refilled).min(BURST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_at_once_and_then_one_a_second() {
        let (mut buckets, who) = (Buckets::default(), IpAddr::from([10, 9, 1, 2]));
        let second = Duration::from_secs(1);
        for _ in 0..6 {
            assert_eq!(buckets.ready_at(who, second), second);
            buckets.took(who, second);
        }
        assert_eq!(buckets.ready_at(who, second), 2 * second);
        assert_eq!(buckets.ready_at(who, 2 * second), 2 * second);
        assert_eq!(buckets.ready_at(IpAddr::from([10, 9, 2, 2]), second), second);
    }
}
