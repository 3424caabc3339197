//! TARGET and SOURCE: `[NAMESPACE/]KIND/NAME`, an address, a host name, `local`; a TARGET's `:PORT`.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU16,
};

use super::{kind::Kind, kube::is_namespace};

/// What a probe is aimed at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    Object(Object),
    Address(IpAddr),
    /// As the source resolves it.
    Host(String),
}

/// A port as it is typed: a number, or its name in the object that declares it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Port {
    Number(NonZeroU16),
    Name(String),
}

/// Where a probe starts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    /// A pod or a node, or a workload for one of its pods.
    Object(Object),
    /// This machine.
    Local,
    /// Every node.
    Nodes,
}

/// An object of the cluster, as it is named on the command line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Object {
    pub(crate) namespace: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) name: String,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = self.namespace.iter().map(|n| format!("{n}/")).collect::<String>();
        write!(f, "{namespace}{}/{}", self.kind, self.name)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(object) => object.fmt(f),
            Self::Local => f.write_str("local"),
            Self::Nodes => f.write_str("nodes"),
        }
    }
}

impl Target {
    /// Reads one word, or kubectl's two (`pod foo`).
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        match words {
            [word] => Self::parse_word(word),
            [kind, name] => {
                let kind = Kind::parse(kind).map_err(|_| "one TARGET at a time".to_owned())?;
                Object::new(None, kind, name).map(Self::Object)
            }
            _ => Err("one TARGET at a time".into()),
        }
    }

    /// The same, where a `:PORT` may follow.
    pub(crate) fn parse_with_port(words: &[String]) -> Result<(Self, Option<Port>), String> {
        let (last, before) = words.split_last().ok_or("one TARGET at a time")?;
        let (host, port) = Port::split(last);
        let words: Vec<String> = before.iter().cloned().chain([host.to_owned()]).collect();
        let target = Self::parse(&words)?;
        let port = port.map(Port::parse).transpose()?;
        match (&target, &port) {
            (Self::Address(_) | Self::Host(_), Some(Port::Name(name))) => {
                Err(format!("only an object has names for its ports; give {name} as a number"))
            }
            _ => Ok((target, port)),
        }
    }

    fn parse_word(word: &str) -> Result<Self, String> {
        if let Some(address) = address(word) {
            return one_host(address).map(Self::Address);
        }
        if word.contains("://") {
            return Err("a URL; give its host alone".into());
        }
        if word.contains('/') {
            return Object::parse(word).map(Self::Object);
        }
        match is_host(word) {
            true if is_numeric(word) => {
                Err("no IPv4 address: write its four numbers, as 127.0.0.1".into())
            }
            true => Ok(Self::Host(word.to_owned())),
            false if word.contains(':') => Err("no host name; one port at most, and only of \
                connect, tls, http and trace, follows its colon"
                .into()),
            false => Err("no host name".into()),
        }
    }
}

impl Port {
    /// Reads a number or a name (RFC 6335, as Kubernetes takes it).
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            let number = text.parse().map(Self::Number);
            return number.map_err(|_| format!("port {text}: must be 1 to 65535"));
        }
        let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        match (1..=15).contains(&text.len()) && text.bytes().all(letter) {
            true => Ok(Self::Name(text.to_owned())),
            false => Err(format!("port {text:?}: must be 1 to 65535 or a name of the object's")),
        }
    }

    /// `foo:80` in its two parts; a bare IPv6 address has colons of its own.
    fn split(word: &str) -> (&str, Option<&str>) {
        if address(word).is_some() || word.contains("://") {
            return (word, None);
        }
        match word.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (word, None),
        }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// An answer to any other address would come from somebody else: the source itself, say, which is
/// what Linux takes the unspecified address for.
fn one_host(address: IpAddr) -> Result<IpAddr, String> {
    match address.to_canonical() {
        own if own.is_unspecified() => {
            Err("nobody's address; 127.0.0.1 is the source itself".into())
        }
        group if group.is_multicast() || group == IpAddr::V4(Ipv4Addr::BROADCAST) => {
            Err("a group's address; name one host of it".into())
        }
        _ => Ok(address),
    }
}

impl Target {
    /// As the command line takes it, from whatever namespace.
    pub(crate) fn word(&self, namespace: &str) -> String {
        match self {
            Self::Object(object) => object.word(namespace),
            Self::Address(address) => address.to_string(),
            Self::Host(name) => name.clone(),
        }
    }

