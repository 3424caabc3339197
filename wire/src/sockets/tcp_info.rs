//! What the kernel knows of one TCP connection.

use serde::{Deserialize, Serialize};

use crate::{Untrusted, is_default};

/// `struct tcp_info` (linux/tcp.h); what this kernel is too old to tell is absent.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TcpInfo {
    /// Smoothed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_us: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_var_us: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_rtt_us: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rto_us: Option<u32>,
    /// In segments, as `ss` has it.
    pub cwnd: u32,
    /// In segments; absent while slow start has no threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssthresh: Option<u32>,
    /// What this end sends at most in one segment.
    pub mss_bytes: u32,
    /// What the largest segment from the other end was taken to be.
    pub receive_mss_bytes: u32,
    pub advertised_mss_bytes: u32,
    pub path_mtu_bytes: u32,
    /// Segments sent and not acknowledged.
    pub unacked: u32,
    /// Segments that count as lost.
    pub lost: u32,
    /// Segments that are sent again and not yet acknowledged.
    pub retransmitting: u32,
    /// Segments sent again since the connection began, its SYN included.
    pub total_retransmits: u32,
    pub last_data_sent_us: u64,
    pub last_data_received_us: u64,
    pub last_ack_received_us: u64,
    /// Bytes a second; absent where nothing paces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pacing_rate: Option<u64>,
    /// Bytes a second, the best lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_rate: Option<u64>,
    /// That rate was held down by the process, which gave no more to send.
    #[serde(default, skip_serializing_if = "is_default")]
    pub delivery_rate_by_app: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_sent: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_acked: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_received: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_retransmitted: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments_out: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments_in: Option<u32>,
    /// Written by the process and not yet sent for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsent_bytes: Option<u32>,
    /// The time that something was sent or waited to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy_us: Option<u64>,
    /// Of it, held back by the other end's window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receive_window_limited_us: Option<u64>,
    /// Of it, held back by this end's buffer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_buffer_limited_us: Option<u64>,
    /// Segments that came out of order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_out_of_order: Option<u32>,
    /// What the other end lets this one send; absent before Linux 5.4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_window_bytes: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receive_window_bytes: Option<u32>,
    pub congestion_state: Congestion,
    /// `cubic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub congestion_control: Option<Untrusted>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub timestamps: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub sack: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub ecn: bool,
    /// Shifts of the windows, absent where an end cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_window_scale: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receive_window_scale: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<SocketMemory>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Congestion {
    #[default]
    Open,
    Disorder,
    /// The window was reduced.
    Reduced,
    Recovery,
    Loss,
    #[serde(other)]
    Unknown,
}

/// Buffers as the kernel counts them, its own overhead included.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketMemory {
    pub receive_bytes: u32,
    pub receive_limit_bytes: u32,
    pub send_bytes: u32,
    pub send_limit_bytes: u32,
    pub drops: u32,
}
