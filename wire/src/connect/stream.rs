//! `POST /v1/connect/stream`: one TCP connection and the bytes both ways, in frames
//! ([`crate::frame`]).

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::{ConnectOutcome, ConnectRequest, ConnectTarget};
use crate::{Family, MAX_HOST_BYTES, check_bytes, is_default};

/// Connect to one port and pass bytes on until both directions have ended.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectStreamRequest {
    /// An address, or a name that is resolved in the source, with the source's resolv.conf.
    pub host: String,
    pub port: u16,
    #[serde(default, skip_serializing_if = "is_default")]
    pub family: Family,
    /// Send from this address, which must be one of the namespace's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_port: Option<u16>,
    /// How long to wait for the connection.
    #[serde(default = "default_wait", skip_serializing_if = "is_default_wait")]
    pub wait_us: u32,
}

/// What happens besides the bytes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ConnectStreamEvent {
    /// Before the first byte.
    Connected {
        local: SocketAddr,
        remote: SocketAddr,
        took_us: u64,
        /// The other end is a socket of the source's own namespace: a proxy's, not the target's.
        #[serde(default, skip_serializing_if = "is_default")]
        intercepted: bool,
    },
    /// No bytes follow, unless another address of the name is tried next.
    NotConnected {
        remote: SocketAddr,
        took_us: u64,
        #[serde(default, skip_serializing_if = "is_default")]
        more: bool,
        #[serde(flatten)]
        outcome: ConnectOutcome,
    },
    /// After the last byte.
    Closed {
        /// Bytes that the source's kernel took for the peer.
        sent: u64,
        received: u64,
        #[serde(flatten)]
        end: ConnectionEnd,
    },
    /// Said by a newer agent.
    #[serde(other)]
    Unknown,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "end", rename_all = "camelCase")]
pub enum ConnectionEnd {
    /// Both sides ended their direction.
    Finished,
    /// RST: what was under way is lost.
    Reset,
    /// The peer acknowledges nothing any more.
    Lost,
    /// By the caller, the deadline or the agent, before it had ended.
    CutOff,
    #[serde(other)]
    Unknown,
}

impl ConnectStreamRequest {
    pub fn to(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            family: Family::Any,
            source_address: None,
            source_port: None,
            wait_us: default_wait(),
        }
    }

    /// The same connection, for whatever the caller says over it.
    pub fn of(request: &ConnectRequest) -> Self {
        let ConnectTarget { host, port } = request.targets[0].clone();
        Self {
            host,
            port,
            family: request.family,
            source_address: request.source_address,
            source_port: request.source_port,
            wait_us: request.wait(),
        }
    }

    /// The first bound that a value passes, named with the field.
    pub fn check(&self) -> Result<(), String> {
        check_bytes("host", self.host.len(), MAX_HOST_BYTES)?;
        for (field, port) in [("port", Some(self.port)), ("sourcePort", self.source_port)] {
            if port == Some(0) {
                return Err(format!("{field}: 0, must be 1 to 65535"));
            }
        }
        match self.wait_us {
            1_000..=60_000_000 => Ok(()),
            us => Err(format!("waitUs: {us}, must be 1000 to 60000000")),
        }
    }
}

/// Three SYNs: after 0, 1 and 3 s.
fn default_wait() -> u32 {
    5_000_000
}

fn is_default_wait(us: &u32) -> bool {
    *us == default_wait()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EndReason, Event, Line, SendRefusal};

    #[test]
    fn golden_request() {
        let golden = r#"{"host":"foo","port":80}"#;
        let request = ConnectStreamRequest::to("foo", 80);
        assert_eq!(serde_json::to_string(&request).unwrap(), golden);
        assert_eq!(serde_json::from_str::<ConnectStreamRequest>(golden).unwrap(), request);
        let newer = r#"{"host":"foo","port":80,"mptcp":true}"#;
        assert!(serde_json::from_str::<ConnectStreamRequest>(newer).is_err());
    }

    #[test]
    fn bounds_are_named_by_field() {
        let mut request = ConnectStreamRequest::to("foo", 0);
        assert_eq!(request.check().unwrap_err(), "port: 0, must be 1 to 65535");
        request.port = 80;
        request.wait_us = 999;
        assert_eq!(request.check().unwrap_err(), "waitUs: 999, must be 1000 to 60000000");
    }

    #[test]
    fn golden_events() {
        let local = "10.244.1.23:41822".parse().unwrap();
        let remote = "10.244.2.7:80".parse().unwrap();
        let connected = |intercepted| ConnectStreamEvent::Connected {
            local,
            remote,
            took_us: 520,
            intercepted,
        };
        let not =
            |outcome| ConnectStreamEvent::NotConnected { remote, took_us: 9, more: false, outcome };
        let closed = |end| ConnectStreamEvent::Closed { sent: 18, received: 4096, end };
        for (event, golden) in [
            (
                connected(false),
                r#"{"event":"connected","local":"10.244.1.23:41822","remote":"10.244.2.7:80","tookUs":520}"#,
            ),
            (
                connected(true),
                r#"{"event":"connected","local":"10.244.1.23:41822","remote":"10.244.2.7:80","tookUs":520,"intercepted":true}"#,
            ),
            (
                not(ConnectOutcome::Refused { ttl: Some(62) }),
                r#"{"event":"notConnected","remote":"10.244.2.7:80","tookUs":9,"outcome":"refused","ttl":62}"#,
            ),
            (
                not(ConnectOutcome::NotSent { refusal: SendRefusal::NoRoute }),
                r#"{"event":"notConnected","remote":"10.244.2.7:80","tookUs":9,"outcome":"notSent","refusal":{"reason":"noRoute"}}"#,
            ),
            (
                closed(ConnectionEnd::Finished),
                r#"{"event":"closed","sent":18,"received":4096,"end":"finished"}"#,
            ),
            (
                closed(ConnectionEnd::CutOff),
                r#"{"event":"closed","sent":18,"received":4096,"end":"cutOff"}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&event).unwrap(), golden);
            let line = format!(r#"{{"at":"2026-11-23T02:00:00Z",{}"#, &golden[1..]);
            let read: Line<ConnectStreamEvent> = serde_json::from_str(&line).unwrap();
            assert_eq!(read.event, Event::Probe(event));
        }
        let end = r#"{"at":"2026-11-23T02:00:00Z","event":"end","reason":"completed"}"#;
        let read: Line<ConnectStreamEvent> = serde_json::from_str(end).unwrap();
        assert_eq!(read.event, Event::End { reason: EndReason::Completed });
    }

    #[test]
    fn what_a_newer_agent_says_is_unknown() {
        let event = |json| serde_json::from_str::<ConnectStreamEvent>(json).unwrap();
        assert_eq!(event(r#"{"event":"teleported","to":1}"#), ConnectStreamEvent::Unknown);
        let closed = r#"{"event":"closed","sent":1,"received":2,"end":"dissolved"}"#;
        let end = ConnectionEnd::Unknown;
        assert_eq!(event(closed), ConnectStreamEvent::Closed { sent: 1, received: 2, end });
    }
}