    /// What stands for many pods, if it is that: a Service or a workload.
    pub(crate) fn group(&self) -> Option<&Object> {
        match self {
            Self::Object(object) if matches!(object.kind, Kind::Service | Kind::Workload(_)) => {
                Some(object)
            }
            Self::Object(_) | Self::Address(_) | Self::Host(_) => None,
        }
    }

    /// The Service that it is, if it is one.
    pub(crate) fn service(&self) -> Option<&Object> {
        match self {
            Self::Object(object) if object.kind == Kind::Service => Some(object),
            Self::Object(_) | Self::Address(_) | Self::Host(_) => None,
        }
    }
}

impl Object {
    /// As the command line takes it, from whatever namespace.
    pub(crate) fn word(&self, namespace: &str) -> String {
        if self.kind == Kind::Node {
            return self.to_string();
        }
        let namespace = self.namespace.as_deref().unwrap_or(namespace);
        format!("{namespace}/{}/{}", self.kind, self.name)
    }
}

impl Origin {
    pub(crate) fn object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            Self::Local | Self::Nodes => None,
        }
    }

    pub(crate) fn parse(word: &str) -> Result<Self, String> {
        if word == "local" {
            return Ok(Self::Local);
        }
        if word == "nodes" {
            return Ok(Self::Nodes);
        }
        if !word.contains('/') {
            return Err(format!("must be pod/{word}, node/{word}, deploy/{word} or local"));
        }
        let object = Object::parse(word)?;
        match object.kind {
            Kind::Pod | Kind::Node | Kind::Workload(_) => Ok(Self::Object(object)),
            Kind::Service => Err("a svc sends nothing; name one of its pods".into()),
        }
    }
}

impl Object {
    fn parse(word: &str) -> Result<Self, String> {
        let segments: Vec<&str> = word.split('/').collect();
        match segments[..] {
            [address, length]
                if address.parse::<IpAddr>().is_ok() && length.parse::<u8>().is_ok() =>
            {
                Err("a network; one address is wanted".into())
            }
            [kind, name] => Self::new(None, Kind::parse(kind)?, name),
            [namespace, kind, name] => Self::new(Some(namespace), Kind::parse(kind)?, name),
            _ => Err("must be [NAMESPACE/]KIND/NAME".into()),
        }
    }

    fn new(namespace: Option<&str>, kind: Kind, name: &str) -> Result<Self, String> {
        if let Some((name, port)) = name.split_once(':') {
            return Err(format!("an echo has no port; leave :{port} after {name} out"));
        }
        if !is_object_name(name) {
            return Err(format!("{name:?} is no name that Kubernetes allows"));
        }
        match namespace {
            Some(_) if kind == Kind::Node => return Err("a node is in no namespace".into()),
            Some(namespace) if !is_namespace(namespace) => {
                return Err(format!("{namespace:?} is no name for a namespace"));
            }
            Some(_) | None => {}
        }
        Ok(Self { namespace: namespace.map(str::to_owned), kind, name: name.to_owned() })
    }
}

/// An address as people write it: `[::1]` too.
fn address(word: &str) -> Option<IpAddr> {
    let bare = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(word);
    bare.parse().ok()
}

