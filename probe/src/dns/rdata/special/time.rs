//! Seconds since 1970, as signatures have them.

/// `YYYYMMDDHHMMSS` (RFC 4034, section 3.2), until 2106.
pub(in crate::dns::rdata) fn time(seconds: u32) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}")
}

/// By eras of 400 years that begin on the first of March, so that a leap day comes last.
fn date(days_since_1970: u32) -> (u32, u32, u32) {
    const DAYS_OF_ERA: u32 = 146_097;
    let days = days_since_1970 + 719_468;
    let (era, day_of_era) = (days / DAYS_OF_ERA, days % DAYS_OF_ERA);
    let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u32::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_dates() {
        for (seconds, expected) in [
            (0, "19700101000000"),
            (951_782_400, "20000229000000"),
            (1_709_251_199, "20240229235959"),
            (1_709_251_200, "20240301000000"),
            (1_767_225_599, "20251231235959"),
            (u32::MAX, "21060207062815"),
        ] {
            assert_eq!(time(seconds), expected);
        }
    }
}
