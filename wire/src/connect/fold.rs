//! Connect's events folded into one report.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ConnectAttempt, ConnectEvent, ConnectProtocol};
use crate::{EndReason, Untrusted, is_default};

/// Most attempts that are kept one by one; the tallies count all.
pub const MAX_ATTEMPTS: usize = 10_000;

/// What became of all attempts.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectReport {
    pub targets: Vec<ConnectedTo>,
    pub attempts: Vec<ConnectAttempt>,
    /// Of the attempts that decide their round, in order of appearance.
    pub tallies: Vec<ConnectTally>,
    /// Absent when the stream broke off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndReason>,
}

/// A target as it was tried.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectedTo {
    pub host: Untrusted,
    pub port: u16,
    #[serde(default, skip_serializing_if = "is_default")]
    pub protocol: ConnectProtocol,
    pub addresses: Vec<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<IpAddr>,
}

/// How often an outcome was seen.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectTally {
    #[serde(default, skip_serializing_if = "is_default")]
    pub target: u16,
    /// As an attempt's `outcome`.
    pub outcome: Untrusted,
    pub count: u32,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    pub least_us: u64,
    pub most_us: u64,
}

/// Kept as the events come.
#[derive(Clone, Debug, Default)]
pub struct ConnectFold(ConnectReport);

impl ConnectFold {
    pub fn push(&mut self, event: &ConnectEvent, at: Timestamp) {
        match event {
            ConnectEvent::Started { host, port, protocol, addresses, source, .. } => {
                self.0.targets.push(ConnectedTo {
                    host: host.clone(),
                    port: *port,
                    protocol: *protocol,
                    addresses: addresses.clone(),
                    source_address: *source,
                });
            }
            ConnectEvent::Attempt(attempt) => self.attempt(attempt, at),
            ConnectEvent::Unknown => {}
        }
    }

    fn attempt(&mut self, attempt: &ConnectAttempt, at: Timestamp) {
        if self.0.attempts.len() < MAX_ATTEMPTS {
            self.0.attempts.push(attempt.clone());
        }
        if attempt.beside {
            return;
        }
        let (target, took_us, word) = (attempt.target, attempt.took_us, attempt.outcome.word());
        let same = |tally: &&mut ConnectTally| {
            tally.target == target && tally.outcome.as_bytes() == word.as_bytes()
        };
        match self.0.tallies.iter_mut().find(same) {
            Some(tally) => {
                tally.count += 1;
                tally.last_at = at;
                tally.least_us = tally.least_us.min(took_us);
                tally.most_us = tally.most_us.max(took_us);
            }
            None => self.0.tallies.push(ConnectTally {
                target,
                outcome: word.into(),
                count: 1,
                first_at: at,
                last_at: at,
                least_us: took_us,
                most_us: took_us,
            }),
        }
    }

    pub fn report(&self, ended: Option<EndReason>) -> ConnectReport {
        ConnectReport { ended, ..self.0.clone() }
    }
}

impl ConnectReport {
    /// The attempts that decide their round.
    pub fn decisive(&self) -> impl Iterator<Item = &ConnectAttempt> {
        self.attempts.iter().filter(|attempt| !attempt.beside)
    }

    /// Rounds that came to an end.
    pub fn rounds(&self) -> u32 {
        self.tallies.iter().map(|tally| tally.count).sum()
    }

    /// Rounds in which the target took the connection, or answered.
    pub fn well(&self) -> u32 {
        let is_well = |tally: &&ConnectTally| {
            [&b"connected"[..], b"replied"].contains(&tally.outcome.as_bytes())
        };
        self.tallies.iter().filter(is_well).map(|tally| tally.count).sum()
    }
}
