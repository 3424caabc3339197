//! Heads, as the library has them and as the wire does.

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version,
    header::{CONTENT_LENGTH, HOST},
    uri::{Authority, Scheme},
};
use netdiag_tls::BadOffer;
use netdiag_wire::http::{HttpField, HttpRequest, HttpVersion, MAX_FIELDS, MAX_HEAD_BYTES};

/// What cannot be sent; named with the field.
#[derive(Debug, thiserror::Error)]
pub enum BadRequest {
    #[error("method: not a token (RFC 9110, section 9.1)")]
    Method,
    #[error("target: not a request target (RFC 9112, section 3.2)")]
    Target,
    #[error("tunnel.authority: not a host and a port")]
    Tunnel,
    #[error("tls.{0}")]
    Tls(#[from] BadOffer),
    #[error("fields.name: {0}: not a token (RFC 9110, section 5.1)")]
    Name(netdiag_wire::Untrusted),
    #[error("fields.value of {0}: holds a control character (RFC 9110, section 5.5)")]
    Value(netdiag_wire::Untrusted),
}

/// A request without its body.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    method: Method,
    target: Uri,
    /// Those of [`HttpRequest::fields`].
    fields: HeaderMap,
    is_tls: bool,
}

impl Head {
    pub(crate) fn new(request: &HttpRequest) -> Result<Self, BadRequest> {
        if let Some(tunnel) = &request.tunnel {
            tunnel.authority.parse::<Authority>().map_err(|_| BadRequest::Tunnel)?;
            fields(&tunnel.fields)?;
        }
        Ok(Self {
            method: request.method.parse().map_err(|_| BadRequest::Method)?,
            target: request.target.parse().map_err(|_| BadRequest::Target)?,
            fields: fields(&request.fields)?,
            is_tls: request.tls.is_some(),
        })
    }

    /// What the head says of the body's length.
    pub(crate) fn length(&self) -> Option<u64> {
        self.fields.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
    }

    /// As HTTP/1 has it: a target, and the host among the fields.
    pub(crate) fn http1<B>(self, version: HttpVersion, body: B) -> Request<B> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.target;
        *request.version_mut() = match version {
            HttpVersion::Http10 => Version::HTTP_10,
            _ => Version::HTTP_11,
        };
        *request.headers_mut() = self.fields;
        request
    }

    /// As HTTP/2 has it: the host is part of the URI (RFC 9113, section 8.3.1).
    pub(crate) fn http2<B>(mut self, body: B) -> Result<Request<B>, BadRequest> {
        let host = self.fields.remove(HOST);
        let mut parts = self.target.into_parts();
        parts.scheme = Some(if self.is_tls { Scheme::HTTPS } else { Scheme::HTTP });
        if let Some(host) = host {
            parts.authority = Some(host.as_bytes().try_into().map_err(|_| BadRequest::Target)?);
        }
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = Uri::from_parts(parts).map_err(|_| BadRequest::Target)?;
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = self.fields;
        Ok(request)
    }
}

fn fields(fields: &[HttpField]) -> Result<HeaderMap, BadRequest> {
    let mut map = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes())
            .map_err(|_| BadRequest::Name(field.name.clone()))?;
        let value = HeaderValue::from_bytes(field.value.as_bytes())
            .map_err(|_| BadRequest::Value(field.name.clone()))?;
        map.append(name, value);
    }
    Ok(map)
}

/// Whether it passes what a head may be; the library bounds only HTTP/1's to the byte.
pub(crate) fn is_too_long(map: &HeaderMap) -> bool {
    let bytes: usize = map.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    map.len() > MAX_FIELDS || bytes > MAX_HEAD_BYTES
}

/// What came, in its order.
pub(crate) fn read(map: &HeaderMap) -> Vec<HttpField> {
    map.iter()
        .map(|(name, value)| HttpField {
            name: name.as_str().into(),
            value: value.as_bytes().to_vec().into(),
        })
        .collect()
}
