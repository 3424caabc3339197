//! Whether the environment's proxy stands between here and the API server, as Go decides it.

use std::net::IpAddr;

use ipnet::IpNet;

/// The proxy variables, as they were at start.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProxyVariables {
    pub(crate) http: Option<String>,
    pub(crate) https: Option<String>,
    pub(crate) none: Option<String>,
}

impl ProxyVariables {
    /// The proxy for this server, unless it is here or in NO_PROXY.
    pub(super) fn for_server(&self, server: &http::Uri) -> Option<&str> {
        let proxy = match server.scheme_str() {
            Some("http") => self.http.as_deref(),
            _ => self.https.as_deref(),
        };
        let host = server.host()?.trim_matches(['[', ']']).to_ascii_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        let is_here = host == "localhost" || address.is_some_and(|address| address.is_loopback());
        let excepted = self.none.iter().flat_map(|list| list.split(',')).map(str::trim);
        let is_excepted = excepted.into_iter().any(|entry| is_match(entry, &host, address));
        proxy.filter(|proxy| !proxy.is_empty() && !is_here && !is_excepted)
    }
}

fn is_match(entry: &str, host: &str, address: Option<IpAddr>) -> bool {
    let entry = entry.to_ascii_lowercase();
    if entry == "*" {
        return true;
    }
    match address {
        Some(address) => {
            let range = entry.parse::<IpNet>();
            range.is_ok_and(|range| range.contains(&address)) || entry.parse() == Ok(address)
        }
        None => {
            let suffix = entry.trim_start_matches("*.").trim_start_matches('.');
            let is_below = host.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.'));
            !suffix.is_empty() && (is_below || (host == suffix && !entry.starts_with('.')))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_is_about_the_server() {
        let variables = |none: &str| ProxyVariables {
            http: None,
            https: Some("http://proxy.corp:3128".into()),
            none: Some(none.into()),
        };
        for (server, none, proxied) in [
            ("https://10.0.0.1:6443", "", true),
            ("https://10.0.0.1:6443", "10.0.0.0/8", false),
            ("https://10.0.0.1:6443", "10.0.0.1", false),
            ("https://api.corp:6443", ".corp", false),
            ("https://api.corp:6443", "corp", false),
            ("https://corp:6443", ".corp", true),
            ("https://evilcorp:6443", "corp", true),
            ("https://api.corp:6443", "a, *", false),
            ("https://127.0.0.1:6443", "", false),
            ("https://localhost", "", false),
            ("https://api.example.com", "proxy.corp", true),
            ("http://api.example.com", "", false),
        ] {
            let server: http::Uri = server.parse().unwrap();
            assert_eq!(variables(none).for_server(&server).is_some(), proxied, "{server} {none}");
        }
    }
}
