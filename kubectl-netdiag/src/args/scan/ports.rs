//! `-p`: numbers, ranges and names of ports, and which ports are asked without it.

use netdiag_wire::scan::{Ports, ScanProtocol};

use crate::{
    near::nearest,
    plan::{DeclaredPort, PortProtocol},
};

/// The most used first, then IANA's by number.
const LISTS: [&str; 2] = [include_str!("usual.txt"), include_str!("services.txt")];

/// What was typed after `-p`, in its parts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PortList {
    /// As it was typed.
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Ports(Ports),
    Name(String),
}

impl PortList {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(Part::parse).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), parts })
    }

    /// Of a flag that was given several times.
    pub(crate) fn joined(lists: &[Self]) -> Option<Self> {
        let text = lists.iter().map(Self::text).collect::<Vec<_>>().join(",");
        let parts = lists.iter().flat_map(|list| list.parts.clone()).collect();
        (!lists.is_empty()).then_some(Self { text, parts })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Names that an object declares come before those that everybody knows.
    pub(crate) fn resolve(
        &self,
        protocol: ScanProtocol,
        declared: &[DeclaredPort],
    ) -> Result<Ports, String> {
        let ports = self.parts.iter().map(|part| match part {
            Part::Ports(ports) => Ok(ports.ranges().map(|r| (*r.start(), *r.end())).collect()),
            Part::Name(name) => by_name(name, protocol, declared).map(|port| vec![(port, port)]),
        });
        let ranges: Vec<Vec<(u16, u16)>> = ports.collect::<Result<_, _>>()?;
        Ok(ranges.into_iter().flatten().collect())
    }
}

impl Part {
    fn parse(text: &str) -> Result<Self, String> {
        let is_name = text.bytes().any(|byte| byte.is_ascii_alphabetic());
        if is_name && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.+".contains(&b)) {
            return Ok(Self::Name(text.to_ascii_lowercase()));
        }
        text.parse()
            .map(Self::Ports)
            .map_err(|error: netdiag_wire::scan::PortsError| error.to_string())
    }
}

fn by_name(name: &str, protocol: ScanProtocol, declared: &[DeclaredPort]) -> Result<u16, String> {
    let of_object = declared
        .iter()
        .find(|port| port.name.as_deref() == Some(name) && is(port.protocol, protocol));
    if let Some(port) = of_object {
        return Ok(port.number);
    }
    let found = listed(protocol).find(|service| service.names().any(|known| known == name));
    found.map(|service| service.port).ok_or_else(|| {
        let declared = declared.iter().filter_map(|port| port.name.as_deref());
        let known = listed(protocol).flat_map(|service| service.names.split_whitespace());
        let words: Vec<String> = declared.chain(known).map(str::to_owned).collect();
        match nearest(name, words.iter().map(String::as_str)) {
            Some(near) => format!("no {} port is called {name}; there is {near}", word(protocol)),
            None => format!("no {} port is called {name}: give its number", word(protocol)),
        }
    })
}

pub(super) fn is(declared: PortProtocol, protocol: ScanProtocol) -> bool {
    matches!(
        (declared, protocol),
        (PortProtocol::Tcp, ScanProtocol::Tcp) | (PortProtocol::Udp, ScanProtocol::Udp)
    )
}

fn word(protocol: ScanProtocol) -> &'static str {
    match protocol {
        ScanProtocol::Tcp => "TCP",
        ScanProtocol::Udp => "UDP",
    }
}

/// The `most` used; all of the list without it.
pub(crate) fn usual(protocol: ScanProtocol, most: Option<usize>) -> Ports {
    let mut ports: Vec<u16> = Vec::new();
    for service in listed(protocol) {
        if !ports.contains(&service.port) {
            ports.push(service.port);
        }
    }
    ports.into_iter().take(most.unwrap_or(usize::MAX)).collect()
}

#[derive(Clone, Copy)]
struct Service<'a> {
    port: u16,
    names: &'a str,
}

impl<'a> Service<'a> {
    fn names(self) -> impl Iterator<Item = &'a str> {
        self.names.split_whitespace()
    }
}

fn listed(protocol: ScanProtocol) -> impl Iterator<Item = Service<'static>> {
    let suffix = match protocol {
        ScanProtocol::Tcp => "tcp",
        ScanProtocol::Udp => "udp",
    };
    let lines = LISTS.into_iter().flat_map(str::lines).filter(|line| !line.starts_with('#'));
    lines.filter_map(move |line| {
        let (port, names) = line.split_once(' ').unwrap_or((line, ""));
        let (port, protocol) = port.split_once('/')?;
        (protocol == suffix).then_some(())?;
        Some(Service { port: port.parse().ok()?, names })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str) -> Result<String, String> {
        let http =
            DeclaredPort { name: Some("http".into()), number: 8080, protocol: PortProtocol::Tcp };
        PortList::parse(text)?.resolve(ScanProtocol::Tcp, &[http]).map(|ports| ports.to_string())
    }

    #[test]
    fn numbers_ranges_and_names_may_be_mixed() {
        for (typed, ports) in [
            ("443,80", "80,443"),
            ("-", "1-65535"),
            ("-1024", "1-1024"),
            ("http", "8080"),
            ("HTTPS,ssh", "22,443"),
            ("www", "80"),
            ("kubelet,1-3", "1-3,10250"),
            ("postgresql,etcd-client", "2379,5432"),
        ] {
            assert_eq!(resolve(typed).as_deref(), Ok(ports), "{typed}");
        }
    }

    #[test]
    fn what_is_no_port_says_so() {
        for (typed, said) in [
            ("0", "\"0\" is no port: must be 1 to 65535"),
            ("65536", "\"65536\" is no port: must be 1 to 65535"),
            ("90-80", "90-80 is reversed: write 80-90"),
            ("", "\"\" is no port: must be 1 to 65535"),
            ("80;443", "\"80;443\" is no port: must be 1 to 65535"),
            ("kubelt", "no TCP port is called kubelt; there is kubelet"),
            ("frobnicate", "no TCP port is called frobnicate: give its number"),
        ] {
            assert_eq!(resolve(typed).unwrap_err(), said, "{typed}");
        }
    }

    #[test]
    fn the_lists_fit_the_slow_lane_and_begin_with_the_most_used() {
        let all = usual(ScanProtocol::Tcp, None);
        assert!((300..=1_024).contains(&all.len()), "{}", all.len());
        assert!((80..=1_024).contains(&usual(ScanProtocol::Udp, None).len()));
        assert_eq!(usual(ScanProtocol::Tcp, Some(3)).to_string(), "80,443,8080");
        for port in [22, 2379, 6443, 10250, 5432, 30000] {
            assert!(all.contains(port), "{port}");
        }
    }

    #[test]
    fn every_line_of_the_lists_is_read() {
        let lines = LISTS.into_iter().flat_map(str::lines).filter(|line| !line.starts_with('#'));
        let read = listed(ScanProtocol::Tcp).count() + listed(ScanProtocol::Udp).count();
        assert_eq!(read, lines.count());
    }
}
