//! Times as they are typed: `1`, `0.2` (seconds, as ping takes them), `200ms`, `30s`, `1m30s`.

use std::time::Duration;

/// Bounds a command that says nothing else; ping ends by its count.
pub(crate) const DEADLINE: &str = "30s";

/// Reads seconds or Go's notation.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a time such as 0.2, 200ms, 30s or 1m30s".to_owned();
    if let Some(seconds) = decimal(text) {
        return Duration::try_from_secs_f64(seconds).map_err(|_| wrong());
    }
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, unit) = rest.split_at(end);
        let length = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let (unit, next) = unit.split_at(length);
        total += decimal(number).ok_or_else(wrong)? * scale(unit).ok_or_else(wrong)?;
        rest = next;
    }
    if text.is_empty() {
        Err(wrong())
    } else {
        Duration::try_from_secs_f64(total).map_err(|_| wrong())
    }
}

/// The same in microseconds, for what goes into a request.
pub(crate) fn micros(text: &str) -> Result<u32, String> {
    let micros = parse(text)?.as_micros();
    u32::try_from(micros).map_err(|_| format!("must be at most {} s", u32::MAX / 1_000_000))
}

/// For one packet or one connection, in microseconds.
pub(crate) fn wait(text: &str) -> Result<u32, String> {
    let us = micros(text)?;
    match (1_000..=60_000_000).contains(&us) {
        true => Ok(us),
        false => Err("the wait must be 0.001 s to 60 s".into()),
    }
}

/// What bounds a whole command.
pub(crate) fn deadline(text: &str) -> Result<Duration, String> {
    let time = parse(text)?;
    if time < Duration::from_millis(1) {
        Err("the deadline must be at least 0.001 s".into())
    } else {
        Ok(time)
    }
}

/// Only digits and one point: `inf`, `1e9` and `-1` are no times.
fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if plain { text.parse().ok() } else { None }
}

fn scale(unit: &str) -> Option<f64> {
    Some(match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_units() {
        for (text, millis) in [
            ("1", 1000),
            ("0.2", 200),
            (".5", 500),
            ("200ms", 200),
            ("30s", 30_000),
            ("1m30s", 90_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in
            ["", "-1", "1e3", "inf", "NaN", "5 s", "1x", "s", "1m30", "99999999999999999999h"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(micros("5000").is_err());
    }
}
