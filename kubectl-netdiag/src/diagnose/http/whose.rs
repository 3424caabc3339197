//! Who answered: the server itself, or a proxy in its stead. Only what its own header fields prove.

use netdiag_wire::http::{HttpAnswer, field};

/// Whose answer it is, and the field that shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Whose {
    /// The proxy's own: no server behind it was heard.
    Proxy {
        name: &'static str,
        seen: String,
    },
    /// The server's, as a proxy passed it on.
    Server {
        seen: String,
    },
    Unknown,
}

pub(super) fn of(answer: &HttpAnswer) -> Whose {
    let has = |name: &str| field(&answer.fields, name);
    let server = has("server").map(ToString::to_string).unwrap_or_default();
    if let Some(why) = has("l5d-proxy-error") {
        return proxy("linkerd", format!("l5d-proxy-error \"{why}\""));
    }
    if let Some(took) = has("x-envoy-upstream-service-time") {
        let seen = format!("x-envoy-upstream-service-time {took}: envoy heard a server behind it");
        return Whose::Server { seen };
    }
    if server == "istio-envoy" || server == "envoy" {
        let seen = format!("server \"{server}\", and no x-envoy-upstream-service-time");
        return proxy("envoy", seen);
    }
    if let Some(took) = has("x-kong-upstream-latency") {
        let seen = format!("x-kong-upstream-latency {took}: kong heard a server behind it");
        return Whose::Server { seen };
    }
    if has("x-kong-response-latency").is_some() || server.starts_with("kong/") {
        return proxy("kong", "kong's fields, and no x-kong-upstream-latency".into());
    }
    if server.starts_with("awselb/") {
        return proxy("the load balancer (AWS)", format!("server \"{server}\""));
    }
    // RFC 9209: error= says that the proxy made the answer itself.
    if let Some(status) = has("proxy-status").map(ToString::to_string)
        && status.contains("error=")
    {
        return proxy("a proxy", format!("proxy-status \"{status}\""));
    }
    Whose::Unknown
}

fn proxy(name: &'static str, seen: String) -> Whose {
    Whose::Proxy { name, seen }
}

#[cfg(test)]
mod tests {
    use netdiag_wire::http::HttpField;

    use super::*;

    #[test]
    fn a_proxy_is_known_by_its_fields() {
        let whose = |fields: &[(&str, &str)]| {
            let fields = fields.iter().map(|(name, value)| HttpField::new(*name, *value)).collect();
            match of(&HttpAnswer { fields, ..HttpAnswer::default() }) {
                Whose::Proxy { name, .. } => name,
                Whose::Server { .. } => "server",
                Whose::Unknown => "unknown",
            }
        };
        assert_eq!(whose(&[("server", "istio-envoy")]), "envoy");
        let passed = [("server", "istio-envoy"), ("x-envoy-upstream-service-time", "3")];
        assert_eq!(whose(&passed), "server");
        assert_eq!(whose(&[("l5d-proxy-error", "no endpoints")]), "linkerd");
        assert_eq!(whose(&[("x-kong-response-latency", "0")]), "kong");
        assert_eq!(whose(&[("server", "awselb/2.0")]), "the load balancer (AWS)");
        assert_eq!(whose(&[("proxy-status", "edge; error=connection_refused")]), "a proxy");
        assert_eq!(whose(&[("server", "nginx")]), "unknown");
        assert_eq!(whose(&[]), "unknown");
    }
}
