//! Beside `ss` and `netstat`, in one namespace: the same sockets, and as much of each.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    net::{IpAddr, Ipv6Addr, TcpListener},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

use netdiag_wire::sockets::{SocketAddress, UnixKind};

use super::*;

/// One socket, as every tool can be read.
type Line = (String, String, String);

const NOBODY: &str = "*";

fn written(address: IpAddr, port: u16) -> String {
    format!("{} {port}", address.to_canonical())
}

fn ours(entries: &[SocketEntry]) -> Vec<Line> {
    entries.iter().filter_map(line).collect()
}

fn line(entry: &SocketEntry) -> Option<Line> {
    let protocol = match entry.protocol {
        SocketProtocol::Tcp => "tcp",
        SocketProtocol::Udp => "udp",
        SocketProtocol::Raw | SocketProtocol::Unix | SocketProtocol::Unknown => return None,
    };
    let end = |end: SocketAddress| written(end.address, end.port);
    let peer = entry.peer.map_or_else(|| NOBODY.into(), end);
    Some((format!("{protocol} {:?}", entry.state), end(entry.local?), peer))
}

/// `10.0.0.1:80`, `[::1]:80`, `:::80`, `*:80`, `0.0.0.0%lo:80`.
fn read(end: &str) -> String {
    let (address, port) = end.rsplit_once(':').unwrap();
    let address = address.split('%').next().unwrap().trim_matches(['[', ']']);
    match (address, port.parse()) {
        (_, Err(_)) => NOBODY.into(),
        ("*", Ok(port)) => written(Ipv6Addr::UNSPECIFIED.into(), port),
        (address, Ok(port)) => written(address.parse().unwrap(), port),
    }
}

fn state(word: &str) -> SocketState {
    match word {
        "LISTEN" => SocketState::Listen,
        "UNCONN" | "" => SocketState::Unconnected,
        "ESTAB" | "ESTABLISHED" => SocketState::Established,
        "SYN-SENT" | "SYN_SENT" => SocketState::SynSent,
        "SYN-RECV" | "SYN_RECV" => SocketState::SynReceived,
        "FIN-WAIT-1" | "FIN_WAIT1" => SocketState::FinWait1,
        "FIN-WAIT-2" | "FIN_WAIT2" => SocketState::FinWait2,
        "TIME-WAIT" | "TIME_WAIT" => SocketState::TimeWait,
        "CLOSE-WAIT" | "CLOSE_WAIT" => SocketState::CloseWait,
        "LAST-ACK" | "LAST_ACK" => SocketState::LastAck,
        "CLOSING" => SocketState::Closing,
        other => panic!("{other}"),
    }
}

fn stdout(namespace: &Netns, program: &str, flags: &str) -> String {
    let output = namespace.output(program, &[flags]);
    assert!(output.status.success(), "{program} {flags}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Netid, state, queues, ends; of unix sockets the inodes.
fn ss(namespace: &Netns) -> (Vec<Line>, BTreeSet<u32>) {
    let (mut internet, mut unix) = (Vec::new(), BTreeSet::new());
    for line in stdout(namespace, "ss", "-Htuaxn").lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        if words[0].starts_with("u_") {
            // The path before it may have blanks; peer and its inode follow.
            unix.insert(words[words.len() - 3].parse().unwrap());
        } else {
            let state = format!("{} {:?}", words[0], state(words[1]));
            internet.push((state, read(words[4]), read(words[5])));
        }
    }
    (internet, unix)
}

fn netstat(namespace: &Netns) -> (Vec<Line>, BTreeSet<u32>) {
    let (mut internet, mut unix) = (Vec::new(), BTreeSet::new());
    for line in stdout(namespace, "netstat", "-tuaxnW").lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        match words[0] {
            "unix" => {
                // `unix  2  [ ACC ]  STREAM  LISTENING  8036  /path`; a state may be missing.
                let after = line.split_once(']').unwrap().1;
                unix.insert(after.split_whitespace().find_map(|word| word.parse().ok()).unwrap());
            }
            "tcp" | "tcp6" | "udp" | "udp6" => {
                let state = state(words.get(5).copied().unwrap_or_default());
                let protocol = words[0].trim_end_matches('6');
                internet.push((format!("{protocol} {state:?}"), read(words[3]), read(words[4])));
            }
            _ => {}
        }
    }
    (internet, unix)
}

fn sorted(mut lines: Vec<Line>) -> Vec<Line> {
    lines.sort();
    lines
}

