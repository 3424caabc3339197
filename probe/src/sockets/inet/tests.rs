use proptest::prelude::*;

use super::*;

const TCP4: Table =
    Table { version: Version::V4, protocol: SocketProtocol::Tcp, states: !0, tcp_info: false };
const TCP6: Table = Table { version: Version::V6, ..TCP4 };
const UDP6: Table = Table { protocol: SocketProtocol::Udp, ..TCP6 };

/// A message as the kernel lays it out.
struct Told {
    state: u8,
    timer: u8,
    retransmits: u8,
    local: ([u8; 16], u16),
    peer: ([u8; 16], u16),
    cookie: u64,
    /// Expires, queues, uid, inode.
    rest: [u32; 5],
    attributes: Vec<(u16, Vec<u8>)>,
}

fn v4(octets: [u8; 4]) -> [u8; 16] {
    let mut address = [0; 16];
    address[..4].copy_from_slice(&octets);
    address
}

fn told(state: u8) -> Told {
    Told {
        state,
        timer: 0,
        retransmits: 0,
        local: (v4([10, 0, 0, 1]), 80),
        peer: (v4([10, 0, 0, 2]), 40_000),
        cookie: 1,
        rest: [0, 0, 0, 1000, 7],
        attributes: Vec::new(),
    }
}

impl Told {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![libc::AF_INET as u8, self.state, self.timer, self.retransmits];
        bytes.extend(self.local.1.to_be_bytes());
        bytes.extend(self.peer.1.to_be_bytes());
        bytes.extend(self.local.0);
        bytes.extend(self.peer.0);
        bytes.extend(3_u32.to_ne_bytes());
        bytes.extend(self.cookie.to_ne_bytes());
        self.rest.iter().for_each(|number| bytes.extend(number.to_ne_bytes()));
        for (kind, value) in &self.attributes {
            bytes.extend((4 + value.len() as u16).to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }
}

fn at(address: &str) -> SocketAddress {
    let whole: std::net::SocketAddr = address.parse().unwrap();
    SocketAddress { address: whole.ip(), port: whole.port() }
}

#[test]
fn a_connection_that_sends_again_says_how_often() {
    let mut told = told(1);
    (told.timer, told.retransmits, told.rest) = (1, 5, [1_200, 3, 91_220, 1000, 48_213]);
    let entry = TCP4.entry(&told.bytes()).unwrap();
    assert_eq!((entry.local, entry.peer), (Some(at("10.0.0.1:80")), Some(at("10.0.0.2:40000"))));
    assert_eq!((entry.receive_queue_bytes, entry.send_queue_bytes), (Some(3), Some(91_220)));
    assert_eq!((entry.uid, entry.inode), (Some(1000), Some(48_213)));
    assert_eq!(entry.retransmits, NonZeroU32::new(5));
    let timer = SocketTimer { kind: TimerKind::Retransmit, expires_us: 1_200_000, probes: 0 };
    assert_eq!(entry.timer, Some(timer));
    assert_eq!(interface(&told.bytes()), NonZeroU32::new(3));
}

#[test]
fn a_keepalive_probe_is_no_retransmit() {
    let mut told = told(1);
    (told.timer, told.retransmits) = (2, 4);
    let entry = TCP4.entry(&told.bytes()).unwrap();
    assert_eq!((entry.retransmits, entry.timer.unwrap().probes), (None, 4));
}

#[test]
fn a_listener_has_an_accept_queue_and_says_if_it_takes_both_families() {
    for (v6_only, dual) in [(0, true), (1, false)] {
        let mut told = told(10);
        (told.local, told.peer) = (([0; 16], 15_090), ([0; 16], 0));
        told.rest = [0, 129, 128, 0, 7];
        told.attributes = vec![(V6_ONLY, vec![v6_only])];
        let entry = TCP6.entry(&told.bytes()).unwrap();
        assert_eq!(entry.accept_queue, Some(AcceptQueue { waiting: 129, limit: 128 }));
        assert_eq!((entry.dual_stack, entry.peer), (dual, None));
        assert_eq!((entry.receive_queue_bytes, entry.send_queue_bytes), (None, None));
    }
}

#[test]
fn nobody_owns_what_only_waits_for_its_end() {
    let mut told = told(6);
    told.rest = [58_000, 0, 0, 0, 0];
    let entry = TCP4.entry(&told.bytes()).unwrap();
    assert_eq!((entry.state, entry.uid, entry.inode), (SocketState::TimeWait, None, None));
}

#[test]
fn ipv4_on_a_socket_of_ipv6_is_told_as_ipv4() {
    let mut told = told(7);
    told.local.0 = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1];
    (told.peer, told.attributes) = (([0; 16], 0), vec![(MEMORY, vec![9; 36])]);
    let entry = UDP6.entry(&told.bytes()).unwrap();
    assert_eq!((entry.state, entry.local), (SocketState::Unconnected, Some(at("10.0.0.1:80"))));
    assert_eq!(entry.drops, Some(0x0909_0909));
}

