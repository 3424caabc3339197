//! The namespace's counters, as `netstat -s` and `nstat` know them.

use std::{fs::File, io};

use netdiag_wire::sockets::Counters;

use super::text;

/// Longest name of a counter or a group.
const MAX_NAME: usize = 48;
/// Most counters that are told; a kernel of today has 500.
const MAX_COUNTERS: usize = 900;

/// Opened while files can be opened.
#[derive(Debug)]
pub(super) struct CounterFiles(Vec<(Format, File)>);

#[derive(Clone, Copy, Debug)]
enum Format {
    /// One line of names, one of values, each after its group.
    Pairs,
    /// One line a counter, whose group begins its name.
    Names,
    /// Names and values in turn, after their group.
    Mixed,
}

impl CounterFiles {
    pub(super) fn open() -> io::Result<Self> {
        let mut files = Vec::new();
        for (name, format) in [
            ("snmp", Format::Pairs),
            ("netstat", Format::Pairs),
            ("snmp6", Format::Names),
            ("sockstat", Format::Mixed),
            ("sockstat6", Format::Mixed),
        ] {
            files.extend(text::open(name)?.map(|file| (format, file)));
        }
        Ok(Self(files))
    }

    pub(super) fn read(&self) -> io::Result<Counters> {
        let mut table = Table::default();
        for (format, file) in &self.0 {
            table.read(*format, &text::read(file)?);
        }
        Ok(table.counters)
    }
}

#[derive(Debug, Default)]
struct Table {
    counters: Counters,
    count: usize,
}

impl Table {
    fn read(&mut self, format: Format, text: &str) {
        match format {
            Format::Pairs => self.pairs(text),
            Format::Names => self.names(text),
            Format::Mixed => self.mixed(text),
        }
    }

    fn pairs(&mut self, text: &str) {
        let mut lines = text.lines();
        while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
            let Some((group, names)) = names.split_once(':') else { continue };
            let Some((same, values)) = values.split_once(':') else { continue };
            if group == same {
                let names = names.split_ascii_whitespace();
                names
                    .zip(values.split_ascii_whitespace())
                    .for_each(|(name, value)| self.add(group, name, value));
            }
        }
    }

    fn names(&mut self, text: &str) {
        for line in text.lines() {
            let Some((whole, value)) = line.split_once(char::is_whitespace) else { continue };
            // `Ip6InReceives`; the longer one first.
            let groups = ["Icmp6", "UdpLite6", "Udp6", "Ip6"];
            let split = groups.iter().find_map(|group| Some((group, whole.strip_prefix(group)?)));
            if let Some((group, name)) = split {
                self.add(group, name, value.trim());
            }
        }
    }

    fn mixed(&mut self, text: &str) {
        for line in text.lines() {
            let Some((group, rest)) = line.split_once(':') else { continue };
            let words: Vec<_> = rest.split_ascii_whitespace().collect();
            for [name, value] in words.as_chunks().0 {
                self.add(&format!("sockstat.{group}"), name, value);
            }
        }
    }

    fn add(&mut self, group: &str, name: &str, value: &str) {
        let is_name = |text: &str| {
            (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
        };
        let Ok(value) = value.parse() else { return };
        if self.count < MAX_COUNTERS && is_name(group) && is_name(name) {
            self.count += 1;
            self.counters.0.entry(group.into()).or_default().insert(name.into(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(format: Format, text: &str) -> Counters {
        let mut table = Table::default();
        table.read(format, text);
        table.counters
    }

    #[test]
    fn every_format_reads() {
        let tcp = read(Format::Pairs, "Tcp: MaxConn CurrEstab\nTcp: -1 7\nUdp: A\nOdd: 1\n");
        assert_eq!((tcp.get("Tcp", "MaxConn"), tcp.get("Tcp", "CurrEstab")), (Some(-1), Some(7)));
        assert_eq!(tcp.get("Udp", "A"), None);
        let six = read(Format::Names, "Ip6InReceives   \t9\nIcmp6OutType133 \t4\nUdpLite6X 1\n");
        assert_eq!(six.get("Ip6", "InReceives"), Some(9));
        assert_eq!(six.get("Icmp6", "OutType133"), Some(4));
        let stat = read(Format::Mixed, "sockets: used 4\nTCP: inuse 1 orphan 0 tw 3\n");
        assert_eq!(stat.get("sockstat.TCP", "tw"), Some(3));
        assert_eq!(stat.get("sockstat.sockets", "used"), Some(4));
    }

    #[test]
    fn this_machine_has_the_ones_that_matter() {
        let counters = CounterFiles::open().unwrap().read().unwrap();
        for (group, name) in [
            ("Tcp", "RetransSegs"),
            ("TcpExt", "ListenOverflows"),
            ("IpExt", "InOctets"),
            ("Udp", "RcvbufErrors"),
            ("sockstat.TCP", "tw"),
        ] {
            assert!(counters.get(group, name).is_some(), "{group} {name}");
        }
        let json = serde_json::to_string(&counters).unwrap();
        assert!(json.len() < netdiag_wire::MAX_LINE_BYTES / 2, "{}", json.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 8))]

        #[test]
        fn whatever_the_text_it_fits_a_line(
            lines in prop::collection::vec("(Tcp|x{1,60}): ([a-z0-9é-]{1,60} ){0,60}", 0..60)
        ) {
            let text = lines.join("\n");
            for format in [Format::Pairs, Format::Names, Format::Mixed] {
                let json = serde_json::to_string(&read(format, &text)).unwrap();
                prop_assert!(json.len() < netdiag_wire::MAX_LINE_BYTES);
            }
        }
    }
}
