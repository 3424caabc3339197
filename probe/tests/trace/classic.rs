//! traceroute and mtr: how they are asked, and their output read as a path.

use std::net::IpAddr;

use netdiag_wire::trace::TraceProtocol;

use super::path::{Path, Said};
use crate::lab::Netns;

/// Distances that every tool is asked for.
pub(crate) const MAX_TTL: u8 = 12;

/// With as much at once and as short a wait as it takes, so that it is as quick as it can be.
pub(crate) fn traceroute(
    from: &Netns,
    protocol: TraceProtocol,
    more: &[&str],
    target: &str,
    size: Option<u16>,
) -> (Path, String) {
    let max_ttl = MAX_TTL.to_string();
    let mut arguments = vec!["-n", "-q", "3", "-N", "16", "-w", "1", "-m", &max_ttl];
    match protocol {
        TraceProtocol::Udp => {}
        TraceProtocol::Tcp => arguments.push("-T"),
        TraceProtocol::Icmp => arguments.push("-I"),
    }
    arguments.extend(more);
    arguments.push(target);
    let size = size.map(|size| size.to_string());
    arguments.extend(size.as_deref());
    let text = text(from, "traceroute", &arguments);
    (from_traceroute(&text), text)
}

pub(crate) fn mtr(
    from: &Netns,
    protocol: TraceProtocol,
    more: &[&str],
    target: &str,
    size: Option<u16>,
) -> (Path, String) {
    let max_ttl = MAX_TTL.to_string();
    let mut arguments = vec!["--report", "-n", "-c", "3", "-i", "0.1", "-Z", "1", "-G", "1"];
    arguments.extend(["-m", &max_ttl]);
    match protocol {
        TraceProtocol::Udp => arguments.push("-u"),
        TraceProtocol::Tcp => arguments.push("-T"),
        TraceProtocol::Icmp => {}
    }
    let size = size.map(|size| size.to_string());
    arguments.extend(size.iter().flat_map(|size| ["-s", size.as_str()]));
    arguments.extend(more);
    arguments.push(target);
    let text = text(from, "mtr", &arguments);
    (from_mtr(&text), text)
}

fn text(from: &Netns, program: &str, arguments: &[&str]) -> String {
    let output = from.output(program, arguments);
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// ` 4  10.9.3.2  0.077 ms !X 10.9.4.2 0.067 ms * ...`: a mark belongs to the address before it.
fn from_traceroute(text: &str) -> Path {
    let mut path = Path::default();
    for line in text.lines().skip(1) {
        let mut words = line.split_whitespace();
        let Some(ttl) = words.next().and_then(|word| word.parse().ok()) else { continue };
        let mut by: Option<IpAddr> = None;
        let mut said: Vec<Said> = Vec::new();
        let mut last_was_time = false;
        for word in words {
            if let Ok(address) = word.parse() {
                by = Some(address);
            } else if word == "ms" {
                said.extend(by.map(Said::plain));
            } else if word.starts_with('!')
                && last_was_time
                && let Some(last) = said.last_mut()
            {
                last.mark = Some(word.to_owned());
            }
            last_was_time = word == "ms";
        }
        said.into_iter().for_each(|said| path.note(ttl, said));
    }
    path
}

/// `  4.|-- 10.9.4.2   0.0% ...`, `???` for silence; further addresses of a hop, and MPLS labels,
/// have lines of their own below it.
fn from_mtr(text: &str) -> Path {
    let mut path = Path::default();
    let mut ttl = 0;
    for line in text.lines() {
        let Some((left, right)) = line.split_once("|-- ") else { continue };
        ttl = left.trim().trim_end_matches('.').parse().unwrap_or(ttl);
        let address = right.split_whitespace().next().and_then(|word| word.parse().ok());
        address.into_iter().for_each(|by| path.note(ttl, Said::plain(by)));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traceroutes_marks_belong_to_the_answer_before_them() {
        let text = "traceroute to 10.9.4.2 (10.9.4.2), 8 hops max, 60 byte packets\n \
            1  10.9.1.2  0.046 ms  0.003 ms  0.002 ms\n \
            2  * * *\n \
            3  10.9.3.2  0.104 ms 10.8.3.2  0.090 ms *\n \
            4  10.9.3.2  0.085 ms !F-1400  0.070 ms !F-1400  0.061 ms !F-1400\n \
            5  * * *\n";
        let path = from_traceroute(text);
        assert_eq!(path.to_string(), " 10.9.1.2 * 10.8.3.2|10.9.3.2 10.9.3.2!F-1400");
    }

    #[test]
    fn mtrs_further_addresses_belong_to_the_hop_above() {
        let text = "Start: 2026-11-22T22:35:51+0000\n\
            HOST: vm                          Loss%   Snt   Last   Avg  Best  Wrst StDev\n  \
            1.|-- 10.9.1.2                   0.0%     3    0.0   0.0   0.0   0.0   0.0\n  \
            2.|-- 10.9.2.2                   0.0%     3    0.0   0.0   0.0   0.1   0.0\n    \
            |  `|-- 10.8.2.2\n  \
            3.|-- ???                       100.0     3    0.0   0.0   0.0   0.0   0.0\n  \
            4.|-- 10.9.4.2                   0.0%     3    0.0   0.0   0.0   0.0   0.0\n";
        let path = from_mtr(text);
        assert_eq!(path.to_string(), " 10.9.1.2 10.8.2.2|10.9.2.2 * 10.9.4.2");
    }
}
