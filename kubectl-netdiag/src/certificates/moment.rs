//! A second of the calendar, also where jiff's `Timestamp` ends: 99991231235959Z means "never".

use std::fmt;

use jiff::{SignedDuration, Timestamp, civil::DateTime};
use serde::{Serialize, Serializer};

/// Seconds since 1970-01-01 00:00:00 UTC.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Moment(pub(crate) i64);

const DAY: u64 = 24 * 3600;
const YEAR: u64 = 365 * DAY;

impl Moment {
    pub(crate) fn of(timestamp: Timestamp) -> Self {
        Self(timestamp.as_second())
    }

    /// Seconds from `other` to here; below zero where `other` is later.
    pub(crate) fn since(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }

    /// By the letters of strftime; `?` where no calendar has it.
    pub(super) fn written(self, form: &str) -> String {
        self.civil().map_or_else(|| "?".into(), |civil| civil.strftime(form).to_string())
    }

    fn civil(self) -> Option<DateTime> {
        let epoch = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
        epoch.checked_add(SignedDuration::from_secs(self.0)).ok()
    }
}

/// `2026-11-22 03:07:11`, in UTC.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.written("%Y-%m-%d %H:%M:%S"))
    }
}

/// RFC 3339.
impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.civil() {
            Some(civil) => serializer.collect_str(&civil.strftime("%Y-%m-%dT%H:%M:%SZ")),
            None => serializer.serialize_none(),
        }
    }
}

/// `90 days`, `4 h 12 min`, `4 years`: as coarse as it serves.
pub(crate) fn span(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..60 => (seconds, "s"),
        60..3600 => (seconds / 60, "min"),
        3600..172_800 => {
            let (hours, minutes) = (seconds / 3600, seconds % 3600 / 60);
            return format!("{hours} h {minutes} min");
        }
        172_800..63_072_000 => (seconds / DAY, "days"),
        _ => (seconds / YEAR, "years"),
    };
    format!("{count} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_second_of_the_calendar_has_a_text() {
        assert_eq!(Moment(253_402_300_799).to_string(), "9999-12-31 23:59:59");
        assert_eq!(Moment(-631_152_000).to_string(), "1950-01-01 00:00:00");
        assert_eq!(Moment(i64::MAX).to_string(), "?");
    }

    #[test]
    fn a_span_is_coarse() {
        for (seconds, text) in [
            (59, "59 s"),
            (3599, "59 min"),
            (15_120, "4 h 12 min"),
            (172_800, "2 days"),
            (90 * DAY, "90 days"),
            (4 * YEAR + DAY, "4 years"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }
}
