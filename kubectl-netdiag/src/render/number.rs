//! Numbers as the screens have them: three significant digits, ranges, thousands.

/// A round trip, as iputils prints it: `0.412 ms`, `63.7 ms`, `1180 ms`.
pub(crate) fn ms(us: u64) -> String {
    format!("{} ms", ms_digits(us))
}

/// [`ms`] without its unit, for `min/avg/max/stddev`.
pub(crate) fn ms_digits(us: u64) -> String {
    let ms = us as f64 / 1_000.0;
    // The bounds are iputils' (ping_common.c), so that 9.9996 ms is "10.0" in both.
    match us {
        99_950.. => format!("{ms:.0}"),
        9_995.. => format!("{ms:.1}"),
        1_000.. => format!("{ms:.2}"),
        _ => format!("{ms:.3}"),
    }
}

/// How long something took: `0.412 ms`, `1.00 s`, `83 s`.
pub(crate) fn took(us: u64) -> String {
    if us < 1_000_000 { ms(us) } else { waited(us) }
}

/// How long was waited: `0.204 s`, `1.00 s`, `83 s`.
pub(crate) fn waited(us: u64) -> String {
    let seconds = us as f64 / 1e6;
    match us {
        99_950_000.. => format!("{seconds:.0} s"),
        9_995_000.. => format!("{seconds:.1} s"),
        999_500.. => format!("{seconds:.2} s"),
        _ => format!("{seconds:.3} s"),
    }
}

/// A setting, as short as it can be said: `1 s`, `0.5 s`, `1.25 s`.
pub(crate) fn setting(us: u64) -> String {
    format!("{} s", us as f64 / 1e6)
}

/// `1,000`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut shown = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `1 echo`, `2 echoes`: the number and the word that fits it.
pub(crate) fn counted(n: u32, one: &str, more: &str) -> String {
    format!("{} {}", count(n.into()), if n == 1 { one } else { more })
}

/// Whole per cent, never 0 of something or 100 of less than all.
pub(crate) fn percent(part: u32, whole: u32) -> u32 {
    let (part, whole) = (u64::from(part), u64::from(whole.max(1)));
    let rounded = (part * 200 + whole) / (whole * 2);
    match part {
        0 => 0,
        part if part == whole => 100,
        _ => rounded.clamp(1, 99) as u32,
    }
}

/// Ascending numbers with their runs folded: `9-11, 23, 31-33`.
pub(crate) fn ranges(numbers: &[u32]) -> String {
    let runs = numbers.chunk_by(|a, b| a.checked_add(1) == Some(*b));
    let shown = runs.map(|run| match run {
        [first, .., last] => format!("{first}-{last}"),
        _ => run.iter().map(u32::to_string).collect(),
    });
    shown.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_have_three_digits() {
        let shown = [17, 412, 999, 1_234, 9_994, 9_995, 63_712, 99_949, 99_950, 1_180_400];
        assert_eq!(
            shown.map(ms_digits),
            ["0.017", "0.412", "0.999", "1.23", "9.99", "10.0", "63.7", "99.9", "100", "1180"]
        );
    }

    #[test]
    fn waits_are_in_seconds_and_only_what_was_measured_short_in_ms() {
        let shown = [412, 120_000, 1_000_000, 3_061_000, 10_500_000, 120_000_000].map(took);
        assert_eq!(shown, ["0.412 ms", "120 ms", "1.00 s", "3.06 s", "10.5 s", "120 s"]);
        let shown = [50_000, 204_300, 999_700, 1_000_000, 12_040_000].map(waited);
        assert_eq!(shown, ["0.050 s", "0.204 s", "1.00 s", "1.00 s", "12.0 s"]);
        assert_eq!([1_000_000, 500_000, 1_250_000].map(setting), ["1 s", "0.5 s", "1.25 s"]);
    }

    #[test]
    fn per_cent_tells_some_from_none_and_all() {
        let shown = [(0, 50), (9, 50), (1, 1_000), (999, 1_000), (3, 3), (0, 0)];
        assert_eq!(shown.map(|(part, whole)| percent(part, whole)), [0, 18, 1, 99, 100, 0]);
    }

    #[test]
    fn runs_are_folded() {
        assert_eq!(ranges(&[9, 10, 11, 23, 31, 32, 33, 40, 47]), "9-11, 23, 31-33, 40, 47");
        assert_eq!(ranges(&[]), "");
        assert_eq!([7, 1_000, 12_345_678].map(count), ["7", "1,000", "12,345,678"]);
    }
}
