//! `-b`: cookies as they are typed, and those of a Netscape cookie file that are meant for a place.

use std::{cmp::Reverse, net::IpAddr};

use super::Place;
use crate::{
    args::{Secret, http::Scheme},
    code,
    finding::Failure,
};

/// What is sent to whom.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Cookies {
    /// As they were typed.
    pub(super) said: Option<String>,
    kept: Vec<Cookie>,
}

/// One line of a cookie file.
#[derive(Clone, Debug, PartialEq)]
struct Cookie {
    domain: String,
    /// Hosts below the domain get it too.
    is_for_all_below: bool,
    path: String,
    is_secure: bool,
    name: String,
    value: String,
}

impl Cookies {
    /// Each is `NAME=VALUE; ...`, or a file where there is no `=`; `now` in seconds since 1970.
    pub(super) fn of(flags: &[Secret], now: i64) -> Result<Self, Failure> {
        let mut cookies = Self::default();
        for text in flags.iter().map(Secret::expose) {
            match (text, cookies.said.as_mut()) {
                ("", _) => {}
                (text, Some(said)) if text.contains('=') => *said = format!("{said};{text}"),
                (text, None) if text.contains('=') => cookies.said = Some(text.to_owned()),
                (path, _) => {
                    let file = std::fs::read_to_string(path).map_err(|cause| {
                        bad(format!("-b {path}: read the cookie file: {cause}"))
                    })?;
                    cookies.read(&file, now).map_err(|why| bad(format!("-b {path}: {why}")))?;
                }
            }
        }
        Ok(cookies)
    }

    fn read(&mut self, file: &str, now: i64) -> Result<(), String> {
        for (number, line) in file.lines().enumerate() {
            let line = line.strip_prefix("#HttpOnly_").unwrap_or(line);
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            // A cookie is a secret, so the line is not repeated.
            let read = Cookie::parse(line).ok_or_else(|| {
                let number = number + 1;
                format!("line {number} must be DOMAIN, TRUE|FALSE, PATH, TRUE|FALSE, EXPIRY, NAME and VALUE with tabs between them")
            })?;
            let (cookie, expires) = read;
            if expires == 0 || expires >= now {
                self.keep(cookie);
            }
        }
        Ok(())
    }

    /// The later one of two that are the same but for their values.
    fn keep(&mut self, cookie: Cookie) {
        match self.kept.iter_mut().find(|kept| kept.is_same(&cookie)) {
            Some(kept) => *kept = cookie,
            None => self.kept.push(cookie),
        }
    }

    /// The value of `Cookie` for this place, whose server goes by this name.
    pub(super) fn line(&self, place: &Place, host: &str) -> Option<String> {
        let is_meant = |cookie: &&Cookie| cookie.is_for(place, host);
        let mut meant: Vec<_> = self.kept.iter().rev().filter(is_meant).collect();
        // RFC 6265, section 5.4: longer paths first; the rest, later lines first, is curl's order.
        meant.sort_by_key(|cookie| {
            Reverse((cookie.path.len(), cookie.domain.len(), cookie.name.len()))
        });
        let kept = meant.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value));
        let all: Vec<_> = kept.chain(self.said.clone()).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

impl Cookie {
    /// With its expiry, 0 for a session's.
    fn parse(line: &str) -> Option<(Self, i64)> {
        // A value may be empty, and then its tab may be missing.
        let mut words = line.splitn(7, '\t');
        let mut next = || words.next();
        let (domain, is_for_all_below, path) = (next()?, flag(next()?)?, next()?);
        let (is_secure, expires, name) = (flag(next()?)?, next()?.parse().ok()?, next()?);
        let value = next().unwrap_or_default();
        let domain = domain.strip_prefix('.').unwrap_or(domain).to_ascii_lowercase();
        let is_bad = |text: &str| text.chars().any(char::is_control);
        if domain.is_empty() || name.is_empty() || is_bad(name) || is_bad(value) {
            return None;
        }
        let [path, name, value] = [path, name, value].map(str::to_owned);
        let path = if path.starts_with('/') { path } else { "/".into() };
        Some((Self { domain, is_for_all_below, path, is_secure, name, value }, expires))
    }

