//! Finger memory: flags of the classic tools that kubectl owns, caught before they misfire.

use super::kube::is_namespace;
use crate::{
    code,
    finding::{Failure, Label},
};

/// What of a classic tool's flags means something else here.
struct Classic {
    command: &'static str,
    /// Letters that take a value, kubectl's among them.
    valued: &'static str,
    /// Letters that take none.
    bare: &'static str,
    /// What to say of `-n`.
    numeric: &'static str,
    /// What the tool's `-s` is called here, where its value is no server's address.
    server: fn(&str) -> Option<String>,
    /// Letters that do not exist here: what to type instead, and whether they took a value.
    renamed: &'static [(char, &'static str)],
}

const PING: Classic = Classic {
    command: "ping",
    valued: "ciSWwtons",
    bare: "Dq46v",
    numeric: "ping never looks up names, so leave it out",
    server: |value| {
        let is_number = value.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| format!("the number of data bytes is --size {value}"))
    },
    renamed: &[
        ('I', "-S (--source) takes an address of the source"),
        ('M', "--df forbids fragmentation"),
        ('f', "-i 0.002 is as fast as it gets, with the right fast-ping"),
        ('A', "-i 0.2 is the fastest without the right fast-ping"),
        ('l', "--size and -i say how much and how often"),
    ],
};

const TRACE: Classic = Classic {
    command: "trace",
    valued: "fMmPpqwSons",
    bare: "ITU46v",
    numeric: "--no-names leaves reverse DNS out",
    server: |value| {
        value.parse::<std::net::IpAddr>().is_ok().then(|| "the source address is -S".into())
    },
    renamed: &[
        ('i', "-S (--source) takes an address of the source"),
        ('F', "--df forbids fragmentation"),
        ('N', "all hops are probed at once"),
        ('e', "ICMP extensions are always shown"),
        ('z', "netdiag keeps its own pace"),
        ('r', "netdiag goes by the routes of the source"),
        ('g', "source routes are not sent"),
        ('t', "the type of service is not set"),
        ('A', "autonomous systems are not looked up"),
    ],
};

const DNS: Classic = Classic {
    command: "dns",
    valued: "tcqxbpons",
    bare: "46v",
    numeric: "dns never looks up an address's name, so leave it out",
    server: |value| {
        value.parse::<std::net::IpAddr>().is_ok().then(|| format!("the server is @{value}"))
    },
    renamed: &[
        ('f', "one name at a time is asked; xargs asks many"),
        ('k', "keys (TSIG) are not"),
        ('y', "keys (TSIG) are not"),
        ('u', "-o json has every time in microseconds"),
        ('m', "it traced dig's own memory"),
        ('i', "it was the reverse of -x under IP6.INT, which is gone"),
        ('r', "there is no .digrc to leave unread"),
    ],
};

const SOCKETS: Classic = Classic {
    command: "sockets",
    valued: "ons",
    bare: "altuwxpi46v",
    numeric: "ports are always numbers, and --no-names leaves the peers' names out",
    server: |value| {
        let is_place = !value.contains("://") && (value.contains('/') || value == "local");
        is_place.then(|| "the counters are --stats".into())
    },
    renamed: &[
        ('e', "-o wide has the uid, the inode and the timer"),
        ('m', "-i -o wide has the buffers"),
        ('r', "peers are always named; --no-names leaves that out"),
        ('c', "--watch looks again and again"),
        ('E', "--watch looks again and again"),
        ('H', "--no-headers leaves the header out"),
        ('O', "one socket is one line, always"),
        ('K', "netdiag ends no connection"),
        ('N', "the network namespace is TARGET's"),
        ('A', "-t -u -w -x choose"),
        ('f', "-4 -6 -x choose"),
        ('g', "group memberships are not shown"),
        ('W', "nothing is ever cut off"),
        ('M', "masquerading is not shown"),
    ],
};

const CONNECT: Classic = Classic {
    command: "connect",
    valued: "SwpTons",
    bare: "iu46v",
    numeric: "--no-names leaves out who an address is",
    server: |value| {
        value.parse::<std::net::IpAddr>().is_ok().then(|| "the source address is -S".into())
    },
    renamed: &[
        ('z', "without -i and with no bytes on stdin the port is only checked"),
        ('N', "the end of stdin half-closes by itself"),
        ('C', "--crlf ends lines with CR LF"),
        ('b', "-S (--source) takes an address of the source"),
    ],
};

