//! iputils' ping and ours in the same namespace: the same counts, and words that say as much.

use std::{fmt::Write, process::Output};

use netdiag_probe::ProbeError;
use netdiag_wire::ping::{PingEvent, PingReport, PingRequest};

use crate::{
    lab::{CLIENT, Lab, Pinged, SERVER, SERVER6, request},
    responder::{Responder, reply, seal, seq},
};

/// What both can be asked, and what both must then have said.
struct Situation {
    name: &'static str,
    prepare: fn(&Lab) -> Option<Responder>,
    host: &'static str,
    count: u32,
    /// For iputils, besides count, interval and wait; and the same for ours.
    arguments: &'static [&'static str],
    change: fn(&mut PingRequest),
    /// In iputils' output, in ours.
    words: [&'static str; 2],
}

const PLAIN: Situation = Situation {
    name: "reply",
    prepare: |_| None,
    host: SERVER,
    count: 5,
    arguments: &[],
    change: |_| {},
    words: [
        "64 bytes from 10.9.2.2: icmp_seq=5 ttl=63",
        "64 bytes from 10.9.2.2: icmp_seq=5 ttl=63",
    ],
};

/// Numbers that both tools print.
#[derive(Debug, Default, PartialEq)]
struct Counts {
    sent: u32,
    received: u32,
    duplicates: u32,
    /// ICMP errors, and sends that the kernel refused.
    errors: u32,
}

#[test]
fn counts_are_iputils_and_words_say_as_much() {
    let mut table = String::new();
    for situation in SITUATIONS {
        let lab = lab();
        let _responder = (situation.prepare)(&lab);
        let theirs = iputils(&lab, &situation);
        // What the kernel has learned of the path since.
        lab.client.ip("route flush cache");
        let ours = engine(&lab, &situation);
        let [their_text, our_text] = [text(&theirs), words(&ours)];
        writeln!(
            table,
            "== {}\n  iputils\n{}  netdiag\n{}",
            situation.name,
            folded(&their_text),
            folded(&our_text)
        )
        .unwrap();
        assert_eq!(counted(&their_text), counted_here(&ours), "{table}");
        for (said, wanted) in [&their_text, &our_text].into_iter().zip(situation.words) {
            assert!(said.contains(wanted), "{wanted:?} is not in\n{said}");
        }
    }
    println!("{table}");
}

/// Linux says one ICMP error a second and destination, which the second tool would not get.
fn lab() -> Lab {
    let lab = Lab::new();
    for namespace in [&lab.client, &lab.router, &lab.server] {
        namespace.sysctl("ipv4/icmp_ratelimit", "0");
        namespace.sysctl("ipv6/icmp/ratelimit", "0");
    }
    lab
}

