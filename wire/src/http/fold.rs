//! An exchange's events folded into one report.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{HttpAnswer, HttpEvent, HttpField, HttpOver, HttpTunnelled};
use crate::{
    EndReason, Untrusted,
    connect::ConnectAttempt,
    is_default,
    tls::{MAX_CERTIFICATES, TlsServed},
};

/// Most interim answers that are kept; the others are counted.
const MAX_INTERIM: usize = 8;

/// What became of one request.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpReport {
    pub host: Untrusted,
    pub port: u16,
    pub addresses: Vec<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_us: Option<u64>,
    /// The connections, the one that decides last.
    pub attempts: Vec<ConnectAttempt>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnelled: Option<HttpTunnelled>,
    /// Absent without TLS, or without a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsServed>,
    /// Whether the request was sent, or begun to be.
    pub sent: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interim: Vec<HttpInterim>,
    /// Beyond those.
    #[serde(default, skip_serializing_if = "is_default")]
    pub more_interim: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<HttpAnswer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<HttpOver>,
    /// Absent when the stream broke off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndReason>,
}

/// A head before the answer's.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpInterim {
    pub status: u16,
    pub fields: Vec<HttpField>,
}

/// Kept as the events come.
#[derive(Clone, Debug, Default)]
pub struct HttpFold(HttpReport);

impl HttpFold {
    pub fn push(&mut self, event: &HttpEvent) {
        let report = &mut self.0;
        match event {
            HttpEvent::Reaching { host, port, addresses, source, name_us } => {
                report.host = host.clone();
                report.port = *port;
                report.addresses = addresses.clone();
                report.source_address = *source;
                report.name_us = *name_us;
            }
            HttpEvent::Connection(attempt) => report.attempts.push(attempt.clone()),
            HttpEvent::Tunnelled(tunnelled) => report.tunnelled = Some(tunnelled.clone()),
            HttpEvent::Certificate { number, der } => {
                let served = report.tls.get_or_insert_default();
                if usize::from(*number) < MAX_CERTIFICATES {
                    served.take(usize::from(*number), der.as_bytes());
                }
            }
            HttpEvent::Handshake(handshake) => {
                report.tls.get_or_insert_default().handshake = Some(handshake.as_ref().clone());
            }
            HttpEvent::Sending => report.sent = true,
            HttpEvent::Interim { .. } if report.interim.len() == MAX_INTERIM => {
                report.more_interim += 1;
            }
            HttpEvent::Interim { status, fields } => {
                report.interim.push(HttpInterim { status: *status, fields: fields.clone() });
            }
            HttpEvent::Answer(answer) => report.answer = Some(answer.as_ref().clone()),
            HttpEvent::Over(over) => report.over = Some(over.as_ref().clone()),
            HttpEvent::Unknown => {}
        }
    }

    pub fn report(&self, ended: Option<EndReason>) -> HttpReport {
        HttpReport { ended, ..self.0.clone() }
    }
}