const SCAN: Classic = Classic {
    command: "scan",
    valued: "pSons",
    bare: "Aq46v",
    numeric: "scan never looks up an address's name, so leave it out",
    server: |value| {
        Some(
            match value {
                "S" => "half-open SYNs are what is sent anyway",
                "T" => "whole connections are --connect",
                "U" => "UDP is --udp",
                "V" => "protocols and products are -A",
                "n" | "P" => "hosts alone are --discover",
                "A" | "C" | "F" | "I" | "L" | "M" | "N" | "O" | "R" | "W" | "X" | "Y" | "Z" => {
                    "netdiag sends SYNs, connections (--connect) or datagrams (--udp)"
                }
                _ => return None,
            }
            .into(),
        )
    },
    renamed: &[
        ('P', "-Pn is --no-discovery; discovery chooses its own probes"),
        ('O', "-A guesses the operating system too"),
        ('T', "it goes as fast as nothing is lost; --rate holds it"),
        ('F', "--top-ports 100 is as short"),
        ('i', "one TARGET at a time; a CIDR is one"),
        ('e', "-S (--source) takes an address of the source"),
        ('g', "the source port is not chosen"),
        ('D', "nothing is sent in another's name"),
        ('f', "nothing is sent in fragments"),
        ('R', "addresses' names are not looked up"),
        ('r', "the order of the ports tells nothing and is not chosen"),
    ],
};

const HTTP: Classic = Classic {
    command: "http",
    valued: "XHdFTuAebxSmcEwons",
    bare: "GILkifv460",
    numeric: "there is no .netrc to read, so leave it out",
    server: |value| {
        let is_server = value.contains("://") || value.starts_with(|c: char| c.is_ascii_digit());
        (!is_server).then(|| "the report goes away with --quiet".into())
    },
    renamed: &[
        ('O', "--save FILE writes the body to a new file of your naming"),
        ('J', "--save FILE writes the body to a new file of your naming"),
        ('D', "-i shows the answer's head"),
        ('N', "nothing is held back"),
        ('g', "no part of a URL is expanded"),
        ('r', "-H 'Range: bytes=0-99' asks for a part"),
        ('C', "-H 'Range: bytes=100-' asks for the rest"),
        ('K', "there is no file of options"),
        ('q', "there is no .curlrc to leave unread"),
        ('z', "-H 'If-Modified-Since: DATE' asks for what is newer"),
        ('U', "-x http://USER:PASSWORD@HOST logs in at the proxy"),
        ('j', "no cookies are kept"),
        ('Z', "one URL at a time"),
        ('a', "-T writes a file to a URL and appends to nothing"),
        ('Y', "--deadline ends what is slow"),
        ('y', "--deadline ends what is slow"),
    ],
};

const TOOLS: [Classic; 7] = [PING, TRACE, DNS, SOCKETS, CONNECT, SCAN, HTTP];

/// Refuses what a hand that knows the classic tool types by habit.
pub(super) fn check(words: &[String]) -> Result<(), Failure> {
    let tool = |word: &String| TOOLS.iter().find(|tool| tool.command == word);
    let found = words.iter().enumerate().find_map(|(at, word)| Some((at, tool(word)?)));
    let Some((at, tool)) = found else { return Ok(()) };
    let mut rest = words[at + 1..].iter().take_while(|word| *word != "--").peekable();
    while let Some(word) = rest.next() {
        let Some(letters) = cluster(word) else { continue };
        let follows = rest.peek().map(|next| next.as_str());
        if let Some(message) = misfire(tool, letters, follows) {
            return Err(refusal(tool, message));
        }
        if ends_in_valued(tool, letters) {
            rest.next();
        }
    }
    Ok(())
}

/// The letters of `-abc`.
fn cluster(word: &str) -> Option<&str> {
    word.strip_prefix('-').filter(|rest| !rest.is_empty() && !rest.starts_with('-'))
}

/// Whether the cluster's last letter takes the next word.
fn ends_in_valued(classic: &Classic, letters: &str) -> bool {
    let mut left = letters.trim_start_matches(|c| classic.bare.contains(c)).chars();
    left.next().is_some_and(|c| classic.valued.contains(c)) && left.next().is_none()
}

fn misfire(classic: &Classic, letters: &str, follows: Option<&str>) -> Option<String> {
    let head = letters.trim_start_matches(|c| classic.bare.contains(c));
    let in_cluster = head.len() < letters.len();
    let letter = head.chars().next()?;
    let attached = &head[letter.len_utf8()..];
    let value = if attached.is_empty() { follows } else { Some(attached.trim_start_matches('=')) };
    match letter {
        'n' if in_cluster || !is_kubectl_namespace(classic, attached, value) => {
            Some(format!("-{letters}: -n is kubectl's --namespace; {}", classic.numeric))
        }
        's' => {
            let value = value?;
            let instead = (classic.server)(value)?;
            Some(format!("-s {value}: -s is kubectl's --server; {instead}"))
        }
        _ => classic
            .renamed
            .iter()
            .find(|(renamed, _)| *renamed == letter)
            .map(|(_, instead)| format!("-{letter} is not here; {instead}")),
    }
}

