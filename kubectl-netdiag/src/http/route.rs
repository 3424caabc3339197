//! Whom to connect to for a host and port: `--resolve`, `--connect-to`, `--proxy`.

use std::net::IpAddr;

use netdiag_wire::http::HttpField;
use url::Url;

use super::ask::basic;
use crate::{
    args::http::{WayFlags, credentials, unbracketed},
    code,
    finding::Failure,
};

#[derive(Debug, Default)]
pub(super) struct Routes {
    resolve: Vec<Resolve>,
    connect_to: Vec<ConnectTo>,
    pub(super) proxy: Option<Proxy>,
}

#[derive(Debug)]
struct Resolve {
    host: String,
    port: u16,
    address: IpAddr,
}

#[derive(Debug)]
struct ConnectTo {
    from: (Option<String>, Option<u16>),
    to: (Option<String>, Option<u16>),
}

#[derive(Clone, Debug)]
pub(super) struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) authorization: Option<HttpField>,
}

impl Routes {
    pub(super) fn of(flags: &WayFlags) -> Result<Self, Failure> {
        let proxy = flags.proxy.as_ref().map(|proxy| Proxy::parse(proxy.expose())).transpose()?;
        let resolve = flags.resolve.iter().map(|text| Resolve::parse(text));
        let connect_to = flags.connect_to.iter().map(|text| ConnectTo::parse(text));
        let (resolve, connect_to) =
            (resolve.collect::<Result<_, _>>()?, connect_to.collect::<Result<_, _>>()?);
        Ok(Self { resolve, connect_to, proxy })
    }

    /// Host and port to connect to; `usual` is what the host stands for.
    pub(super) fn to(&self, host: &str, port: u16, usual: String) -> (String, u16) {
        let fits = |one: &&ConnectTo| {
            one.from.0.as_ref().is_none_or(|from| from.eq_ignore_ascii_case(host))
                && one.from.1.is_none_or(|from| from == port)
        };
        let (host, port, usual) = match self.connect_to.iter().find(fits) {
            None => (host.to_owned(), port, usual),
            Some(one) => {
                let port = one.to.1.unwrap_or(port);
                match &one.to.0 {
                    Some(host) => (host.clone(), port, host.clone()),
                    None => (host.to_owned(), port, usual),
                }
            }
        };
        let is_it = |one: &&Resolve| one.host.eq_ignore_ascii_case(&host) && one.port == port;
        match self.resolve.iter().find(is_it) {
            Some(one) => (one.address.to_string(), port),
            None => (usual, port),
        }
    }
}

impl Resolve {
    fn parse(text: &str) -> Result<Self, Failure> {
        let refused = || bad(format!("--resolve {text}: must be HOST:PORT:ADDRESS"));
        let mut words = text.trim_start_matches('+').splitn(3, ':');
        let mut next = || words.next().filter(|word| !word.is_empty());
        let (host, port, address) = (next(), next(), next());
        let (Some(host), Some(port), Some(address)) = (host, port, address) else {
            return Err(refused());
        };
        Ok(Self {
            host: host.to_owned(),
            port: port.parse().map_err(|_| refused())?,
            address: unbracketed(address).parse().map_err(|_| refused())?,
        })
    }
}

impl ConnectTo {
    fn parse(text: &str) -> Result<Self, Failure> {
        let refused = || bad(format!("--connect-to {text}: must be HOST1:PORT1:HOST2:PORT2"));
        let mut words = Vec::new();
        let mut rest = text;
        for _ in 0..4 {
            let end = match rest.strip_prefix('[').and_then(|inside| inside.find(']')) {
                Some(at) => at + 2,
                None => rest.find(':').unwrap_or(rest.len()),
            };
            words.push(unbracketed(&rest[..end]).to_owned());
            rest = rest[end..].strip_prefix(':').unwrap_or(&rest[end..]);
        }
        let [host1, port1, host2, port2] = words.as_slice() else { return Err(refused()) };
        if !rest.is_empty() || text.matches(':').count() < 3 {
            return Err(refused());
        }
        let host = |word: &String| Some(word.clone()).filter(|word| !word.is_empty());
        let port = |word: &String| match word.as_str() {
            "" => Ok(None),
            word => word.parse().map(Some).map_err(|_| refused()),
        };
        let (from, to) = ((host(host1), port(port1)?), (host(host2), port(port2)?));
        Ok(Self { from, to })
    }
}

impl Proxy {
    /// A proxy's own TLS, and SOCKS, are not here.
    fn parse(text: &str) -> Result<Self, Failure> {
        // What was typed may hold a password, so it is not repeated.
        let refused = |why: &str| bad(format!("--proxy: {why}; must be [http://]HOST[:PORT]"));
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url: Url = text.parse().map_err(|_| refused("no URL"))?;
        if url.scheme() != "http" {
            return Err(refused(&format!("{}: only http proxies", url.scheme())));
        }
        let host =
            url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| refused("no host"))?;
        let host = unbracketed(host).to_owned();
        // curl's: 1080, whatever the scheme; a URL that says :80 loses it in parsing.
        let port = match (url.port(), text.trim_end_matches('/').ends_with(":80")) {
            (Some(port), _) => port,
            (None, true) => 80,
            (None, false) => 1080,
        };
        let authorization = credentials(&url)
            .map(|secret| HttpField::new("Proxy-Authorization", basic(secret.expose())));
        Ok(Self { host, port, authorization })
    }
}

fn bad(message: String) -> Failure {
    Failure::new(code::BAD_VALUE, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(flags: &WayFlags) -> Result<Routes, String> {
        Routes::of(flags).map_err(|failure| failure.message)
    }

    fn resolve(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn another_address_is_connected_to() {
        let flags = WayFlags {
            resolve: resolve(&["web:80:10.0.0.1", "web:443:[::1]"]),
            connect_to: resolve(&["a:80:web:80", "[::2]::b:", "::c:9"]),
            ..WayFlags::default()
        };
        let routes = routes(&flags).unwrap();
        let to = |host: &str, port| routes.to(host, port, host.to_owned());
        assert_eq!(to("web", 443), ("c".into(), 9));
        assert_eq!(to("A", 80), ("10.0.0.1".into(), 80));
        assert_eq!(to("::2", 5), ("b".into(), 5));
    }

    #[test]
    fn what_cannot_be_is_named() {
        for bad in ["web:80", "web:x:10.0.0.1", "web:80:nobody", ""] {
            let flags = WayFlags { resolve: resolve(&[bad]), ..WayFlags::default() };
            assert!(routes(&flags).unwrap_err().contains("HOST:PORT:ADDRESS"), "{bad}");
        }
        for bad in ["a:b", "a:x:c:1", "a:1:b:2:c"] {
            let flags = WayFlags { connect_to: resolve(&[bad]), ..WayFlags::default() };
            assert!(routes(&flags).unwrap_err().contains("HOST1:PORT1"), "{bad}");
        }
        let proxy = |text: &str| {
            routes(&WayFlags { proxy: Some(text.to_owned().into()), ..WayFlags::default() })
        };
        let refused = proxy("socks5://al:secret@p:1").unwrap_err();
        assert!(refused.contains("only http proxies") && !refused.contains("secret"), "{refused}");
        let proxy = proxy("al:secret@p:3128").unwrap().proxy.unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("p", 3128));
        assert!(proxy.authorization.is_some());
    }
}
