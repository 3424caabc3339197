//! `POST /v1/listen`: wait on a port for who connects, with the bytes both ways, in frames
//! ([`crate::frame`]).

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

mod fold;
pub use fold::ListenFold;

use crate::{
    EndReason, ErrorBody, Untrusted, check_bytes, connect::stream::ConnectionEnd, is_default,
    sockets::SocketAddress,
};

/// Most bytes of `answer`.
pub const MAX_ANSWER_BYTES: usize = 32 * 1024;

/// Listen on one port.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListenRequest {
    pub port: u16,
    #[serde(default, skip_serializing_if = "is_default")]
    pub udp: bool,
    /// One of the namespace's; absent: all of them, IPv4 and IPv6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Go on after the first connection; the next waits until it has ended.
    #[serde(default, skip_serializing_if = "is_default")]
    pub keep: bool,
    /// Send this to everybody who connects, or for every datagram, and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Untrusted>,
}

impl ListenRequest {
    /// The first connection to this TCP port, on every address.
    pub fn on(port: u16) -> Self {
        Self { port, udp: false, address: None, keep: false, answer: None }
    }

    /// The first bound that a value passes, named with the field.
    pub fn check(&self) -> Result<(), String> {
        if self.port == 0 {
            return Err("port: 0, must be 1 to 65535".into());
        }
        match &self.answer {
            Some(answer) => check_bytes("answer", answer.as_bytes().len(), MAX_ANSWER_BYTES),
            None => Ok(()),
        }
    }
}

/// What happens besides the bytes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ListenEvent {
    /// From now on whoever connects is heard.
    Listening {
        local: SocketAddr,
        #[serde(default, skip_serializing_if = "is_default")]
        udp: bool,
    },
    /// A TCP connection, or the first datagram of somebody.
    Accepted {
        /// As it arrived: after whatever rewrites addresses on the way.
        from: SocketAddr,
        to: SocketAddr,
        /// How it looked on arrival.
        #[serde(flatten)]
        arrival: Arrival,
    },
    /// After the last byte of the connection that was accepted last.
    Closed {
        sent: u64,
        received: u64,
        #[serde(flatten)]
        end: ConnectionEnd,
    },
    /// Said by a newer agent.
    #[serde(other)]
    Unknown,
}

/// The packet that opened a connection, as it arrived; of a datagram there is only the TTL.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Arrival {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u8>,
    /// The SYN's maximum segment size, in bytes (RFC 9293 section 3.7.1); absent where it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mss: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u16>,
    /// Shift of later windows (RFC 7323).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_scale: Option<u8>,
}

/// The fold of a listener's events.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenReport {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<SocketAddress>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub udp: bool,
    pub accepted: Vec<AcceptedConnection>,
    /// Those that the list has no room for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub more: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndReason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedConnection {
    pub at: jiff::Timestamp,
    pub from: SocketAddress,
    pub to: SocketAddress,
    #[serde(flatten)]
    pub arrival: Arrival,
    /// Once it has ended.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<ClosedConnection>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClosedConnection {
    pub sent_bytes: u64,
    pub received_bytes: u64,
    #[serde(flatten)]
    pub end: ConnectionEnd,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Line};

    #[test]
    fn golden_request() {
        let mut request = ListenRequest::on(9999);
        assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"port":9999}"#);
        request.udp = true;
        request.keep = true;
        request.answer = Some("pong\n".into());
        let golden = r#"{"port":9999,"udp":true,"keep":true,"answer":"pong\n"}"#;
        assert_eq!(serde_json::to_string(&request).unwrap(), golden);
        assert_eq!(serde_json::from_str::<ListenRequest>(golden).unwrap(), request);
        assert!(serde_json::from_str::<ListenRequest>(r#"{"port":1,"fork":true}"#).is_err());
    }

    #[test]
    fn bounds_are_named_by_field() {
        let refused = |change: fn(&mut ListenRequest)| {
            let mut request = ListenRequest::on(9999);
            change(&mut request);
            request.check().unwrap_err()
        };
        assert_eq!(refused(|r| r.port = 0), "port: 0, must be 1 to 65535");
        assert_eq!(refused(|r| r.answer = Some("".into())), "answer: 0 bytes, must be 1 to 32768");
        let long = |r: &mut ListenRequest| r.answer = Some("a".repeat(32_769).into());
        assert_eq!(refused(long), "answer: 32769 bytes, must be 1 to 32768");
    }

    #[test]
    fn golden_lines() {
        for golden in [
            r#"{"at":"2026-11-23T03:07:11Z","event":"listening","local":"[::]:9999"}"#,
            r#"{"at":"2026-11-23T03:07:14Z","event":"accepted","from":"10.244.1.23:50112","to":"10.244.2.40:9999","ttl":62,"mss":1460,"window":64240,"windowScale":7}"#,
            r#"{"at":"2026-11-23T03:07:15Z","event":"closed","sent":5,"received":18,"end":"finished"}"#,
        ] {
            let line: Line<ListenEvent> = serde_json::from_str(golden).unwrap();
            assert!(matches!(&line.event, Event::Probe(event) if *event != ListenEvent::Unknown));
            assert_eq!(serde_json::to_string(&line).unwrap(), golden);
        }
        let newer = r#"{"at":"2026-11-23T03:07:11Z","event":"teleported"}"#;
        let line: Line<ListenEvent> = serde_json::from_str(newer).unwrap();
        assert_eq!(line.event, Event::Probe(ListenEvent::Unknown));
    }
}
