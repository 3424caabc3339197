//! A set of ports as people write it.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Ports 1 to 65535, as ranges in order that neither overlap nor touch; written `1-1024,8080`.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Ports(Vec<(u16, u16)>);

/// Which part is no port or range.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PortsError {
    #[error("{0:?} is no port: must be 1 to 65535")]
    NoPort(String),
    #[error("{first}-{last} is reversed: write {last}-{first}")]
    Reversed { first: u16, last: u16 },
}

impl Ports {
    pub fn all() -> Self {
        Self(vec![(1, u16::MAX)])
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(|(first, last)| usize::from(last - first) + 1).sum()
    }

    pub fn contains(&self, port: u16) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&port))
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }

    pub fn ranges(&self) -> impl Iterator<Item = RangeInclusive<u16>> + '_ {
        self.0.iter().map(|(first, last)| *first..=*last)
    }

    pub fn without(&self, other: &Self) -> Self {
        self.iter().filter(|port| !other.contains(*port)).collect()
    }
}

impl FromIterator<u16> for Ports {
    /// Port 0, which is none, is left out.
    fn from_iter<I: IntoIterator<Item = u16>>(ports: I) -> Self {
        ports.into_iter().filter(|port| *port != 0).map(|port| (port, port)).collect()
    }
}

impl FromIterator<(u16, u16)> for Ports {
    fn from_iter<I: IntoIterator<Item = (u16, u16)>>(ranges: I) -> Self {
        let mut ranges: Vec<(u16, u16)> = ranges.into_iter().collect();
        ranges.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::new();
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last);
                }
                Some(_) | None => merged.push((first, last)),
            }
        }
        Self(merged)
    }
}

impl FromStr for Ports {
    type Err = PortsError;

    /// `-` alone is all of them, `-1024` and `1024-` are open to one side, as nmap has it.
    fn from_str(text: &str) -> Result<Self, PortsError> {
        let ranges: Result<Vec<_>, _> = text.split(',').map(range).collect();
        Ok(ranges?.into_iter().collect())
    }
}

fn range(part: &str) -> Result<(u16, u16), PortsError> {
    let port = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let port = if is_number { text.parse().ok().filter(|port| *port > 0) } else { None };
        port.ok_or_else(|| PortsError::NoPort(text.to_owned()))
    };
    let Some((first, last)) = part.split_once('-') else {
        return port(part).map(|port| (port, port));
    };
    let first = if first.is_empty() { 1 } else { port(first)? };
    let last = if last.is_empty() { u16::MAX } else { port(last)? };
    if first > last {
        return Err(PortsError::Reversed { first, last });
    }
    Ok((first, last))
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.0.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            match first == last {
                true => write!(f, "{comma}{first}")?,
                false => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

impl Serialize for Ports {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(Self::default());
        }
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_put_in_order_and_joined() {
        for (written, shown, count) in [
            ("80", "80", 1),
            ("443,80", "80,443", 2),
            ("1-3,2-5,6", "1-6", 6),
            ("-", "1-65535", 65_535),
            ("-2", "1-2", 2),
            ("65534-", "65534-65535", 2),
            ("80,80,80", "80", 1),
        ] {
            let ports: Ports = written.parse().unwrap();
            assert_eq!((ports.to_string().as_str(), ports.len()), (shown, count), "{written}");
            assert_eq!(ports.iter().count(), count);
            assert_eq!(shown.parse::<Ports>().unwrap(), ports);
        }
        let most: Ports = "1-10".parse().unwrap();
        assert_eq!(most.without(&"2-4,9".parse().unwrap()).to_string(), "1,5-8,10");
    }

    #[test]
    fn what_is_no_port_is_named() {
        for (written, said) in [
            ("0", "\"0\" is no port: must be 1 to 65535"),
            ("65536", "\"65536\" is no port: must be 1 to 65535"),
            ("80,", "\"\" is no port: must be 1 to 65535"),
            ("", "\"\" is no port: must be 1 to 65535"),
            ("http", "\"http\" is no port: must be 1 to 65535"),
            ("1-2-3", "\"2-3\" is no port: must be 1 to 65535"),
            ("+80", "\"+80\" is no port: must be 1 to 65535"),
            ("90-80", "90-80 is reversed: write 80-90"),
        ] {
            assert_eq!(written.parse::<Ports>().unwrap_err().to_string(), said);
        }
    }
}