/// RFC 1123 subdomain: what pods, nodes and Services are called at most.
fn is_object_name(name: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let label = |label: &str| {
        label.bytes().all(|b| letter(b) || b == b'-')
            && label.bytes().next().is_some_and(letter)
            && label.bytes().last().is_some_and(letter)
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// Lenient, as DNS is: underscores and capitals are found in the wild.
fn is_host(word: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=253).contains(&word.len()) && word.bytes().all(allowed) && !word.starts_with(['-', '.'])
}

/// inet_aton's other spellings (`127.1`, `0x7f000001`, `2130706433`), which no nameserver knows: a name
/// does not end in a number (RFC 1123, section 2.1).
fn is_numeric(word: &str) -> bool {
    let last = word.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_hex = hex.is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    is_hex || last.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Workload;

    fn object(namespace: Option<&str>, kind: Kind, name: &str) -> Object {
        Object { namespace: namespace.map(str::to_owned), kind, name: name.to_owned() }
    }

    fn target(text: &str) -> Result<Target, String> {
        Target::parse(&text.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn objects_addresses_and_names() {
        for (text, wanted) in [
            ("pod/foo", Target::Object(object(None, Kind::Pod, "foo"))),
            ("shop/pod/foo", Target::Object(object(Some("shop"), Kind::Pod, "foo"))),
            ("pods/foo-7.x", Target::Object(object(None, Kind::Pod, "foo-7.x"))),
            ("pod foo", Target::Object(object(None, Kind::Pod, "foo"))),
            ("node/node-1", Target::Object(object(None, Kind::Node, "node-1"))),
            ("svc/web", Target::Object(object(None, Kind::Service, "web"))),
            (
                "shop/deployments/web",
                Target::Object(object(Some("shop"), Kind::Workload(Workload::Deployment), "web")),
            ),
            ("10.0.0.7", Target::Address([10, 0, 0, 7].into())),
            ("[::1]", Target::Address(std::net::Ipv6Addr::LOCALHOST.into())),
            ("web.shop.svc.cluster.local", Target::Host("web.shop.svc.cluster.local".into())),
        ] {
            assert_eq!(target(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_refused_says_why() {
        for (text, why) in [
            ("ing/web", "ing is not in this release; name its Service"),
            (
                "frob/web",
                "\"frob\" is no kind of object; pod, node, svc, deploy, sts, ds, rs and job work",
            ),
            ("pod/foo:80", "an echo has no port; leave :80 after foo out"),
            ("pod/Foo", "\"Foo\" is no name that Kubernetes allows"),
            ("pod/", "\"\" is no name that Kubernetes allows"),
            ("pod/..", "\"..\" is no name that Kubernetes allows"),
            ("shop/node/node-1", "a node is in no namespace"),
            ("Shop/pod/a", "\"Shop\" is no name for a namespace"),
            ("10.0.0.0/8", "a network; one address is wanted"),
            ("https://x/y", "a URL; give its host alone"),
            ("a b", "one TARGET at a time"),
            ("a%00b", "no host name"),
            ("127.1", "no IPv4 address: write its four numbers, as 127.0.0.1"),
            ("0x7f000001", "no IPv4 address: write its four numbers, as 127.0.0.1"),
            ("2130706433", "no IPv4 address: write its four numbers, as 127.0.0.1"),
            (
                "web:80:81",
                "no host name; one port at most, and only of connect, tls, http and trace, follows its colon",
            ),
            ("0.0.0.0", "nobody's address; 127.0.0.1 is the source itself"),
            ("::", "nobody's address; 127.0.0.1 is the source itself"),
            ("255.255.255.255", "a group's address; name one host of it"),
            ("224.0.0.1", "a group's address; name one host of it"),
            ("ff02::1", "a group's address; name one host of it"),
        ] {
            assert_eq!(target(text), Err(why.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_port_may_follow_where_the_probe_has_one() {
        let with_port = |text: &str| {
            let words: Vec<_> = text.split(' ').map(str::to_owned).collect();
            Target::parse_with_port(&words).map(|(_, port)| port.map(|port| port.to_string()))
        };
        for (text, port) in [
            ("pod/foo", None),
            ("pod/foo:8080", Some("8080")),
            ("pod foo:http", Some("http")),
            ("shop/svc/web:http-alt", Some("http-alt")),
            ("example.com:443", Some("443")),
            ("10.0.0.7:80", Some("80")),
            ("fd00::7", None),
            ("[fd00::7]", None),
            ("[fd00::7]:80", Some("80")),
        ] {
            assert_eq!(with_port(text), Ok(port.map(str::to_owned)), "{text}");
        }
        for (text, why) in [
            ("pod/foo:0", "port 0: must be 1 to 65535"),
            ("pod/foo:65536", "port 65536: must be 1 to 65535"),
            ("pod/foo:", "port \"\": must be 1 to 65535 or a name of the object's"),
            ("pod/foo:HTTP", "port \"HTTP\": must be 1 to 65535 or a name of the object's"),
            ("a:http", "only an object has names for its ports; give http as a number"),
            ("https://x:8/y", "a URL; give its host alone"),
        ] {
            assert_eq!(with_port(text), Err(why.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_source_is_a_pod_a_node_or_this_machine() {
        assert_eq!(Origin::parse("local"), Ok(Origin::Local));
        assert_eq!(
            Origin::parse("shop/pod/foo"),
            Ok(Origin::Object(object(Some("shop"), Kind::Pod, "foo")))
        );
        assert_eq!(
            Origin::parse("foo"),
            Err("must be pod/foo, node/foo, deploy/foo or local".into())
        );
        assert!(Origin::parse("svc/web").is_err());
    }
}
