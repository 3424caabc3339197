//! How much may be under way at once, by how much of it gets lost.

use std::time::Duration;

const LEAST_SLOTS: usize = 64;
/// Loss is looked at so often, and only where there were some answers.
const SPAN: Duration = Duration::from_millis(20);
const LEAST_ANSWERS: u32 = 32;
/// As a share of answers; less is the path's own, which fewer packets would not mend.
const BEARABLE: f64 = 0.06;
/// Ports that may stay unasked because every probe of theirs was lost.
const MISSED: f64 = 0.01;

#[derive(Debug)]
pub(super) struct Load {
    slots: usize,
    most: usize,
    /// Since the last look.
    answers: u32,
    recovered: u32,
    looked: Duration,
    all_answers: f64,
    all_recovered: f64,
}

impl Load {
    pub(super) fn new(slots: usize, most: usize) -> Self {
        let most = most.max(1);
        Self {
            slots: slots.min(most),
            most,
            answers: 0,
            recovered: 0,
            looked: Duration::ZERO,
            all_answers: 0.0,
            all_recovered: 0.0,
        }
    }

    pub(super) fn slots(&self) -> usize {
        self.slots
    }

    /// `is_recovered`: an earlier probe, or the answer to it, was lost.
    pub(super) fn answered(&mut self, now: Duration, is_recovered: bool) {
        self.answers += 1;
        self.recovered += u32::from(is_recovered);
        self.all_answers += 1.0;
        self.all_recovered += f64::from(u8::from(is_recovered));
        if !is_recovered && self.slots < self.most {
            self.slots += 1;
        }
        if now >= self.looked + SPAN && self.answers >= LEAST_ANSWERS {
            if f64::from(self.recovered) > BEARABLE * f64::from(self.answers) {
                self.slots = (self.slots / 2).max(LEAST_SLOTS.min(self.most));
            }
            (self.answers, self.recovered, self.looked) = (0, 0, now);
        }
    }

    /// Probes to a port after which silence is none of the loss that was seen, for all `ports`.
    pub(super) fn attempts(&self, ports: usize) -> usize {
        let lost = self.all_recovered / self.all_answers.max(1.0);
        let needed = (MISSED / ports as f64).ln() / (lost * 2.0).clamp(1e-6, 0.9).ln();
        needed.ceil() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn after(answers: u32, recovered_every: u32) -> Load {
        let mut load = Load::new(256, 1_024);
        (1..=answers).for_each(|at| load.answered(MS * at, at % recovered_every == 0));
        load
    }

    #[test]
    fn it_grows_while_nothing_gets_lost() {
        assert_eq!(after(300, u32::MAX).slots(), 556);
        assert_eq!(after(10_000, u32::MAX).slots(), 1_024);
    }

    #[test]
    fn much_loss_halves_it_and_little_does_not() {
        assert_eq!(after(10_000, 50).slots(), 1_024);
        assert!(after(10_000, 2).slots() < 128);
    }

    #[test]
    fn the_more_gets_lost_the_more_often_silence_is_asked() {
        assert!(after(10_000, u32::MAX).attempts(65_535) <= 3);
        assert_eq!(after(10_000, 50).attempts(65_535), 5);
        assert!(after(10_000, 5).attempts(65_535) > 6);
    }
}
