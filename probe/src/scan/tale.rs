//! What a scan says while it runs.

use std::time::Duration;

use netdiag_wire::scan::ScanEvent;

/// Between two words on how far it is.
const SPAN: Duration = Duration::from_millis(250);
/// Before anything is said of the time that is left.
const LEAST: Duration = Duration::from_millis(300);

pub(super) struct Tale<'a, E> {
    emit: &'a mut E,
    /// Ports of all parts, or addresses.
    total: u64,
    began: Duration,
    /// Of those parts that are over.
    done: u64,
    open: u32,
    said: Duration,
    pub(super) sent: u64,
    pub(super) asked_again: u32,
}

impl<'a, E: FnMut(ScanEvent)> Tale<'a, E> {
    pub(super) fn new(emit: &'a mut E) -> Self {
        Self {
            emit,
            total: 0,
            done: 0,
            began: Duration::ZERO,
            open: 0,
            said: Duration::ZERO,
            sent: 0,
            asked_again: 0,
        }
    }

    /// From here on it is about these, until there are others; none is nothing to tell.
    pub(super) fn begin(&mut self, total: u64, now: Duration) {
        (self.total, self.done, self.began) = (total, 0, now);
    }

    pub(super) fn say(&mut self, event: ScanEvent) {
        if let ScanEvent::Port(_) = event {
            self.open += 1;
        }
        (self.emit)(event);
    }

    /// How far it is at `now`, if it is time to say so. `done` is of this part.
    pub(super) fn progress(&mut self, now: Duration, done: usize) {
        if self.total == 0 || now < self.said + SPAN {
            return;
        }
        self.said = now;
        let done = self.done + done as u64;
        let left_us = left(now.saturating_sub(self.began), done, self.total);
        (self.emit)(ScanEvent::Progress { done, total: self.total, open: self.open, left_us });
    }

    pub(super) fn part_is_over(&mut self, pairs: usize) {
        self.done += pairs as u64;
    }
}

/// As long again as it took so far, by what is done.
fn left(elapsed: Duration, done: u64, total: u64) -> Option<u64> {
    let left = total.saturating_sub(done);
    (elapsed >= LEAST && done > 0)
        .then(|| (elapsed.as_micros() * u128::from(left) / u128::from(done)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_what_is_done() {
        let second = Duration::from_secs(1);
        assert_eq!(left(second, 100, 400), Some(3_000_000));
        assert_eq!(left(second, 400, 400), Some(0));
        assert_eq!(left(second, 0, 400), None);
        assert_eq!(left(second / 10, 100, 400), None);
    }

    #[test]
    fn progress_is_said_a_few_times_a_second() {
        let mut events = Vec::new();
        let mut emit = |event| events.push(event);
        let mut tale = Tale::new(&mut emit);
        tale.begin(10, Duration::ZERO);
        (0..1_000).for_each(|at| tale.progress(Duration::from_millis(at), 1));
        assert_eq!(events.len(), 3, "{events:?}");
    }
}