    fn is_same(&self, other: &Self) -> bool {
        let key =
            |it: &Self| (it.domain.clone(), it.is_for_all_below, it.path.clone(), it.name.clone());
        key(self) == key(other)
    }

    fn is_for(&self, place: &Place, host: &str) -> bool {
        self.is_of(host) && self.is_below(&place.path) && self.may_go(place.scheme, host)
    }

    /// RFC 6265, section 5.1.3.
    fn is_of(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let is_below = || {
            let above = host.strip_suffix(&self.domain).and_then(|it| it.strip_suffix('.'));
            host.parse::<IpAddr>().is_err() && above.is_some()
        };
        host == self.domain || (self.is_for_all_below && is_below())
    }

    /// RFC 6265, section 5.1.4.
    fn is_below(&self, target: &str) -> bool {
        let asked = target.split(['?', '#']).next().unwrap_or_default();
        let asked = if asked.starts_with('/') { asked } else { "/" };
        let own = self.path.trim_end_matches('/');
        asked.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// A secure one goes over TLS, or stays on this machine.
    fn may_go(&self, scheme: Scheme, host: &str) -> bool {
        let is_here = matches!(host, "localhost" | "127.0.0.1" | "::1");
        !self.is_secure || scheme == Scheme::Https || is_here
    }
}

fn flag(word: &str) -> Option<bool> {
    match word.to_ascii_uppercase().as_str() {
        "TRUE" => Some(true),
        "FALSE" => Some(false),
        _ => None,
    }
}

fn bad(message: String) -> Failure {
    Failure::new(code::BAD_VALUE, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn line(file: &str, url: &str) -> String {
        let mut cookies = Cookies::default();
        cookies.read(&file.replace(' ', "\t"), NOW).unwrap();
        let place = Place::of_url(&url.parse().unwrap()).unwrap();
        cookies.line(&place, &place.host).unwrap_or_default()
    }

    #[test]
    fn a_cookie_goes_where_its_file_says() {
        let below = ".shop.example TRUE / FALSE 0 k v";
        for (file, url, want) in [
            (below, "http://shop.example/", "k=v"),
            (below, "http://www.SHOP.example/", "k=v"),
            (below, "http://eshop.example/", ""),
            ("shop.example FALSE / FALSE 0 k v", "http://www.shop.example/", ""),
            (".0.0.1 TRUE / FALSE 0 k v", "http://127.0.0.1/", ""),
            ("a FALSE /x FALSE 0 k v", "http://a/x/y?z", "k=v"),
            ("a FALSE /x/ FALSE 0 k v", "http://a/x", "k=v"),
            ("a FALSE /x FALSE 0 k v", "http://a/xy", ""),
            ("a FALSE / TRUE 0 k v", "http://a/", ""),
            ("a FALSE / TRUE 0 k v", "https://a/", "k=v"),
            ("a FALSE / TRUE 0 k v\na FALSE / FALSE 0 k w", "http://a/", "k=w"),
            ("a FALSE / FALSE 1 k v", "http://a/", ""),
            ("a FALSE / FALSE 1700000001 k v", "http://a/", "k=v"),
            ("#HttpOnly_a FALSE / FALSE 0 k v\n# a\n\n", "http://a/", "k=v"),
            ("a FALSE / FALSE 0 k", "http://a/", "k="),
            ("a FALSE / FALSE 0 k v\na FALSE /x FALSE 0 l w", "http://a/x", "l=w; k=v"),
        ] {
            assert_eq!(line(file, url), want, "{file} {url}");
        }
    }

    #[test]
    fn a_line_that_is_no_cookie_is_named_and_not_repeated() {
        for file in ["secret", "a FALSE / FALSE never k secret", "a no / FALSE 0 k secret"] {
            let file = format!("# a\n{}", file.replace(' ', "\t"));
            let why = Cookies::default().read(&file, NOW).unwrap_err();
            assert!(why.starts_with("line 2 must be ") && !why.contains("secret"), "{why}");
        }
    }
}
