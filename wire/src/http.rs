//! `POST /v1/http`: one HTTP exchange from the source, in frames ([`crate::frame`]): the caller's
//! bytes are the request's body, those that come back the answer's.
//!
//! The request is sent with the first of the caller's bytes, or their END: until then the caller
//! may judge the server's certificate and hang up. The agent judges nothing, and follows no
//! redirect.

use std::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

mod event;
mod fold;

pub use event::{HttpAnswer, HttpEnd, HttpEvent, HttpOver, HttpTunnelled};
pub use fold::{HttpFold, HttpInterim, HttpReport};

use crate::{
    Family, MAX_HOST_BYTES, Untrusted, check_bytes,
    connect::ConnectRequest,
    is_default,
    tls::{TlsOffer, default_handshake, default_wait, is_default_handshake, is_default_wait},
};

/// Most bytes of a head, of the request's or the answer's.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Most fields in a head.
pub const MAX_FIELDS: usize = 100;
/// Longest method, in bytes.
const MAX_METHOD_BYTES: usize = 32;

/// One request to one server.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpRequest {
    /// Whom to connect to: an address or a name, resolved in the source with its resolv.conf.
    pub host: String,
    pub port: u16,
    pub method: String,
    /// As in the request line (RFC 9112, section 3.2): a path with its query, a URL to a proxy, `*`.
    pub target: String,
    /// In this order; Host and what frames the body are among them.
    pub fields: Vec<HttpField>,
    /// Where no field says how long the body is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub chunked: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub version: HttpVersion,
    /// Absent: in the clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsOffer>,
    /// Asks a proxy for a connection first (RFC 9110, section 9.3.6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<HttpTunnel>,
    /// What comes first says whom it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_protocol: Option<ProxyProtocol>,
    /// Whether the answer's body is sent back; a right of its own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub with_body: bool,
    /// How long to wait for a connection: three SYNs at least.
    #[serde(default = "default_wait", skip_serializing_if = "is_default_wait")]
    pub wait_us: u32,
    /// How long a handshake may take once connected.
    #[serde(default = "default_handshake", skip_serializing_if = "is_default_handshake")]
    pub handshake_us: u32,
    /// How long the answer may take, from the request's first byte to its own last; absent: as
    /// long as the caller waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_us: Option<u32>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub family: Family,
    /// Send from this address, which must be one of the namespace's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<IpAddr>,
}

/// One field of a head (RFC 9110, section 5).
#[derive(Clone, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpField {
    pub name: Untrusted,
    /// May be a secret.
    pub value: Untrusted,
}

/// Which HTTP is spoken.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum HttpVersion {
    /// HTTP/2 where the server chose it by ALPN, else HTTP/1.1.
    #[default]
    #[serde(rename = "any")]
    Any,
    #[serde(rename = "1.0")]
    Http10,
    #[serde(rename = "1.1")]
    Http11,
    /// Whatever ALPN says, and in the clear without an upgrade (RFC 9113, section 3.3).
    #[serde(rename = "2")]
    Http2,
}

/// HAProxy's PROXY protocol (proxy-protocol.txt): a line (section 2.1), or binary (section 2.2).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ProxyProtocol {
    V1,
    V2,
}

/// What a proxy is asked for a connection with.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpTunnel {
    /// Host and port.
    pub authority: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<HttpField>,
}

/// A value may be a secret, and this may come to a log.
impl fmt::Debug for HttpField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {} bytes", self.name, self.value.as_bytes().len())
    }
}

impl HttpField {
    pub fn new(name: impl Into<Untrusted>, value: impl Into<Untrusted>) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    /// Names differ in nothing but their letters' case.
    pub fn is(&self, name: &str) -> bool {
        self.name.as_bytes().eq_ignore_ascii_case(name.as_bytes())
    }
}

/// The first field of this name.
pub fn field<'a>(fields: &'a [HttpField], name: &str) -> Option<&'a Untrusted> {
    fields.iter().find(|field| field.is(name)).map(|field| &field.value)
}

impl HttpRequest {
    /// GET of `/`, every other field at its default.
    pub fn to(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            method: "GET".into(),
            target: "/".into(),
            fields: Vec::new(),
            chunked: false,
            version: HttpVersion::Any,
            tls: None,
            tunnel: None,
            proxy_protocol: None,
            with_body: false,
            wait_us: default_wait(),
            handshake_us: default_handshake(),
            answer_us: None,
            family: Family::Any,
            source_address: None,
        }
    }

    /// The connection below it.
    pub fn connection(&self) -> ConnectRequest {
        ConnectRequest {
            family: self.family,
            source_address: self.source_address,
            ..ConnectRequest::below(&self.host, self.port, self.wait_us)
        }
    }

    /// The first bound that a value passes, named with the field.
    pub fn check(&self) -> Result<(), String> {
        self.connection().check()?;
        check_bytes("method", self.method.len(), MAX_METHOD_BYTES)?;
        check_bytes("target", self.target.len(), MAX_HEAD_BYTES)?;
        check_fields("fields", &self.fields)?;
        if let Some(offer) = &self.tls {
            offer.check().map_err(|cause| format!("tls.{cause}"))?;
        }
        if let Some(tunnel) = &self.tunnel {
            check_bytes("tunnel.authority", tunnel.authority.len(), MAX_HOST_BYTES + 6)?;
            check_fields("tunnel.fields", &tunnel.fields)?;
        }
        for (field, us) in [("handshakeUs", Some(self.handshake_us)), ("answerUs", self.answer_us)]
        {
            if let Some(us) = us.filter(|us| *us < 1_000) {
                return Err(format!("{field}: {us}, must be at least 1000"));
            }
        }
        Ok(())
    }
}

fn check_fields(name: &str, fields: &[HttpField]) -> Result<(), String> {
    if fields.len() > MAX_FIELDS {
        return Err(format!("{name}: {}, must be at most {MAX_FIELDS}", fields.len()));
    }
    let bytes = fields.iter().map(|field| {
        check_bytes(&format!("{name}.name"), field.name.as_bytes().len(), MAX_HEAD_BYTES)
            .map(|()| field.name.as_bytes().len() + field.value.as_bytes().len() + 4)
    });
    match bytes.sum::<Result<usize, _>>()? {
        0..=MAX_HEAD_BYTES => Ok(()),
        bytes => Err(format!("{name}: {bytes} bytes, must be at most {MAX_HEAD_BYTES}")),
    }
}

#[cfg(test)]
mod tests;
