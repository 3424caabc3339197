//! A listener's events folded into one report.

use std::net::SocketAddr;

use jiff::Timestamp;

use super::{AcceptedConnection, ClosedConnection, ListenEvent, ListenReport};
use crate::{EndReason, ErrorBody, sockets::SocketAddress};

/// Most connections that a report lists; all are counted.
const MAX_LISTED: usize = 10_000;

/// The report of one listener, kept as the events come.
#[derive(Clone, Debug, Default)]
pub struct ListenFold {
    report: ListenReport,
}

impl ListenFold {
    /// `at` by the clock of the source's node.
    pub fn push(&mut self, event: &ListenEvent, at: Timestamp) {
        let report = &mut self.report;
        match event {
            ListenEvent::Listening { local, udp } => {
                (report.local, report.udp) = (Some(address(*local)), *udp);
            }
            ListenEvent::Accepted { .. } if report.accepted.len() == MAX_LISTED => report.more += 1,
            ListenEvent::Accepted { from, to, arrival } => {
                let (from, to, arrival) = (address(*from), address(*to), arrival.clone());
                let accepted = AcceptedConnection { at, from, to, arrival, closed: None };
                report.accepted.push(accepted);
            }
            ListenEvent::Closed { sent, received, end } => {
                let closed =
                    ClosedConnection { sent_bytes: *sent, received_bytes: *received, end: *end };
                match report.accepted.last_mut() {
                    Some(last) if report.more == 0 => last.closed = Some(closed),
                    Some(_) | None => {}
                }
            }
            ListenEvent::Unknown => {}
        }
    }

    /// What is known by now.
    pub fn report(&self, ended: Option<EndReason>, error: Option<&ErrorBody>) -> ListenReport {
        ListenReport { ended, error: error.cloned(), ..self.report.clone() }
    }
}

fn address(address: SocketAddr) -> SocketAddress {
    SocketAddress { address: address.ip(), port: address.port() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{connect::stream::ConnectionEnd, listen::Arrival};

    #[test]
    fn a_connection_is_listed_with_its_end() {
        let mut fold = ListenFold::default();
        let at: Timestamp = "2026-11-23T03:07:14Z".parse().unwrap();
        let local = "[::]:9999".parse().unwrap();
        let (from, to) =
            ("10.244.1.23:50112".parse().unwrap(), "10.244.2.40:9999".parse().unwrap());
        let arrival = Arrival { ttl: Some(62), mss: Some(1460), ..Arrival::default() };
        fold.push(&ListenEvent::Listening { local, udp: false }, at);
        fold.push(&ListenEvent::Accepted { from, to, arrival }, at);
        let end = ConnectionEnd::Finished;
        fold.push(&ListenEvent::Closed { sent: 5, received: 18, end }, at);
        let report = fold.report(Some(EndReason::Completed), None);
        let golden = r#"{"local":{"address":"::","port":9999},"accepted":[{"at":"2026-11-23T03:07:14Z","from":{"address":"10.244.1.23","port":50112},"to":{"address":"10.244.2.40","port":9999},"ttl":62,"mss":1460,"sentBytes":5,"receivedBytes":18,"end":"finished"}],"ended":"completed"}"#;
        assert_eq!(serde_json::to_string(&report).unwrap(), golden);
        assert_eq!(serde_json::from_str::<ListenReport>(golden).unwrap(), report);
    }
}
