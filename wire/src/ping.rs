//! `POST /v1/ping`: echo requests to one or more targets.

use std::{
    net::IpAddr,
    num::{NonZeroU8, NonZeroU32},
};

use serde::{Deserialize, Serialize};

mod fold;
pub use fold::PingFold;

use crate::{
    EndReason, ErrorBody, Family, IcmpError, MAX_HOST_BYTES, SendRefusal, Untrusted, check_bytes,
    is_default,
};

/// Most targets of one request.
pub const MAX_TARGETS: usize = 128;
/// Shortest interval without the right `fast-ping`, in microseconds (as iputils has it for users).
pub const MIN_INTERVAL_US: u32 = 200_000;
/// Shortest interval at all, in microseconds.
pub const FASTEST_INTERVAL_US: u32 = 2_000;
/// Most data bytes that an IPv4 packet holds after its header and the ICMP header.
pub const MAX_SIZE: u16 = 65_507;
/// How long a ping that heard nothing waits for a late host-unreachable: a router gives up ARP
/// after 3 s (Linux: 3 probes, 1 s apart).
pub const LINGER_US: u32 = 3_500_000;

/// Send echo requests to each target, all targets at once.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PingRequest {
    /// 1 to [`MAX_TARGETS`].
    pub targets: Vec<PingTarget>,
    /// Echo requests to each target; absent: until cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<NonZeroU32>,
    /// From one echo request to the next, for each target.
    #[serde(default = "second", skip_serializing_if = "is_second")]
    pub interval_us: u32,
    /// After this time an echo request is silent; a later reply still counts, as late.
    #[serde(default = "second", skip_serializing_if = "is_second")]
    pub wait_us: u32,
    /// Data bytes after the 8 of the ICMP header.
    #[serde(default = "default_size", skip_serializing_if = "is_default_size")]
    pub size: u16,
    /// TTL (IPv6: hop limit); absent: the namespace's own default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<NonZeroU8>,
    /// Forbid fragmentation, on the way and here.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dont_fragment: bool,
    /// End with the first reply of every target.
    #[serde(default, skip_serializing_if = "is_default")]
    pub once: bool,
    /// Send from this address, which must be one of the namespace's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub family: Family,
}

/// An address or a name; a name is resolved in the source, with the source's resolv.conf.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PingTarget {
    pub host: String,
}

impl PingRequest {
    /// As `ping HOST` sends: every field at its default.
    pub fn to(host: impl Into<String>) -> Self {
        Self {
            targets: vec![PingTarget { host: host.into() }],
            count: None,
            interval_us: second(),
            wait_us: second(),
            size: default_size(),
            ttl: None,
            dont_fragment: false,
            once: false,
            source_address: None,
            family: Family::Any,
        }
    }

    /// The first bound that a value passes, named with the field.
    pub fn check(&self) -> Result<(), String> {
        let targets = self.targets.len();
        if !(1..=MAX_TARGETS).contains(&targets) {
            return Err(format!("targets: {targets}, must be 1 to {MAX_TARGETS}"));
        }
        for target in &self.targets {
            check_bytes("host", target.host.len(), MAX_HOST_BYTES)?;
        }
        if self.interval_us < FASTEST_INTERVAL_US {
            return Err(format!("intervalUs: {}, least {FASTEST_INTERVAL_US}", self.interval_us));
        }
        if !(1_000..=3_600_000_000).contains(&self.wait_us) {
            return Err(format!("waitUs: {}, must be 1000 to 3600000000", self.wait_us));
        }
        if self.size > MAX_SIZE {
            return Err(format!("size: {}, must be 0 to {MAX_SIZE}", self.size));
        }
        Ok(())
    }

    /// Whether the interval needs the right `fast-ping`.
    pub fn is_fast(&self) -> bool {
        self.interval_us < MIN_INTERVAL_US
    }
}

fn second() -> u32 {
    1_000_000
}

fn is_second(us: &u32) -> bool {
    *us == second()
}

fn default_size() -> u16 {
    56
}

fn is_default_size(size: &u16) -> bool {
    *size == default_size()
}

/// What happened to one echo request of one target. `seq` starts at 1 and does not wrap.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum PingEvent {
    /// The target's address is known and its socket open.
    Started {
        #[serde(default, skip_serializing_if = "is_default")]
        target: u16,
        /// As the request has it.
        host: Untrusted,
        address: IpAddr,
        /// Where the packets come from, as the namespace's routes choose it; unspecified (`0.0.0.0`,
        /// `::`) while there is no route.
        source: IpAddr,
        socket: SocketKind,
    },
    Sent {
        #[serde(default, skip_serializing_if = "is_default")]
        target: u16,
        seq: u32,
    },
    Replied {
        #[serde(default, skip_serializing_if = "is_default")]
        target: u16,
        seq: u32,
        /// Usually the target; another one when the target answers from elsewhere.
        address: IpAddr,
        /// ICMP header and data, as ping counts them.
        bytes: u16,
        /// Absent when the kernel did not tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl: Option<u8>,
        /// From just before the send to the kernel's receive time stamp.
        rtt_us: u64,
        /// After `waitUs`, hence after a [`PingEvent::Silence`] of the same `seq`.
        #[serde(default, skip_serializing_if = "is_default")]
        late: bool,
        #[serde(default, skip_serializing_if = "is_default")]
        duplicate: bool,
        /// A later `seq` was answered before.
        #[serde(default, skip_serializing_if = "is_default")]
        reordered: bool,
        /// Offset of the first data byte that is not the one sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wrong_byte: Option<u16>,
    },
    /// An answer whose ICMP checksum is wrong; it does not count as a reply.
    Corrupted {
        #[serde(default, skip_serializing_if = "is_default")]
        target: u16,
        seq: u32,
        address: IpAddr,
        bytes: u16,
    },
    /// Nothing came back in `waitUs`.
    Silence {
        #[serde(default, skip_serializing_if = "is_default")]
        target: u16,
        seq: u32,
        waited_us: u64,
    },
    /// Somebody on the way, or the target, said by ICMP that the echo request went no further.
    Rejected {
        #[serde(default, skip_serializing_if = "is_default")]
        target: u16,
        seq: u32,
        by: IpAddr,
        icmp: IcmpError,
        after_us: u64,
    },
    /// A router knows a shorter way; the echo request was forwarded all the same.
    Redirected {
        #[serde(default, skip_serializing_if = "is_default")]
        target: u16,
        seq: u32,
        by: IpAddr,
        gateway: IpAddr,
    },
    /// This host's kernel refused to send.
    NotSent {
        #[serde(default, skip_serializing_if = "is_default")]
        target: u16,
        seq: u32,
        refusal: SendRefusal,
    },
    /// From a newer agent.
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SocketKind {
    /// Sees every ICMP answer, also those with a wrong checksum.
    Raw,
    /// Unprivileged; the kernel hides replies with a wrong checksum.
    Datagram,
    #[serde(other)]
    Unknown,
}

