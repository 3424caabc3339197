//! One request as it goes out: method, target and fields, as curl would send them.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use netdiag_wire::http::HttpField;

use super::{
    cookies::Cookies,
    is_secret,
    payload::{self, Payload},
};
use crate::{
    args::http::{AskFlags, Scheme, unbracketed},
    code,
    finding::Failure,
};

/// Where a request goes, as URLs name it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    pub(crate) scheme: Scheme,
    /// A name or an address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// With its query.
    pub(crate) path: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ask {
    pub(crate) place: Place,
    pub(crate) method: String,
    pub(crate) payload: Payload,
    /// Of the command line, those of the first host among them.
    own: Vec<HttpField>,
    /// Names that are to be left out.
    without: Vec<String>,
    /// `-X`: kept over redirects.
    is_method_chosen: bool,
    /// Fields that only the first host may see.
    secrets: Vec<HttpField>,
    /// `-b`; what is typed only the first host may see, what a file holds those that it names.
    cookies: Cookies,
}

impl Place {
    /// Host and port as `Host` has them.
    pub(crate) fn authority(&self) -> String {
        match self.port == self.scheme.port() {
            true => self.bracketed(),
            false => self.authority_with_port(),
        }
    }

    pub(crate) fn authority_with_port(&self) -> String {
        format!("{}:{}", self.bracketed(), self.port)
    }

    fn bracketed(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority(), self.path)
    }

    /// The same port, asked the other way.
    pub(crate) fn in_scheme(&self, scheme: Scheme) -> Self {
        Self { scheme, ..self.clone() }
    }

    /// Another of these is another server, who must not see what was meant for this one.
    pub(crate) fn is_same_server(&self, other: &Self) -> bool {
        (self.scheme, &self.host, self.port) == (other.scheme, &other.host, other.port)
    }
}

impl Ask {
    pub(crate) fn new(
        flags: &AskFlags,
        mut place: Place,
        credentials: Option<&str>,
    ) -> Result<Self, Failure> {
        let payload = Payload::of(flags)?;
        if flags.get
            && let Some(data) = payload::data(flags)?
        {
            let mark = if place.path.contains('?') { '&' } else { '?' };
            let data = String::from_utf8_lossy(&data);
            place.path = format!("{}{mark}{}", place.path, data.replace(' ', "%20"));
        }
        if flags.grpc_health.is_some() {
            place.path = super::grpc::PATH.into();
        }
        let method = match (&flags.request, &payload) {
            (Some(method), _) => method.clone(),
            (None, _) if flags.head => "HEAD".into(),
            (None, Payload::None) => "GET".into(),
            (None, Payload::Bytes { .. }) => "POST".into(),
            (None, Payload::File { .. } | Payload::Stdin) => "PUT".into(),
        };
        let mut ask = Self {
            place,
            method,
            payload,
            own: Vec::new(),
            without: Vec::new(),
            is_method_chosen: flags.request.is_some(),
            secrets: Vec::new(),
            cookies: Cookies::of(&flags.cookie, jiff::Timestamp::now().as_second())?,
        };
        ask.take_headers(&flags.header)?;
        ask.take_flags(flags, credentials);
        Ok(ask)
    }

    fn take_headers(&mut self, headers: &[String]) -> Result<(), Failure> {
        for header in headers {
            match header.split_once(':') {
                Some((name, value)) if !value.trim().is_empty() => {
                    self.add(HttpField::new(name.trim(), value.trim()));
                }
                Some((name, _)) => self.without.push(name.trim().to_ascii_lowercase()),
                None => match header.split_once(';') {
                    Some((name, "")) => self.add(HttpField::new(name.trim(), "")),
                    _ => {
                        let message = format!("-H {header:?}: must be 'NAME: VALUE'");
                        return Err(Failure::new(code::BAD_VALUE, message));
                    }
                },
            }
        }
        Ok(())
    }

    fn add(&mut self, field: HttpField) {
        let is_secret = is_secret(&field);
        if is_secret { &mut self.secrets } else { &mut self.own }.push(field);
    }

    /// What no -H says already.
    fn take_flags(&mut self, flags: &AskFlags, credentials: Option<&str>) {
        let credentials = flags.credentials.as_ref().map(|it| it.expose()).or(credentials);
        let basic = credentials.map(basic);
        let agent = format!("kubectl-netdiag/{}", env!("CARGO_PKG_VERSION"));
        let agent = flags.user_agent.clone().unwrap_or(agent);
        let accept = if flags.json.is_empty() { "*/*" } else { "application/json" };
        let encodings = flags.compressed.then(|| "deflate, gzip".to_owned());
        let usual = [
            ("Authorization", basic),
            ("User-Agent", Some(agent).filter(|agent| !agent.is_empty())),
            ("Accept", Some(accept.to_owned())),
            ("Accept-Encoding", encodings),
            ("Referer", flags.referer.clone()),
        ];
        for (name, value) in usual {
            if let Some(value) = value {
                self.add_usual(name, value);
            }
        }
        if flags.grpc_health.is_some() {
            self.add_usual("TE", "trailers".into());
        }
        if flags.websocket {
            self.add_usual("Connection", "Upgrade".into());
            self.add_usual("Upgrade", "websocket".into());
            self.add_usual("Sec-WebSocket-Version", "13".into());
            self.add_usual("Sec-WebSocket-Key", super::websocket::KEY.into());
        }
    }

    fn add_usual(&mut self, name: &str, value: String) {
        let is_said = self.own.iter().chain(&self.secrets).any(|field| field.is(name));
        if !is_said && !self.without.iter().any(|without| without.eq_ignore_ascii_case(name)) {
            self.add(HttpField::new(name, value));
        }
    }

