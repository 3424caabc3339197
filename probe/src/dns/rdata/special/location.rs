//! A place on earth (RFC 1876).

use super::super::super::cursor::{Cursor, Fault};

/// The equator and the prime meridian.
const ORIGIN: i64 = 1 << 31;
/// Of what altitudes are counted from, in centimetres below the spheroid.
const ALTITUDE_ORIGIN: i64 = 10_000_000;
const DEGREE: i64 = 3_600_000;

pub(in crate::dns::rdata) fn location(cursor: &mut Cursor<'_>) -> Result<String, Fault> {
    if cursor.u8()? != 0 {
        return Err("is of an unknown version");
    }
    let [size, horizontal, vertical] = [cursor.u8()?, cursor.u8()?, cursor.u8()?];
    let [latitude, longitude, altitude] = [cursor.u32()?, cursor.u32()?, cursor.u32()?];
    let latitude = angle(latitude, 90, ["N", "S"])?;
    let longitude = angle(longitude, 180, ["E", "W"])?;
    let altitude = i64::from(altitude) - ALTITUDE_ORIGIN;
    let sign = if altitude < 0 { "-" } else { "" };
    let altitude = format!("{sign}{}.{:02}m", altitude.abs() / 100, altitude.abs() % 100);
    let [size, horizontal, vertical] = [length(size)?, length(horizontal)?, length(vertical)?];
    Ok([latitude, longitude, altitude, size, horizontal, vertical].join(" "))
}

/// Thousandths of an arc second.
fn angle(value: u32, most: i64, [positive, negative]: [&str; 2]) -> Result<String, Fault> {
    let value = i64::from(value) - ORIGIN;
    let side = if value < 0 { negative } else { positive };
    let value = value.abs();
    if value > most * DEGREE {
        return Err("is no place on earth");
    }
    let (degrees, minutes) = (value / DEGREE, value / 60_000 % 60);
    let (seconds, thousandths) = (value / 1_000 % 60, value % 1_000);
    Ok(format!("{degrees} {minutes} {seconds}.{thousandths:03} {side}"))
}

/// A digit and the power of ten that it is multiplied with, in centimetres.
fn length(byte: u8) -> Result<String, Fault> {
    let (digit, power) = (u64::from(byte >> 4), u32::from(byte & 0xf));
    if digit > 9 || power > 9 {
        return Err("has a size that is none");
    }
    let centimetres = digit * 10u64.pow(power);
    // As dig does, which leaves out the fraction where it cannot be.
    Ok(match power {
        0 | 1 => format!("{}.{:02}m", centimetres / 100, centimetres % 100),
        _ => format!("{}m", centimetres / 100),
    })
}