#[test]
fn a_connection_is_the_same_in_every_state_and_listeners_are_not() {
    let identity_of = |told: &Told| {
        let bytes = told.bytes();
        identity(&bytes, &TCP4.entry(&bytes).unwrap())
    };
    let (open, ended) = (told(1), Told { cookie: 2, ..told(6) });
    assert_eq!(identity_of(&open), identity_of(&ended));
    let listener = |cookie| Told { cookie, peer: ([0; 16], 0), ..told(10) };
    assert_ne!(identity_of(&listener(1)), identity_of(&listener(2)));
}

#[test]
fn states_are_asked_for_by_their_bits() {
    let bits = |wanted: &[SocketState]| states(|state| wanted.contains(&state), TCP4.protocol);
    assert_eq!(bits(&[SocketState::Listen]), 1 << 10);
    assert_eq!(bits(&[SocketState::SynReceived]), 1 << 3 | 1 << 12);
    assert_eq!(bits(&[SocketState::Unconnected]), 0);
    assert_eq!(states(|_| true, SocketProtocol::Udp), 0x1ffe);
    assert_eq!(TCP4.question().len(), 56);
    assert_eq!(TCP4.question_again(&told(1).bytes()).unwrap().len(), 56);
}

/// As Linux 6.18 tells it of a connection over loopback.
#[test]
fn tcp_info_has_what_was_measured() {
    let mut info = vec![0; 248];
    let mut put = |at: usize, value: u32| {
        info[at..at + 4].copy_from_slice(&value.to_ne_bytes());
    };
    for (at, value) in [
        (8, 204_000),
        (16, 1_448),
        (44, 4_200),
        (56, 4_200),
        (68, 412),
        (72, 30),
        (76, 0x7fff_ffff),
        (80, 10),
        (84, 1_460),
        (100, 5),
    ] {
        put(at, value);
    }
    info[104..112].copy_from_slice(&u64::MAX.to_ne_bytes());
    (info[1], info[5], info[6]) = (4, 0b0111, 0x97);
    let mut told = told(1);
    told.attributes = vec![(INFO, info), (CONGESTION, b"cubic\0".to_vec())];
    let read = TCP4.entry(&told.bytes()).unwrap().tcp_info.unwrap();
    assert_eq!((read.rtt_us, read.rtt_var_us, read.rto_us), (Some(412), Some(30), Some(204_000)));
    assert_eq!((read.cwnd, read.ssthresh, read.mss_bytes), (10, None, 1_448));
    assert_eq!(read.advertised_mss_bytes, 1_460);
    assert_eq!((read.total_retransmits, read.last_ack_received_us), (5, 4_200_000));
    assert_eq!((read.pacing_rate, read.delivery_rate, read.min_rtt_us), (None, None, None));
    assert_eq!((read.send_window_scale, read.receive_window_scale), (Some(7), Some(9)));
    assert_eq!((read.timestamps, read.sack, read.ecn), (true, true, false));
    assert_eq!(read.congestion_control, Some("cubic".into()));
    assert_eq!(read.congestion_state, netdiag_wire::sockets::Congestion::Loss);
}

#[test]
fn an_older_kernels_shorter_info_reads_as_far_as_it_goes() {
    let whole = vec![1; 248];
    for length in 0..whole.len() {
        let read = tcp_info::read(&whole[..length]);
        assert_eq!(read.is_some(), length >= 104, "{length}");
        assert!(read.is_none_or(|read| read.bytes_acked.is_some() == (length >= 128)));
    }
}

proptest! {
    #[test]
    fn any_bytes_hold(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for table in [TCP4, TCP6, UDP6] {
            let entry = table.entry(&bytes);
            prop_assert_eq!(entry.is_some(), bytes.len() >= MESSAGE);
            let _ = entry.map(|entry| identity(&bytes, &entry));
            let _ = (interface(&bytes), table.question_again(&bytes));
        }
    }
}
