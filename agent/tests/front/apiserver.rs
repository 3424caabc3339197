//! An API server that says what a test tells it to, over real TLS.

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What it says, and what it was asked.
#[derive(Default)]
pub(crate) struct Script {
    /// By token: `status` of its TokenReview.
    pub(crate) tokens: HashMap<String, Value>,
    /// `pods/ping shop`, `nodes/ping`, `destinations/loopback`.
    pub(crate) allowed: HashSet<String>,
    /// By `namespace/name`.
    pub(crate) pods: HashMap<String, Value>,
    pub(crate) nodes: HashMap<String, Value>,
    pub(crate) delay: Duration,
    /// Answers everything with this status instead.
    pub(crate) broken: Option<u16>,
    /// Bodies of the SubjectAccessReviews.
    pub(crate) reviews: Vec<Value>,
    /// `METHOD path` of all requests.
    pub(crate) asked: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct ApiServer {
    pub(crate) address: SocketAddr,
    pub(crate) script: Arc<Mutex<Script>>,
}

impl ApiServer {
    /// Listens on port 0 of 127.0.0.1 and writes `ca.crt` and `token` into `dir`.
    pub(crate) async fn start(dir: &Path) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(tls(dir)));
        std::fs::write(dir.join("token"), "the-agents-own").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::<Mutex<Script>>::default();
        let shared = script.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, script) = (acceptor.clone(), shared.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(|request| answer(script.clone(), request));
                    let _ =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, script }
    }

    pub(crate) fn tell(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        let script = self.script.lock().unwrap();
        script.asked.iter().filter(|asked| asked.contains(path)).count()
    }
}

fn tls(dir: &Path) -> ServerConfig {
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(dir.join("ca.crt"), ca.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["kubernetes.default.svc".into()]).unwrap();
    let own = own.signed_by(&key, &ca).unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap()
}

async fn answer(
    script: Arc<Mutex<Script>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let path = parts.uri.path().to_owned();
    let own = parts.headers.get("authorization").is_some_and(|v| v == "Bearer the-agents-own");
    let delay = script.lock().unwrap().delay;
    tokio::time::sleep(delay).await;
    let mut script = script.lock().unwrap();
    script.asked.push(format!("{} {path}", parts.method));
    let (status, body) = match script.broken {
        _ if !own => failure(401, "Unauthorized"),
        Some(status) => failure(status, "Broken"),
        None => script.say(&path, serde_json::from_slice(&body).unwrap_or_default()),
    };
    let mut response = Response::new(Full::new(body.to_string().into()));
    *response.status_mut() = status.try_into().unwrap();
    Ok(response)
}

impl Script {
    fn say(&mut self, path: &str, mut body: Value) -> (u16, Value) {
        match path {
            "/apis/authentication.k8s.io/v1/tokenreviews" => {
                let token = body["spec"]["token"].as_str().unwrap_or_default();
                let unknown = json!({"authenticated": false});
                body["status"] = self.tokens.get(token).cloned().unwrap_or(unknown);
                (201, body)
            }
            "/apis/authorization.k8s.io/v1/subjectaccessreviews" => {
                let asked = &body["spec"]["resourceAttributes"];
                let part = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
                let right =
                    format!("{}/{} {}", part("resource"), part("subresource"), part("namespace"));
                let of_our_group = part("group") == "netdiag.dev" && part("verb") == "create";
                let allowed = of_our_group && self.allowed.contains(right.trim_end());
                self.reviews.push(body["spec"].clone());
                body["status"] = json!({"allowed": allowed});
                (201, body)
            }
            "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes" => (
                200,
                json!({"metadata": {"name": "kubernetes"}, "addressType": "IPv4", "endpoints": []}),
            ),
            _ => {
                let parts: Vec<&str> = path.split('/').collect();
                let found = match parts[..] {
                    ["", "api", "v1", "namespaces", namespace, "pods", name] => {
                        self.pods.get(&format!("{namespace}/{name}"))
                    }
                    ["", "api", "v1", "nodes", name] => self.nodes.get(name),
                    _ => None,
                };
                found.map_or_else(|| failure(404, "NotFound"), |found| (200, found.clone()))
            }
        }
    }
}

fn failure(code: u16, reason: &str) -> (u16, Value) {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code});
    (code, status)
}
