//! What a scan's targets are, before any name is looked up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::MAX_ADDRESSES;

/// One entry of `targets`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ScanTarget {
    Address(IpAddr),
    /// Resolved in the source, to one address.
    Name(String),
}

/// Every address and name, CIDRs expanded, in order, each once, without what `exclude` covers. An
/// IPv4 network's own and broadcast addresses belong to it only from /31 on (RFC 3021).
pub fn targets(written: &[String], exclude: &[String]) -> Result<Vec<ScanTarget>, String> {
    let excluded: Vec<Block> =
        exclude.iter().map(|text| exclusion(text)).collect::<Result<_, _>>()?;
    let mut found = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for text in written {
        let Some(block) = Block::read(text, "targets")? else {
            if text.contains('/') {
                return Err(format!("targets: {text:?} is no CIDR: write 10.244.1.0/24"));
            }
            found.push(ScanTarget::Name(text.clone()));
            continue;
        };
        let count = block.count();
        if count > u128::from(MAX_ADDRESSES) {
            return Err(format!(
                "targets: {text} has {count} addresses, must be at most {MAX_ADDRESSES}"
            ));
        }
        let addresses = block.hosts().filter(|a| !excluded.iter().any(|e| e.contains(*a)));
        found.extend(addresses.filter(|a| seen.insert(*a)).map(ScanTarget::Address));
        if found.len() > MAX_ADDRESSES as usize {
            return Err(format!("targets: more than {MAX_ADDRESSES} addresses together"));
        }
    }
    match found.is_empty() {
        true => Err("exclude: leaves no target".into()),
        false => Ok(found),
    }
}

fn exclusion(text: &str) -> Result<Block, String> {
    Block::read(text, "exclude")?
        .ok_or_else(|| format!("exclude: {text:?} is neither an address nor a CIDR"))
}

/// An address or a CIDR.
#[derive(Clone, Copy, Debug)]
struct Block {
    /// As bits from the highest; IPv4 in the lowest 32.
    first: u128,
    /// How many bits of an address are the hosts'.
    host_bits: u32,
    is_v4: bool,
}

impl Block {
    /// None for what can only be a name.
    fn read(text: &str, field: &str) -> Result<Option<Self>, String> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let Ok(address) = address.parse::<IpAddr>() else { return Ok(None) };
        let address = address.to_canonical();
        let (first, bits, is_v4) = match address {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32, true),
            IpAddr::V6(v6) => (v6.to_bits(), 128, false),
        };
        let length: u32 = match length {
            None => bits,
            Some(length) => length
                .parse()
                .ok()
                .filter(|length| *length <= bits)
                .ok_or_else(|| format!("{field}: {text}: the length must be 0 to {bits}"))?,
        };
        let block = Self { first, host_bits: bits - length, is_v4 };
        let network = first & !block.mask();
        if network != first {
            let right = Self { first: network, ..block }.address(network);
            return Err(format!(
                "{field}: {text} has host bits set: the network is {right}/{length}"
            ));
        }
        Ok(Some(block))
    }

    /// Ones where the host's bits are.
    fn mask(self) -> u128 {
        if self.host_bits == 128 { u128::MAX } else { (1 << self.host_bits) - 1 }
    }

    fn count(self) -> u128 {
        self.mask().saturating_add(1)
    }

    fn contains(self, address: IpAddr) -> bool {
        let (bits, is_v4) = match address {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()), true),
            IpAddr::V6(v6) => (v6.to_bits(), false),
        };
        is_v4 == self.is_v4 && bits & !self.mask() == self.first
    }

    fn hosts(self) -> impl Iterator<Item = IpAddr> {
        let last = self.first | self.mask();
        let has_ends = self.is_v4 && self.host_bits > 1;
        let ends = u128::from(has_ends);
        (self.first + ends..=last - ends).map(move |bits| self.address(bits))
    }

    fn address(self, bits: u128) -> IpAddr {
        match self.is_v4 {
            true => Ipv4Addr::from_bits(bits as u32).into(),
            false => Ipv6Addr::from_bits(bits).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(written: &[&str], exclude: &[&str]) -> Result<Vec<String>, String> {
        let owned =
            |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let found = targets(&owned(written), &owned(exclude))?;
        Ok(found
            .into_iter()
            .map(|target| match target {
                ScanTarget::Address(address) => address.to_string(),
                ScanTarget::Name(name) => name,
            })
            .collect())
    }

    #[test]
    fn networks_expand_in_order_and_once() {
        assert_eq!(expand(&["10.0.0.0/30"], &[]).unwrap(), ["10.0.0.1", "10.0.0.2"]);
        assert_eq!(expand(&["10.0.0.0/31"], &[]).unwrap(), ["10.0.0.0", "10.0.0.1"]);
        assert_eq!(expand(&["10.0.0.7/32", "10.0.0.7"], &[]).unwrap(), ["10.0.0.7"]);
        assert_eq!(expand(&["fd00::/127", "web"], &[]).unwrap(), ["fd00::", "fd00::1", "web"]);
        assert_eq!(expand(&["::ffff:10.0.0.7"], &[]).unwrap(), ["10.0.0.7"]);
        assert_eq!(expand(&["10.0.0.0/24"], &["10.0.0.0/25", "10.0.0.200"]).unwrap().len(), 126);
        assert_eq!(expand(&["10.0.0.0/16"], &[]).unwrap().len(), 65_534);
    }

    #[test]
    fn what_is_no_network_says_what_would_be() {
        for (written, exclude, said) in [
            (
                "10.244.1.15/24",
                "",
                "targets: 10.244.1.15/24 has host bits set: the network is 10.244.1.0/24",
            ),
            ("10.0.0.0/8", "", "targets: 10.0.0.0/8 has 16777216 addresses, must be at most 65536"),
            (
                "fd00::/64",
                "",
                "targets: fd00::/64 has 18446744073709551616 addresses, must be at most 65536",
            ),
            ("10.0.0.0/33", "", "targets: 10.0.0.0/33: the length must be 0 to 32"),
            ("0.0.0.0/0", "", "targets: 0.0.0.0/0 has 4294967296 addresses, must be at most 65536"),
            (
                "::/0",
                "",
                "targets: ::/0 has 340282366920938463463374607431768211455 addresses, must be at most 65536",
            ),
            ("web/24", "", "targets: \"web/24\" is no CIDR: write 10.244.1.0/24"),
            ("10.0.0.1", "10.0.0.1", "exclude: leaves no target"),
            ("10.0.0.1", "web", "exclude: \"web\" is neither an address nor a CIDR"),
        ] {
            let exclude: Vec<&str> = exclude.split_whitespace().collect();
            assert_eq!(expand(&[written], &exclude).unwrap_err(), said);
        }
    }
}
