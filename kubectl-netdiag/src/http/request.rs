//! From what was typed to what is sent.

use netdiag_wire::{
    http::{HttpRequest, HttpTunnel, HttpVersion},
    tls::TlsOffer,
};
use url::Url;

use super::{Ask, Place, Run};
use crate::{
    args::{
        Port, Target,
        http::{Scheme, Site},
    },
    finding::{Failure, PeerKind},
    plan::{PortProtocol, named_port},
    probe::Ends,
};

/// Scheme, port and the name that clients use.
pub(super) fn place(site: &Site, ends: &mut Ends<'_>) -> Result<Place, Failure> {
    let peer = &ends.aim.peer;
    let (number, name) = match (&site.target, &site.port) {
        (Target::Object(_), asked) => {
            let mut tcp = ends.aim.ports.iter().filter(|port| port.protocol == PortProtocol::Tcp);
            let only = match (asked, tcp.next(), tcp.next()) {
                (None, Some(only), None) => Some(only.clone()),
                _ => None,
            };
            let port = match only {
                Some(port) => port,
                None => named_port(asked.as_ref(), PortProtocol::Tcp, &ends.aim)?,
            };
            (port.number, port.name)
        }
        (_, Some(Port::Number(number))) => (number.get(), None),
        (_, _) => (site.scheme.unwrap_or(Scheme::Http).port(), None),
    };
    let is_https =
        name.is_some_and(|name| name.starts_with("https")) || matches!(number, 443 | 8443);
    let usual = if is_https { Scheme::Https } else { Scheme::Http };
    let host = match (peer.kind, &peer.namespace) {
        (PeerKind::Service, Some(namespace)) => format!("{}.{namespace}.svc", peer.name),
        _ => ends.aim.host.clone(),
    };
    ends.aim.peer.port = Some(number);
    let scheme = site.scheme.unwrap_or(usual);
    Ok(Place { scheme, host, port: number, path: site.path.clone() })
}

impl Run<'_> {
    /// Why no name is asked for, where none is.
    pub(super) fn address_from(&self, place: &Place, host: &str) -> &'static str {
        let usual = (host.to_owned(), place.port);
        match &self.routes.proxy {
            Some(_) => "the proxy's",
            None if self.routes.to(&place.host, place.port, host.to_owned()) != usual => "as told",
            None if place.host == host => "an address",
            None => "address from the API",
        }
    }

    pub(super) fn request(&self, ask: &Ask, host: String, with_body: bool) -> HttpRequest {
        let (ways, place) = (&self.args.way, &ask.place);
        let version = ways.version();
        let is_https = place.scheme == Scheme::Https;
        let proxy = self.routes.proxy.as_ref();
        let (host, port) = match proxy {
            Some(proxy) => (proxy.host.clone(), proxy.port),
            None => self.routes.to(&place.host, place.port, host),
        };
        let mut fields = ask.fields();
        fields.extend(proxy.filter(|_| !is_https).and_then(|proxy| proxy.authorization.clone()));
        let target = match proxy.is_some() && !is_https {
            true => place.url(),
            false if version == HttpVersion::Http2 || place.path.starts_with('/') => {
                place.path.clone()
            }
            false => format!("/{}", place.path),
        };
        let to = HttpRequest::to(host, port);
        HttpRequest {
            method: ask.method.clone(),
            target,
            fields,
            chunked: ask.payload.length().is_none(),
            version: match self.args.ask.grpc_health {
                Some(_) => HttpVersion::Http2,
                None => version,
            },
            tls: is_https.then(|| self.offer(&place.host, version)),
            tunnel: proxy.filter(|_| is_https).map(|proxy| HttpTunnel {
                authority: place.authority_with_port(),
                fields: proxy.authorization.clone().into_iter().collect(),
            }),
            proxy_protocol: ways.haproxy_protocol,
            with_body,
            wait_us: ways.connect_timeout.unwrap_or(to.wait_us),
            family: self.args.source.family(),
            source_address: ways.source_address,
            ..to
        }
    }

    fn offer(&self, host: &str, version: HttpVersion) -> TlsOffer {
        let is_name = host.parse::<std::net::IpAddr>().is_err();
        let alpn: &[&str] = match version {
            _ if self.args.ask.grpc_health.is_some() => &["h2"],
            _ if self.args.ask.websocket => &["http/1.1"],
            HttpVersion::Any => &["h2", "http/1.1"],
            HttpVersion::Http2 => &["h2"],
            HttpVersion::Http11 => &["http/1.1"],
            HttpVersion::Http10 => &[],
        };
        TlsOffer {
            server_name: is_name.then(|| host.trim_end_matches('.').to_owned()),
            alpn: alpn.iter().map(|one| (*one).to_owned()).collect(),
            version: None,
        }
    }
}

impl Place {
    pub(crate) fn of_url(url: &Url) -> Option<Self> {
        let site = Site::of_url(url).ok()?;
        let scheme = site.scheme?;
        let host = site.target.word("");
        let port = url.port_or_known_default()?;
        Some(Self { scheme, host, port, path: site.path })
    }
}