const SITUATIONS: [Situation; 14] = [
    PLAIN,
    Situation {
        name: "silence",
        prepare: |lab| filter(lab, "icmp type echo-request drop"),
        count: 3,
        words: ["100% packet loss", "silence: icmp_seq=3"],
        ..PLAIN
    },
    Situation {
        name: "port unreachable",
        prepare: |lab| filter(lab, "icmp type echo-request reject with icmp port-unreachable"),
        words: [
            "From 10.9.2.2 icmp_seq=5 Destination Port Unreachable",
            "rejected: icmp_seq=5 PortUnreachable (type 3 code 3), said by 10.9.2.2",
        ],
        ..PLAIN
    },
    Situation {
        name: "host unreachable",
        host: "10.9.2.77",
        count: 3,
        words: [
            "From 10.9.1.1 icmp_seq=3 Destination Host Unreachable",
            "rejected: icmp_seq=3 HostUnreachable (type 3 code 1), said by 10.9.1.1",
        ],
        ..PLAIN
    },
    Situation {
        name: "TTL exceeded",
        arguments: &["-t", "1"],
        change: |request| request.ttl = 1.try_into().ok(),
        words: [
            "From 10.9.1.1 icmp_seq=5 Time to live exceeded",
            "rejected: icmp_seq=5 TtlExceeded (type 11 code 0), said by 10.9.1.1",
        ],
        ..PLAIN
    },
    Situation {
        name: "fragmentation needed",
        prepare: |lab| {
            lab.router.ip("link set right mtu 1400");
            None
        },
        arguments: &["-s", "1380", "-M", "do"],
        change: |request| {
            request.size = 1380;
            request.dont_fragment = true;
        },
        words: ["(mtu = 1400)", "FragmentationNeeded (type 3 code 4), mtu 1400, said by 10.9.1.1"],
        ..PLAIN
    },
    Situation {
        name: "duplicate replies",
        prepare: |lab| Some(Responder::start(&lab.server, double_all_but_the_last)),
        words: ["(DUP!)", "icmp_seq=4 ttl=63 (duplicate)"],
        ..PLAIN
    },
    Situation {
        name: "a corrupted reply",
        prepare: |lab| Some(Responder::start(&lab.server, change_the_second)),
        words: ["wrong data byte #20", "icmp_seq=2 ttl=63 (wrong data from byte 20)"],
        ..PLAIN
    },
    // iputils passes over the checksum on a raw socket; on the datagram socket that it has in
    // most pods, the kernel drops such a reply. So there the counts are the same.
    Situation {
        name: "a reply with a wrong checksum",
        prepare: |lab| {
            lab.client.sysctl("ipv4/ping_group_range", "0 2147483647");
            Some(Responder::start(&lab.server, damage_the_second))
        },
        words: ["20% packet loss", "corrupted: icmp_seq=2 from 10.9.2.2"],
        ..PLAIN
    },
    Situation {
        name: "20 % loss",
        prepare: |lab| filter(lab, "icmp type echo-request numgen inc mod 5 == 0 drop"),
        count: 50,
        words: ["20% packet loss", "silence: icmp_seq=1,"],
        ..PLAIN
    },
    Situation {
        name: "IPv6",
        host: SERVER6,
        words: [
            "64 bytes from fd09:2::2: icmp_seq=5 ttl=63",
            "64 bytes from fd09:2::2: icmp_seq=5 ttl=63",
        ],
        ..PLAIN
    },
    Situation {
        name: "wrong source",
        arguments: &["-I", "192.0.2.9"],
        change: |request| request.source_address = Some([192, 0, 2, 9].into()),
        words: [
            "Cannot assign requested address",
            "192.0.2.9 is no address of this network namespace; it has",
        ],
        ..PLAIN
    },
    Situation {
        name: "down interface",
        prepare: |lab| {
            lab.client.ip("link set eth0 down");
            None
        },
        words: ["Network is unreachable", "no route: icmp_seq=1"],
        ..PLAIN
    },
    Situation {
        name: "own address",
        host: CLIENT,
        words: [
            "64 bytes from 10.9.1.2: icmp_seq=5 ttl=64",
            "64 bytes from 10.9.1.2: icmp_seq=5 ttl=64",
        ],
        ..PLAIN
    },
];

fn filter(lab: &Lab, rule: &str) -> Option<Responder> {
    lab.server.filter(rule);
    None
}

/// Both tools end with the fifth reply, so a copy of it would be a matter of luck.
fn double_all_but_the_last(request: &[u8]) -> Vec<Vec<u8>> {
    let copies = if seq(request) == 5 { 1 } else { 2 };
    vec![reply(request); copies]
}

fn change_the_second(request: &[u8]) -> Vec<Vec<u8>> {
    let mut answers = damage_the_second(request);
    answers.iter_mut().for_each(|answer| seal(answer));
    answers
}

fn damage_the_second(request: &[u8]) -> Vec<Vec<u8>> {
    let mut answer = reply(request);
    if seq(request) == 2 {
        answer[8 + 20] ^= 0xff;
    }
    vec![answer]
}

fn iputils(lab: &Lab, situation: &Situation) -> Output {
    let count = situation.count.to_string();
    let mut arguments = vec!["-n", "-c", &count, "-i", "0.02", "-W", "4"];
    arguments.extend(situation.arguments);
    arguments.push(situation.host);
    lab.client.output("ping", &arguments)
}

fn engine(lab: &Lab, situation: &Situation) -> Result<Pinged, ProbeError> {
    let mut request = request(situation.host, situation.count);
    (situation.change)(&mut request);
    lab.client.ping(&request)
}

fn text(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat()
}

/// From iputils' last lines: `5 packets transmitted, 4 received, +1 errors, …`.
fn counted(text: &str) -> Counts {
    let mut counts = Counts::default();
    let Some(line) = text.lines().find(|line| line.contains("packets transmitted")) else {
        return counts;
    };
    let refused = text.lines().filter(|line| line.starts_with("ping: ")).count() as u32;
    for part in line.split(", ") {
        let mut words = part.split(' ');
        let number = words.next().and_then(|word| word.trim_start_matches('+').parse().ok());
        match (number, words.next_back()) {
            (Some(number), Some("transmitted")) => counts.sent = number - refused,
            (Some(number), Some("received")) => counts.received = number,
            (Some(number), Some("duplicates")) => counts.duplicates = number,
            (Some(number), Some("errors")) => counts.errors = number,
            _ => {}
        }
    }
    counts
}

