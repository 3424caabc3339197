//! A handshake's events folded into one report.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{MAX_CERTIFICATES, TlsEvent, TlsHandshake, TlsPurpose, TlsTaken};
use crate::{EndReason, Untrusted, connect::ConnectAttempt};

/// Longest certificate or OCSP response that is put together, in bytes.
const MAX_DER: usize = 1024 * 1024;

/// What one server showed.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsReport {
    pub host: Untrusted,
    pub port: u16,
    pub addresses: Vec<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<IpAddr>,
    /// The connections, the one that decides last.
    pub attempts: Vec<ConnectAttempt>,
    /// As asked for; absent when there was no connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<TlsServed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed: Option<TlsServed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_name: Option<TlsServed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clear: Option<TlsServed>,
    /// Of a scan, the oldest version first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<TlsTaken>,
    /// Absent when the stream broke off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndReason>,
}

/// One handshake and what came in it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsServed {
    /// Absent as long as it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handshake: Option<TlsHandshake>,
    /// In DER, as served.
    pub certificates: Vec<Untrusted>,
    /// The OCSP response, in DER.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staple: Option<Untrusted>,
}

/// Kept as the events come.
#[derive(Clone, Debug, Default)]
pub struct TlsFold(TlsReport);

impl TlsFold {
    pub fn push(&mut self, event: &TlsEvent) {
        match event {
            TlsEvent::Dialing { host, port, addresses, source } => {
                self.0.host = host.clone();
                self.0.port = *port;
                self.0.addresses = addresses.clone();
                self.0.source_address = *source;
            }
            TlsEvent::Connection { purpose: TlsPurpose::Asked, attempt } => {
                self.0.attempts.push(attempt.clone());
            }
            TlsEvent::Certificate { purpose, number, der } => {
                if let Some(served) = self.served(*purpose) {
                    served.take(usize::from(*number), der.as_bytes());
                }
            }
            TlsEvent::Staple { purpose, der } => {
                if let Some(served) = self.served(*purpose) {
                    join(served.staple.get_or_insert_default(), der.as_bytes());
                }
            }
            TlsEvent::Handshake(handshake) => {
                if let Some(served) = self.served(handshake.purpose) {
                    served.handshake = Some(handshake.as_ref().clone());
                }
            }
            TlsEvent::Takes(taken) => {
                self.0.versions.push(taken.as_ref().clone());
                self.0.versions.sort_by(|a, b| a.version.as_bytes().cmp(b.version.as_bytes()));
            }
            TlsEvent::Connection { .. } | TlsEvent::Unknown => {}
        }
    }

    fn served(&mut self, purpose: TlsPurpose) -> Option<&mut TlsServed> {
        let served = match purpose {
            TlsPurpose::Asked => &mut self.0.asked,
            TlsPurpose::Resume => &mut self.0.resumed,
            TlsPurpose::WithoutName => &mut self.0.without_name,
            TlsPurpose::Clear => &mut self.0.clear,
            TlsPurpose::Unknown => return None,
        };
        Some(served.get_or_insert_default())
    }

    pub fn report(&self, ended: Option<EndReason>) -> TlsReport {
        TlsReport { ended, ..self.0.clone() }
    }
}

impl TlsReport {
    /// The handshake that showed a certificate: as asked for, else what was shown in the clear.
    pub fn shown(&self) -> Option<&TlsServed> {
        let has_any = |served: &&TlsServed| !served.certificates.is_empty();
        self.asked.as_ref().filter(has_any).or(self.clear.as_ref().filter(has_any))
    }
}

impl TlsServed {
    pub(crate) fn take(&mut self, number: usize, der: &[u8]) {
        let count = self.certificates.len();
        if number == count && count < MAX_CERTIFICATES {
            self.certificates.push(der.to_vec().into());
        } else if let Some(last) = self.certificates.last_mut().filter(|_| number + 1 == count) {
            join(last, der);
        }
    }
}

fn join(whole: &mut Untrusted, piece: &[u8]) {
    if whole.as_bytes().len() + piece.len() <= MAX_DER {
        *whole = [whole.as_bytes(), piece].concat().into();
    }
}
