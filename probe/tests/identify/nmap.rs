//! nmap's own findings.

use netdiag_wire::scan::ScanProtocol;

use super::services;
use crate::lab::{Netns, SERVER};

/// One port of its table.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) protocol: ScanProtocol,
    pub(super) port: u16,
    pub(super) service: String,
    pub(super) version: String,
}

pub(super) fn versions(from: &Netns) -> Vec<Line> {
    let (tcp, udp) = (services::ports(ScanProtocol::Tcp), services::ports(ScanProtocol::Udp));
    let ports = format!("T:{tcp},U:{udp}");
    let output = from.output("nmap", &["-sS", "-sU", "-sV", "-n", "-Pn", "-p", &ports, SERVER]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(line).collect()
}

/// What it takes the operating system for: the lines of `-O` that name one.
pub(super) fn system(from: &Netns) -> Vec<String> {
    let output = from.output("nmap", &["-O", "-n", "-Pn", "-p", "22,9", SERVER]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let names = |line: &&str| {
        ["Running", "OS details:", "Aggressive OS guesses:"]
            .iter()
            .any(|word| line.starts_with(word))
    };
    text.lines().filter(names).map(str::to_owned).collect()
}

/// `22/tcp open ssh OpenSSH 9.2p1`
fn line(line: &str) -> Option<Line> {
    let mut words = line.split_whitespace();
    let (port, protocol) = words.next()?.split_once('/')?;
    let protocol = match protocol {
        "tcp" => ScanProtocol::Tcp,
        "udp" => ScanProtocol::Udp,
        _ => return None,
    };
    let (port, _state) = (port.parse().ok()?, words.next()?);
    let service = words.next()?.to_owned();
    Some(Line { protocol, port, service, version: words.collect::<Vec<_>>().join(" ") })
}