#[test]
fn ss_and_netstat_list_the_same_sockets() {
    let namespace = Netns::new();
    namespace.enter(|| {
        let _zoo = Zoo::new();
        let looked = look(&SocketsRequest::default());
        let unix: BTreeSet<_> =
            looked.of(SocketProtocol::Unix).filter_map(|entry| entry.inode).collect();
        let ours = sorted(ours(&looked.report.entries));
        assert!(ours.len() >= 19, "{ours:#?}");
        for (peer, (internet, their_unix)) in
            [("ss", ss(&namespace)), ("netstat", netstat(&namespace))]
        {
            assert_eq!(sorted(internet), ours, "{peer}");
            assert_eq!(their_unix, unix, "{peer}");
        }
        let named = |name: &str| {
            let has_name = |entry: &&SocketEntry| {
                let unix = entry.unix.as_ref().unwrap();
                unix.name.as_ref().is_some_and(|it| it.as_bytes().ends_with(name.as_bytes()))
            };
            looked.of(SocketProtocol::Unix).filter(has_name).collect::<Vec<_>>()
        };
        assert_eq!(named("/a b.sock").len(), 2, "the listener and the end that it accepted");
        assert_eq!(named("/d")[0].unix.as_ref().unwrap().kind, UnixKind::Datagram);
        let raw: Vec<_> = looked.of(SocketProtocol::Raw).map(|entry| entry.ip_protocol).collect();
        assert_eq!(raw, [Some(1), Some(58)]);
    });
}

/// Connections that come and go must neither hide nor double those that stay.
#[test]
fn what_stays_is_told_once_while_others_come_and_go() {
    let namespace = Netns::new();
    let ends = AtomicBool::new(false);
    let listener = namespace.enter(|| TcpListener::bind("127.0.0.1:0").unwrap());
    let stays: Vec<Pair> = namespace.enter(|| (0..400).map(|_| connect(&listener)).collect());
    let ports: BTreeSet<u16> =
        stays.iter().map(|(client, _)| client.local_addr().unwrap().port()).collect();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                namespace.enter(|| {
                    let own = TcpListener::bind("127.0.0.1:0").unwrap();
                    while !ends.load(Relaxed) {
                        drop((0..20).map(|_| connect(&own)).collect::<Vec<_>>());
                    }
                });
            });
        }
        let request = SocketsRequest {
            protocols: vec![SocketProtocol::Tcp, SocketProtocol::Udp],
            ..Default::default()
        };
        let looks: Vec<_> =
            (0..20).map(|_| namespace.enter(|| look(&request).report.entries)).collect();
        ends.store(true, Relaxed);
        for entries in looks {
            let connections = entries.iter().filter(|entry| entry.peer.is_some());
            let ends: Vec<_> = connections.map(|entry| (entry.local, entry.peer)).collect();
            let once: HashSet<_> = ends.iter().collect();
            assert_eq!(once.len(), ends.len(), "told twice");
            let told: BTreeSet<_> = entries
                .iter()
                .filter(|entry| entry.state == SocketState::Established)
                .filter_map(|entry| Some(entry.local?.port))
                .collect();
            assert!(told.is_superset(&ports), "missing: {:?}", ports.difference(&told));
        }
    });
}

/// `ss -tinem` has words like `rtt:0.03/0.015 mss:32768 cwnd:10`.
#[test]
fn details_are_those_of_ss() {
    let namespace = Netns::new();
    namespace.enter(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (mut client, mut server) = connect(&listener);
        std::io::Write::write_all(&mut client, &[7; 100_000]).unwrap();
        std::io::Read::read_exact(&mut server, &mut [0; 100_000]).unwrap();
        let port = client.local_addr().unwrap().port();
        let request = SocketsRequest {
            local_port: port.try_into().ok(),
            tcp_info: true,
            protocols: vec![SocketProtocol::Tcp],
            ..Default::default()
        };
        let looked = look(&request);
        let entry = looked.on(port);
        let output = namespace.output("ss", &["-HOtinem", &format!("sport = :{port}")]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let words: BTreeMap<&str, &str> =
            text.split_whitespace().filter_map(|word| word.split_once(':')).collect();
        let info = entry.tcp_info.as_ref().unwrap();
        let ms = |us: Option<u32>| f64::from(us.unwrap()) / 1_000.0;
        assert_eq!(words["rtt"], format!("{}/{}", ms(info.rtt_us), ms(info.rtt_var_us)));
        assert_eq!(words["minrtt"], ms(info.min_rtt_us).to_string());
        assert_eq!(words["rto"], ms(info.rto_us).to_string());
        for (word, value) in [
            ("cwnd", info.cwnd),
            ("mss", info.mss_bytes),
            ("rcvmss", info.receive_mss_bytes),
            ("advmss", info.advertised_mss_bytes),
            ("pmtu", info.path_mtu_bytes),
            ("segs_out", info.segments_out.unwrap()),
            ("snd_wnd", info.send_window_bytes.unwrap()),
        ] {
            assert_eq!(words[word], value.to_string(), "{word}: {text}");
        }
        assert_eq!(words["bytes_acked"], info.bytes_acked.unwrap().to_string());
        assert_eq!(words["bytes_sent"], "100000");
        assert_eq!(info.bytes_sent, Some(100_000));
        let scales = (info.send_window_scale.unwrap(), info.receive_window_scale.unwrap());
        assert_eq!(words["wscale"], format!("{},{}", scales.0, scales.1));
        assert!(text.contains(&info.congestion_control.as_ref().unwrap().to_string()), "{text}");
        assert!(words["skmem"].contains(&format!("tb{}", info.memory.unwrap().send_limit_bytes)));
        assert_eq!(words["ino"], entry.inode.unwrap().to_string());
        assert!(info.delivery_rate.is_some() && info.pacing_rate.is_some());
    });
}