fn counted_here(run: &Result<Pinged, ProbeError>) -> Counts {
    let Ok(pinged) = run else { return Counts::default() };
    let report: &PingReport = pinged.report();
    Counts {
        sent: report.sent,
        received: report.replied,
        duplicates: report.duplicates,
        // iputils gives up at once without a route, and counts nothing.
        errors: if report.sent == 0 { 0 } else { report.rejected + report.not_sent },
    }
}

/// The events as the plugin words them.
fn words(run: &Result<Pinged, ProbeError>) -> String {
    match run {
        Ok(pinged) => pinged.events.iter().filter_map(line).collect(),
        Err(error) => format!("error: {error}\n"),
    }
}

fn line(event: &PingEvent) -> Option<String> {
    Some(match event {
        PingEvent::Replied { seq, address, bytes, ttl, duplicate, wrong_byte, .. } => {
            let ttl = ttl.map(|ttl| format!(" ttl={ttl}")).unwrap_or_default();
            let duplicate = if *duplicate { " (duplicate)" } else { "" };
            let wrong = wrong_byte.map(|at| format!(" (wrong data from byte {at})"));
            let wrong = wrong.unwrap_or_default();
            format!("{bytes} bytes from {address}: icmp_seq={seq}{ttl}{duplicate}{wrong}\n")
        }
        PingEvent::Corrupted { seq, address, bytes, .. } => {
            format!("corrupted: icmp_seq={seq} from {address}, {bytes} bytes\n")
        }
        PingEvent::Silence { seq, waited_us, .. } => {
            format!("silence: icmp_seq={seq}, waited {waited_us} us\n")
        }
        PingEvent::Rejected { seq, by, icmp, .. } => {
            let mtu = icmp.mtu.map(|mtu| format!(", mtu {mtu}")).unwrap_or_default();
            let kind = format!("{:?} (type {} code {})", icmp.meaning, icmp.kind, icmp.code);
            format!("rejected: icmp_seq={seq} {kind}{mtu}, said by {by}\n")
        }
        PingEvent::NotSent { seq, refusal: netdiag_wire::SendRefusal::NoRoute, .. } => {
            format!("no route: icmp_seq={seq}\n")
        }
        PingEvent::NotSent { seq, refusal, .. } => {
            format!("not sent: icmp_seq={seq} {refusal:?}\n")
        }
        PingEvent::Started { .. }
        | PingEvent::Sent { .. }
        | PingEvent::Redirected { .. }
        | PingEvent::Unknown => return None,
    })
}

/// The first and the last lines, indented.
fn folded(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let shown = |line: &&str| format!("    {line}\n");
    if lines.len() <= 8 {
        return lines.iter().map(shown).collect();
    }
    let [head, tail] = [&lines[..4], &lines[lines.len() - 3..]];
    [head.iter().map(shown).collect(), "    ...\n".to_owned(), tail.iter().map(shown).collect()]
        .concat()
}

#[test]
fn times_of_both_tools_at_once() {
    let lab = Lab::new();
    let (output, ours) = std::thread::scope(|scope| {
        let theirs =
            scope.spawn(|| lab.client.output("ping", &["-n", "-c", "200", "-i", "0.01", SERVER]));
        let request = PingRequest { interval_us: 10_000, ..request(SERVER, 200) };
        let ours = lab.client.ping(&request).unwrap();
        (theirs.join().unwrap(), ours)
    });
    let theirs: Vec<f64> = text(&output).lines().filter_map(time_of).collect();
    let ours: Vec<f64> = ours.events.iter().filter_map(rtt_of).collect();
    assert_eq!((theirs.len(), ours.len()), (200, 200));
    let [(median, mad), (our_median, our_mad)] = [&theirs, &ours].map(|times| spread(times));
    let (apart, bound) = ((median - our_median).abs(), 2.0 * mad.max(our_mad));
    println!("200 replies each, both at once, median and MAD in ms:");
    println!("  iputils {median:.3} {mad:.3}\n  netdiag {our_median:.3} {our_mad:.3}");
    let word = if apart < bound { "below" } else { "NOT below" };
    println!("  apart {apart:.3}, {word} twice the larger MAD ({bound:.3})");
}

fn time_of(line: &str) -> Option<f64> {
    line.split("time=").nth(1)?.split(' ').next()?.parse().ok()
}

fn rtt_of(event: &PingEvent) -> Option<f64> {
    match event {
        PingEvent::Replied { rtt_us, .. } => Some(*rtt_us as f64 / 1000.0),
        _ => None,
    }
}

fn spread(times: &[f64]) -> (f64, f64) {
    let middle = median(times);
    let deviations: Vec<f64> = times.iter().map(|time| (time - middle).abs()).collect();
    (middle, median(&deviations))
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
