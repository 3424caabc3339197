//! `struct tcp_info` (linux/tcp.h): it only ever grows, and an older kernel's is shorter.

use netdiag_wire::sockets::{Congestion, SocketMemory, TcpInfo};

use crate::packet::netlink::{u32_at, u64_at};

/// Bits of `tcpi_options`.
const TIMESTAMPS: u8 = 1;
const SACK: u8 = 2;
const WINDOW_SCALE: u8 = 4;
const ECN: u8 = 8;

/// `TCP_INFINITE_SSTHRESH`.
const NO_THRESHOLD: u32 = 0x7fff_ffff;

/// None for what is shorter than the first kernels had it.
pub(super) fn read(bytes: &[u8]) -> Option<TcpInfo> {
    let [_, state, _, _, _, options, scales, limits] = *bytes.first_chunk()?;
    let of = |at| u32_at(bytes, at);
    let large = |at| u64_at(bytes, at);
    // The kernel counts in ms here.
    let ago_us = |at| of(at).map(|ms| u64::from(ms) * 1_000);
    let measured = |at| of(at).filter(|us| !matches!(*us, 0 | u32::MAX));
    let has = |option| options & option != 0;
    let scale = |shift: u8| has(WINDOW_SCALE).then_some(scales >> shift & 0xf);
    Some(TcpInfo {
        rtt_us: measured(68),
        rtt_var_us: measured(68).and(of(72)),
        min_rtt_us: measured(148),
        rto_us: measured(8),
        cwnd: of(80)?,
        ssthresh: of(76).filter(|segments| *segments < NO_THRESHOLD),
        mss_bytes: of(16)?,
        receive_mss_bytes: of(20)?,
        advertised_mss_bytes: of(84)?,
        path_mtu_bytes: of(60)?,
        unacked: of(24)?,
        lost: of(32)?,
        retransmitting: of(36)?,
        total_retransmits: of(100)?,
        last_data_sent_us: ago_us(44)?,
        last_data_received_us: ago_us(52)?,
        last_ack_received_us: ago_us(56)?,
        pacing_rate: large(104).filter(|rate| *rate != u64::MAX),
        delivery_rate: large(160).filter(|rate| *rate != 0),
        delivery_rate_by_app: limits & 1 != 0,
        bytes_sent: large(200),
        bytes_acked: large(120),
        bytes_received: large(128),
        bytes_retransmitted: large(208),
        segments_out: of(136),
        segments_in: of(140),
        unsent_bytes: of(144),
        busy_us: large(168),
        receive_window_limited_us: large(176),
        send_buffer_limited_us: large(184),
        received_out_of_order: of(224),
        send_window_bytes: of(228),
        receive_window_bytes: of(232),
        congestion_state: congestion(state),
        congestion_control: None,
        timestamps: has(TIMESTAMPS),
        sack: has(SACK),
        ecn: has(ECN),
        send_window_scale: scale(0),
        receive_window_scale: scale(4),
        memory: None,
    })
}

/// `enum tcp_ca_state`.
fn congestion(state: u8) -> Congestion {
    match state {
        0 => Congestion::Open,
        1 => Congestion::Disorder,
        2 => Congestion::Reduced,
        3 => Congestion::Recovery,
        4 => Congestion::Loss,
        _ => Congestion::Unknown,
    }
}

/// `SK_MEMINFO_*` of linux/sock_diag.h.
pub(super) fn memory(bytes: &[u8]) -> Option<SocketMemory> {
    Some(SocketMemory {
        receive_bytes: u32_at(bytes, 0)?,
        receive_limit_bytes: u32_at(bytes, 4)?,
        send_bytes: u32_at(bytes, 8)?,
        send_limit_bytes: u32_at(bytes, 12)?,
        drops: u32_at(bytes, 32)?,
    })
}
