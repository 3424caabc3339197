//! Whom a request is for: a URL, or an object with its port and a path.

use std::fmt;

use url::Url;

use crate::args::{Port, Target, kube::Secret};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// What was typed, in its parts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Site {
    pub(crate) target: Target,
    pub(crate) port: Option<Port>,
    /// As typed; absent: by the port.
    pub(crate) scheme: Option<Scheme>,
    /// Path and query, percent-encoded.
    pub(crate) path: String,
    /// `USER:PASSWORD` of a URL.
    pub(crate) credentials: Option<Secret>,
}

impl Scheme {
    pub(crate) fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

impl Site {
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        match words {
            [word] if is_url(word) => Self::of_url(&url(word)?),
            [kind, name] if !is_url(kind) => {
                let (name, path) = apart(name);
                Self::of_target(&[kind.clone(), name.to_owned()], path)
            }
            [word] => match apart_object(word) {
                Some((object, path)) => {
                    Self::of_target(&[object.to_owned()], path).map_err(|why| {
                        let slashes = object.matches('/').count();
                        let hint = "; a path needs the port before it (svc/web:80/up), or --path";
                        if slashes > 1 { format!("{why}{hint}") } else { why }
                    })
                }
                None => Self::of_url(&url(&format!("http://{word}"))?).map(Self::unschemed),
            },
            _ => Err("one URL or TARGET at a time".into()),
        }
    }

    pub(crate) fn of_url(url: &Url) -> Result<Self, String> {
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(format!("{other}: only http and https")),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("no host in it")?;
        let target = Target::parse(&[unbracketed(host).to_owned()])?;
        let port = url.port().map(|port| Port::parse(&port.to_string())).transpose()?;
        Ok(Self {
            target,
            port,
            scheme: Some(scheme),
            path: path_of(url),
            credentials: credentials(url),
        })
    }

    fn of_target(words: &[String], path: &str) -> Result<Self, String> {
        let (target, port) = Target::parse_with_port(words)?;
        let (scheme, credentials) = (None, None);
        let mut site = Self { target, port, scheme, path: "/".into(), credentials };
        site.set_path(path)?;
        Ok(site)
    }

    /// Without a scheme, the port says which.
    fn unschemed(self) -> Self {
        Self { scheme: None, ..self }
    }

    pub(crate) fn set_path(&mut self, path: &str) -> Result<(), String> {
        let slash = if path.starts_with('/') { "" } else { "/" };
        self.path = path_of(&url(&format!("http://host{slash}{path}"))?);
        Ok(())
    }
}

/// `::1` of `[::1]`, as URLs and curl's flags have it.
pub(crate) fn unbracketed(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// It begins with a scheme; further on, in a query, `://` is no sign of one.
fn is_url(word: &str) -> bool {
    let scheme = word.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// With what in a URL must not stand there percent-encoded, as browsers do.
fn url(text: &str) -> Result<Url, String> {
    if let Some(control) = text.chars().find(|c| c.is_control()) {
        return Err(format!("no URL: it holds {}", control.escape_default()));
    }
    Url::parse(text).map_err(|why| format!("no URL: {why}"))
}

pub(crate) fn path_of(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// `USER:PASSWORD`, decoded.
pub(crate) fn credentials(url: &Url) -> Option<Secret> {
    let decoded =
        |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let has_any = !url.username().is_empty() || url.password().is_some();
    let password = url.password().map(decoded).unwrap_or_default();
    has_any.then(|| format!("{}:{password}", decoded(url.username())).into())
}

/// `KIND/NAME:PORT/PATH`, `NAMESPACE/KIND/NAME:PORT/PATH` and the same without path; none: a host.
fn apart_object(word: &str) -> Option<(&str, &str)> {
    let first = word.split(['/', ':', '?']).next()?;
    let second = word.split('/').nth(1)?.split(':').next()?;
    let is_object = Target::parse(&[format!("{first}/a")]).is_ok()
        || Target::parse(&[format!("a/{second}/a")]).is_ok()
        || is_kind_to_come(first);
    is_object.then(|| match word.split_once(':') {
        Some((_, behind)) => {
            let at = word.len() - behind.len() + behind.find(['/', '?']).unwrap_or(behind.len());
            word.split_at(at)
        }
        None => (word, ""),
    })
}

/// `ing/web` is no host `ing` with a path: the parser has a better word.
fn is_kind_to_come(first: &str) -> bool {
    Target::parse(&[format!("{first}/a")]).is_err_and(|why| why.contains("not in this release"))
}

fn apart(name: &str) -> (&str, &str) {
    let behind_port = name.find(':').unwrap_or(0);
    match name[behind_port..].find(['/', '?']) {
        Some(at) => name.split_at(behind_port + at),
        None => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(line: &str) -> Result<Site, String> {
        Site::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    fn parts(line: &str) -> (String, Option<String>, Option<Scheme>, String) {
        let site = site(line).unwrap();
        (site.target.word("shop"), site.port.map(|port| port.to_string()), site.scheme, site.path)
    }

    #[test]
    fn urls_and_targets_come_apart() {
        let https = Some(Scheme::Https);
        for (line, target, port, scheme, path) in [
            ("https://pay.example.net/v1?a=b#c", "pay.example.net", None, https, "/v1?a=b"),
            ("http://[::1]:8080", "::1", Some("8080"), Some(Scheme::Http), "/"),
            ("http://0x7f.1/", "127.0.0.1", None, Some(Scheme::Http), "/"),
            ("svc/web:http/healthz", "shop/svc/web", Some("http"), None, "/healthz"),
            ("db/pod/a:80?x=1", "db/pod/a", Some("80"), None, "/?x=1"),
            ("pod/a:80/to?http://b/", "shop/pod/a", Some("80"), None, "/to?http://b/"),
            ("svc/web", "shop/svc/web", None, None, "/"),
            ("svc web:80/up", "shop/svc/web", Some("80"), None, "/up"),
            ("example.net", "example.net", None, None, "/"),
            ("example.net:8080/a/b", "example.net", Some("8080"), None, "/a/b"),
            ("10.0.0.1/a b", "10.0.0.1", None, None, "/a%20b"),
        ] {
            let is_two = line.starts_with("svc ");
            let words: Vec<_> = match is_two {
                true => line.split(' ').map(str::to_owned).collect(),
                false => vec![line.to_owned()],
            };
            let site = Site::parse(&words).unwrap_or_else(|why| panic!("{line}: {why}"));
            let got = (
                site.target.word("shop"),
                site.port.map(|port| port.to_string()),
                site.scheme,
                site.path.as_str().to_owned(),
            );
            assert_eq!(got, (target.into(), port.map(Into::into), scheme, path.into()), "{line}");
        }
        assert_eq!(parts("http://web").3, "/");
        let secret = site("http://al%3Ace:s3cret@web/").unwrap().credentials.unwrap();
        assert_eq!(secret.expose(), "al:ce:s3cret");
    }

    #[test]
    fn what_is_no_url_is_told_why() {
        let why = |line: &str| site(line).unwrap_err();
        assert_eq!(why("ftp://web/"), "ftp: only http and https");
        assert!(why("http://").contains("no URL"));
        assert!(why("shop/svc/web/up").contains("a path needs the port before it"));
        assert!(why("ing/web:80").contains("not in this release"));
        assert!(why("http://a\u{7}b/").contains("\\u{7}"));
        assert!(why("http://web:99999/").contains("no URL"));
    }
}