/// What became of all echo requests to one target; the fold of its events.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PingReport {
    pub host: Untrusted,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<IpAddr>,
    pub sent: u32,
    /// Echo requests answered, in time or late; each once.
    pub replied: u32,
    pub late: u32,
    pub duplicates: u32,
    pub reordered: u32,
    pub corrupted: u32,
    /// Replies whose data was not the data sent.
    pub wrong_data: u32,
    /// Neither answered nor rejected within the wait.
    pub silent: u32,
    pub rejected: u32,
    pub not_sent: u32,
    /// Still waited for when the stream ended.
    pub pending: u32,
    /// Over the replies in time, microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_us: Option<RttUs>,
    /// Every `seq` that is silent, rejected or not sent; at most [`MAX_LISTED`].
    pub lost_seqs: Vec<u32>,
    /// Each kind once, in order of appearance; at most [`MAX_LISTED`].
    pub rejections: Vec<Rejection>,
    pub refusals: Vec<SendRefusal>,
    pub redirects: Vec<IpAddr>,
    /// Absent when the stream broke off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndReason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

/// Longest list in a report.
pub const MAX_LISTED: usize = 1_000;

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RttUs {
    pub min: u64,
    pub avg: u64,
    pub max: u64,
    /// Of the population, as iputils' mdev.
    pub stddev: u64,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rejection {
    pub by: IpAddr,
    pub icmp: IcmpError,
    pub count: u32,
    /// How long the first one took.
    pub after_us: u64,
}

impl PingReport {
    /// Echo requests that are known not to have been answered.
    pub fn lost(&self) -> u32 {
        self.silent + self.rejected + self.not_sent
    }

    /// Echo requests tried, those that the kernel refused to send among them.
    pub fn tried(&self) -> u32 {
        self.sent + self.not_sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Line};

    fn replied() -> PingEvent {
        PingEvent::Replied {
            target: 0,
            seq: 1,
            address: [10, 244, 2, 7].into(),
            bytes: 64,
            ttl: Some(63),
            rtt_us: 412,
            late: false,
            duplicate: false,
            reordered: false,
            wrong_byte: None,
        }
    }

    #[test]
    fn golden_request() {
        let mut request = PingRequest::to("10.244.2.7");
        assert_eq!(
            serde_json::to_string(&request).unwrap(),
            r#"{"targets":[{"host":"10.244.2.7"}]}"#
        );
        request.count = NonZeroU32::new(3);
        request.dont_fragment = true;
        let golden = r#"{"targets":[{"host":"10.244.2.7"}],"count":3,"dontFragment":true}"#;
        assert_eq!(serde_json::to_string(&request).unwrap(), golden);
        assert_eq!(serde_json::from_str::<PingRequest>(golden).unwrap(), request);
        let newer = r#"{"targets":[{"host":"a"}],"colour":"red"}"#;
        assert!(serde_json::from_str::<PingRequest>(newer).is_err());
    }

    #[test]
    fn golden_line() {
        let golden = r#"{"at":"2026-11-22T03:07:11Z","event":"replied","seq":1,"address":"10.244.2.7","bytes":64,"ttl":63,"rttUs":412}"#;
        let line: Line<PingEvent> = serde_json::from_str(golden).unwrap();
        assert_eq!(line.event, Event::Probe(replied()));
        assert_eq!(serde_json::to_string(&line).unwrap(), golden);
    }

    #[test]
    fn an_event_of_a_newer_agent_is_unknown() {
        let newer = r#"{"at":"2026-11-22T03:07:11Z","event":"teleported","seq":1}"#;
        let line: Line<PingEvent> = serde_json::from_str(newer).unwrap();
        assert_eq!(line.event, Event::Probe(PingEvent::Unknown));
        let wider = r#"{"at":"2026-11-22T03:07:11Z","event":"sent","seq":1,"mood":"good"}"#;
        let line: Line<PingEvent> = serde_json::from_str(wider).unwrap();
        assert_eq!(line.event, Event::Probe(PingEvent::Sent { target: 0, seq: 1 }));
    }

    #[test]
    fn the_end_is_an_event_of_the_stream() {
        let golden = r#"{"at":"2026-11-22T03:07:11Z","event":"end","reason":"sourceGone"}"#;
        let line: Line<PingEvent> = serde_json::from_str(golden).unwrap();
        assert_eq!(line.event, Event::End { reason: EndReason::SourceGone });
        assert_eq!(serde_json::to_string(&line).unwrap(), golden);
    }
}