    /// All of the head's, in curl's order.
    pub(crate) fn fields(&self) -> Vec<HttpField> {
        let is_left_out =
            |name: &str| self.without.iter().any(|without| without.eq_ignore_ascii_case(name));
        let is_said = |name: &str| self.own.iter().any(|field| field.is(name));
        let mut fields = Vec::new();
        if !is_said("Host") && !is_left_out("Host") {
            fields.push(HttpField::new("Host", self.place.authority()));
        }
        fields.extend(self.secrets.iter().cloned());
        if let Some(cookie) = self.cookie().filter(|_| !is_left_out("Cookie")) {
            fields.push(HttpField::new("Cookie", cookie));
        }
        fields.extend(self.own.iter().cloned());
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value.filter(|_| !is_said(name) && !is_left_out(name)) {
                fields.push(HttpField::new(name, value));
            }
        };
        if let Payload::Bytes { content_type, .. } = &self.payload {
            add("Content-Type", content_type.clone());
        }
        match self.payload.length() {
            Some(0) if self.payload == Payload::None => {}
            Some(length) => add("Content-Length", Some(length.to_string())),
            None => add("Transfer-Encoding", Some("chunked".into())),
        }
        fields
    }

    /// Where no -H says it.
    fn cookie(&self) -> Option<String> {
        if self.secrets.iter().any(|field| field.is("Cookie")) {
            return None;
        }
        let host = self.own.iter().find(|field| field.is("Host")).map(|it| it.value.to_string());
        let host = match &host {
            Some(host) => without_port(host),
            None => &self.place.host,
        };
        self.cookies.line(&self.place, host)
    }

    /// What a redirect with this status leads to (RFC 9110, section 15.4), as curl follows it.
    pub(crate) fn redirected(mut self, status: u16, to: Place) -> Self {
        let becomes_get = match status {
            301 | 302 => self.method == "POST",
            303 => self.method != "HEAD",
            _ => false,
        };
        if becomes_get {
            self.payload = Payload::None;
            let is_of_body = |field: &HttpField| field.is("Content-Type") || field.is("Expect");
            self.own.retain(|field| !is_of_body(field));
            if !self.is_method_chosen {
                self.method = "GET".into();
            }
        }
        if !to.is_same_server(&self.place) {
            self.secrets.clear();
            self.cookies.said = None;
            self.own.retain(|field| !field.is("Host"));
        }
        self.place = to;
        self
    }
}

/// The host of a `Host`.
fn without_port(authority: &str) -> &str {
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) => unbracketed(host),
        _ => unbracketed(authority),
    }
}

/// RFC 7617.
pub(crate) fn basic(credentials: &str) -> String {
    format!("Basic {}", BASE64.encode(credentials))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Place {
        let url: url::Url = url.parse().unwrap();
        let scheme = if url.scheme() == "https" { Scheme::Https } else { Scheme::Http };
        let port = url.port_or_known_default().unwrap();
        let path = url.path().to_owned();
        Place { scheme, host: url.host_str().unwrap().to_owned(), port, path }
    }

    fn lines(ask: &Ask) -> Vec<String> {
        let line = |field: &HttpField| format!("{}: {}", field.name, field.value);
        ask.fields().iter().map(line).collect()
    }

    fn flags(headers: &[&str]) -> AskFlags {
        let header = headers.iter().map(|header| (*header).to_owned()).collect();
        AskFlags { header, user_agent: Some("a".into()), ..AskFlags::default() }
    }

    #[test]
    fn fields_are_added_changed_emptied_and_left_out() {
        let ask = |headers: &[&str]| Ask::new(&flags(headers), place("http://web:81/"), None);
        let usual = ["Host: web:81", "User-Agent: a", "Accept: */*"];
        assert_eq!(lines(&ask(&[]).unwrap()), usual);
        let changed = ask(&["X: 1", "x: 2", "Accept:", "user-agent: b", "Y;"]).unwrap();
        assert_eq!(lines(&changed), ["Host: web:81", "X: 1", "x: 2", "user-agent: b", "Y: "]);
        let host = ask(&["Host: other"]).unwrap();
        assert_eq!(lines(&host), ["Host: other", "User-Agent: a", "Accept: */*"]);
        assert!(ask(&["nothing"]).unwrap_err().message.contains("'NAME: VALUE'"));
    }

    #[test]
    fn another_server_sees_no_secret() {
        let mut flags = flags(&["X: 1", "Authorization: Bearer t"]);
        flags.data = vec!["a=b".into()];
        flags.cookie = vec!["k=v".to_owned().into()];
        let ask = Ask::new(&flags, place("http://web/"), None).unwrap();
        assert_eq!(ask.method, "POST");
        assert!(lines(&ask).contains(&"Content-Length: 3".to_owned()));
        let same = ask.clone().redirected(307, place("http://web/b"));
        assert_eq!((same.method.as_str(), lines(&same).len()), ("POST", 8));
        let get = ask.clone().redirected(302, place("http://web/b"));
        let want = ["Host: web", "Authorization: Bearer t", "Cookie: k=v", "X: 1"];
        assert_eq!((get.method.as_str(), &lines(&get)[..4]), ("GET", &want.map(str::to_owned)[..]));
        let other = ask.redirected(308, place("http://web:8080/b"));
        let said = lines(&other).join("\n");
        assert!(!said.contains("Bearer") && !said.contains("k=v"), "{said}");
        assert!(said.starts_with("Host: web:8080\nX: 1\n"), "{said}");
    }
}