/// `-n shop` and `-nshop` are kubectl's; `-nc` and `-n 10.0.0.1` are the tool's.
fn is_kubectl_namespace(classic: &Classic, attached: &str, value: Option<&str>) -> bool {
    let flags = |c: char| classic.valued.contains(c) || classic.bare.contains(c);
    let is_cluster = (1..=2).contains(&attached.len()) && attached.chars().all(flags);
    !is_cluster && value.is_some_and(is_namespace)
}

fn refusal(classic: &Classic, message: String) -> Failure {
    let help = ["kubectl", "netdiag", classic.command, "--help"].map(str::to_owned).to_vec();
    Failure { code: Some(code::CLASSIC_FLAG), message, labels: vec![Label::Next(help)] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> Option<String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        check(&words).err().map(|failure| failure.message)
    }

    #[test]
    fn kubectls_own_use_passes() {
        for line in [
            "ping pod/foo -n shop",
            "ping -nshop pod/foo",
            "ping -n=shop pod/foo",
            "ping -s https://10.0.0.1:6443 pod/foo",
            "ping -c 3 -i 0.2 pod/foo",
            "ping -c3n pod/foo",
            "ping -Dc3 pod/foo",
            "ping -o json pod/foo",
            "ping pod/foo --namespace shop",
            "ping --size 1400 pod/foo",
            "doctor -n shop",
            "dns web -n shop -t mx @10.0.0.1 -p 53 -x10.0.0.1",
            "sockets pod/foo -tulp -n shop",
            "sockets pod/foo -lpo wide",
            "sockets pod/foo -s https://10.0.0.1:6443 -i",
        ] {
            assert_eq!(said(line), None, "{line}");
        }
    }

    #[test]
    fn what_a_hand_types_is_caught() {
        for (line, start) in [
            ("ping -n 10.0.0.1", "-n: -n is kubectl's --namespace; ping never looks up names"),
            ("ping -nc 3 pod/foo", "-nc: -n is kubectl's --namespace"),
            ("ping -Dn pod/foo", "-Dn: -n is kubectl's"),
            ("ping -n pod/foo", "-n: -n is kubectl's"),
            ("ping pod/foo -n", "-n: -n is kubectl's"),
            (
                "ping -s 1400 pod/foo",
                "-s 1400: -s is kubectl's --server; the number of data bytes is --size 1400",
            ),
            ("ping -s1400 pod/foo", "-s 1400:"),
            ("ping -Ds 1400 pod/foo", "-s 1400:"),
            ("ping -I eth0 pod/foo", "-I is not here; -S"),
            ("ping -M do pod/foo", "-M is not here; --df"),
            ("ping -f pod/foo", "-f is not here; -i 0.002"),
            (
                "dns web -s 10.96.0.10",
                "-s 10.96.0.10: -s is kubectl's --server; the server is @10.96.0.10",
            ),
            ("dns -f names", "-f is not here; one name"),
            (
                "sockets -tulpn pod/foo",
                "-tulpn: -n is kubectl's --namespace; ports are always numbers, and --no-names",
            ),
            ("sockets -n pod/foo", "-n: -n is kubectl's --namespace; ports are"),
            ("sockets -antp pod/foo", "-antp: -n is kubectl's --namespace; ports are"),
            ("sockets -s pod/foo", "-s pod/foo: -s is kubectl's --server; the counters are"),
            ("sockets -tK pod/foo", "-K is not here; netdiag ends no connection"),
            ("sockets -te pod/foo", "-e is not here; -o wide"),
            ("sockets -tano pod/foo", "-tano: -n is kubectl's"),
            ("dns -u web", "-u is not here; -o json"),
            ("connect -zv pod/foo 80", "-z is not here; without -i"),
            ("connect -n 10.0.0.1 80", "-n: -n is kubectl's --namespace; --no-names"),
            ("connect -s 10.0.0.1 pod/foo 80", "-s 10.0.0.1: -s is kubectl's --server; the source"),
        ] {
            let message = said(line).unwrap_or_default();
            assert!(message.starts_with(start), "{line}: {message:?}");
        }
    }
}
