//! One line on stderr that says how far a scan is; it leaves nothing behind.

use std::{io, time::Duration};

use tokio::time::Instant;

use crate::{render::number::count, session::Session};

/// What is done sooner needs no word.
const UNNOTICED: Duration = Duration::from_millis(300);

#[derive(Default)]
pub(super) struct Progress {
    began: Option<Instant>,
    /// Of the line that stands there.
    shown: usize,
    done: u64,
    total: u64,
    open: u32,
}

impl Progress {
    pub(super) fn begin(&mut self) {
        self.began = Some(Instant::now());
    }

    pub(super) fn show(
        &mut self,
        session: &mut Session<'_>,
        (done, total): (u64, u64),
        open: u32,
        left_us: Option<u64>,
    ) -> io::Result<()> {
        (self.done, self.total, self.open) = (done, total, open);
        let is_due = self.began.is_some_and(|began| began.elapsed() >= UNNOTICED);
        if !is_due || !session.shows_progress {
            return Ok(());
        }
        let line = line((done, total), open, left_us);
        let width = self.shown;
        self.shown = line.len();
        write!(session.err, "\r{line:<width$}")?;
        session.err.flush()
    }

    pub(super) fn clear(&mut self, session: &mut Session<'_>) -> io::Result<()> {
        let width = std::mem::take(&mut self.shown);
        if width > 0 {
            write!(session.err, "\r{:width$}\r", "")?;
            session.err.flush()?;
        }
        Ok(())
    }

    /// How far it came, and of how many.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.done, self.total)
    }

    /// For `cut off after ...`.
    pub(super) fn word(&self) -> String {
        let Self { done, total, open, .. } = self;
        format!("{} of {} ports ({open} open)", count(*done), count(*total))
    }
}

fn line((done, total): (u64, u64), open: u32, left_us: Option<u64>) -> String {
    let left = left_us.map(|us| format!(", about {:.1} s left", us as f64 / 1e6));
    let open = count(open.into());
    format!("scanning {} of {}, {open} open{}", count(done), count(total), left.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_and_how_long_still() {
        let shown = line((41_200, 65_535), 3, Some(204_000));
        assert_eq!(shown, "scanning 41,200 of 65,535, 3 open, about 0.2 s left");
        assert_eq!(line((0, 1_024), 0, None), "scanning 0 of 1,024, 0 open");
    }
}
