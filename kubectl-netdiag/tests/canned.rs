//! An API server that knows one node with one agent, and an agent that says what a test wants.
//!
//! A real API server lets no pod speak these transcripts; everything else is tested on one.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, handshake::derive_accept_key, protocol::Role},
};

/// What the agent does once it has read a request.
#[derive(Clone, Debug)]
pub(crate) enum Agent {
    /// Sends these bytes and closes.
    Says(Vec<u8>),
    /// Sends the first bytes, then the second ones again and again.
    Floods(Vec<u8>, Vec<u8>),
    /// Is not there; the kubelet says so.
    Gone(&'static str),
    /// Each stream gets the next of these answers.
    Turns(Vec<Vec<u8>>),
}

/// A cluster that answers from memory until it is dropped.
pub(crate) struct Canned {
    directory: TempDir,
    _runtime: tokio::runtime::Runtime,
}

struct State {
    agent: Agent,
    overrides: HashMap<String, (u16, Value)>,
    streams: std::sync::atomic::AtomicUsize,
}

impl Canned {
    pub(crate) fn new(agent: Agent) -> Self {
        Self::with(agent, [])
    }

    /// Some paths answer otherwise.
    pub(crate) fn with<'a>(
        agent: Agent,
        overrides: impl IntoIterator<Item = (&'a str, u16, Value)>,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        let overrides = overrides.into_iter();
        let state = Arc::new(State {
            agent,
            overrides: overrides
                .map(|(path, status, body)| (path.into(), (status, body)))
                .collect(),
            streams: 0.into(),
        });
        runtime.spawn(serve(listener, state));
        let directory = TempDir::new().unwrap();
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "canned",
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "contexts": [{"name": "canned", "context": {"cluster": "c", "namespace": "shop"}}],
        });
        std::fs::write(directory.path().join("config"), kubeconfig.to_string()).unwrap();
        Self { directory, _runtime: runtime }
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        Path::join(self.directory.path(), "config")
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let state = Arc::clone(&state);
        let service = service_fn(move |request| {
            let state = Arc::clone(&state);
            async move { Ok::<_, io::Error>(answer(request, state)) }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection.with_upgrades());
    }
}

fn answer(request: Request<Incoming>, state: Arc<State>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    if let Some((status, body)) = state.overrides.get(&path) {
        return json_answer(*status, body);
    }
    if path.ends_with("/portforward") {
        return forward(request, state);
    }
    match known(request.method(), &path) {
        Some(body) => json_answer(200, &body),
        None => json_answer(404, &status(404, "NotFound", &format!("{path} not found"))),
    }
}

/// A refusal as the API server words it.
pub(crate) fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
           "code": code, "reason": reason, "message": message})
}

fn json_answer(status: u16, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.to_string().into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

fn known(method: &Method, path: &str) -> Option<Value> {
    Some(match (method.as_str(), path) {
        ("GET", "/api/v1/nodes/node-1") => node(),
        ("GET", "/api/v1/nodes") => json!({"metadata": {}, "items": [node()]}),
        ("GET", "/api/v1/namespaces/shop/pods/foo") => pod("foo", "node-2", "10.244.2.7"),
        ("GET", "/api/v1/namespaces/shop/pods") => {
            json!({"metadata": {}, "items": [pod("foo", "node-2", "10.244.2.7")]})
        }
        ("GET", "/api/v1/namespaces/shop") => json!({"metadata": {"name": "shop"}}),
        ("GET", "/apis/apps/v1/namespaces/netdiag/daemonsets") => {
            json!({"metadata": {}, "items": [daemon_set()]})
        }
        ("GET", "/api/v1/namespaces/netdiag/pods") => json!({"metadata": {}, "items": [agent()]}),
        ("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews") => {
            json!({"metadata": {}, "status": {"userInfo": {"username": "alice"}}})
        }
        ("POST", "/api/v1/namespaces/netdiag/serviceaccounts/netdiag-operator/token") => json!({
            "metadata": {}, "spec": {"audiences": []},
            "status": {"token": "minted", "expirationTimestamp": "2026-11-22T04:00:00Z"},
        }),
        _ => return None,
    })
}

fn node() -> Value {
    json!({
        "metadata": {"name": "node-1", "uid": "node-uid"},
        "status": {"addresses": [{"type": "InternalIP", "address": "10.89.0.11"}],
                   "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

fn pod(name: &str, node: &str, address: &str) -> Value {
    json!({
        "metadata": {"namespace": "shop", "name": name, "uid": "pod-uid"},
        "spec": {"nodeName": node, "containers": []},
        "status": {"phase": "Running", "podIP": address,
                   "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

fn daemon_set() -> Value {
    json!({
        "metadata": {"name": "netdiag", "uid": "set-uid"},
        "spec": {"selector": {}, "template": {"spec": {
            "containers": [], "serviceAccountName": "netdiag-agent"}}},
    })
}

fn agent() -> Value {
    let mut pod = pod("netdiag-x7k2p", "node-1", "10.244.1.4");
    pod["metadata"]["namespace"] = json!("netdiag");
    pod["metadata"]["labels"] = json!({"app.kubernetes.io/version": env!("CARGO_PKG_VERSION")});
    pod["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "DaemonSet",
        "name": "netdiag", "uid": "set-uid", "controller": true}]);
    pod["spec"]["serviceAccountName"] = json!("netdiag-agent");
    pod
}

fn forward(mut request: Request<Incoming>, state: Arc<State>) -> Response<Full<Bytes>> {
    let key = request.headers()[header::SEC_WEBSOCKET_KEY].as_bytes();
    let accept = derive_accept_key(key);
    tokio::spawn(async move {
        let upgraded = TokioIo::new(hyper::upgrade::on(&mut request).await.unwrap());
        let stream = WebSocketStream::from_raw_socket(upgraded, Role::Server, None).await;
        // The plugin may hang up in the middle, which is its right.
        let _ = speak(stream, &state).await;
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept)
        .header(header::SEC_WEBSOCKET_PROTOCOL, "v4.channel.k8s.io")
        .body(Full::default())
        .unwrap()
}

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

/// Channel 0 carries bytes, channel 1 the kubelet's complaint; each begins with the port.
async fn speak(
    mut socket: Socket,
    state: &State,
) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    let port = netdiag_wire::AGENT_PORT.to_le_bytes();
    for channel in [0, 1] {
        send(&mut socket, channel, &port).await?;
    }
    if let Agent::Gone(complaint) = &state.agent {
        send(&mut socket, 1, complaint.as_bytes()).await?;
        return end(socket).await;
    }
    let mut asked = Vec::new();
    while !is_whole(&asked) {
        match socket.next().await {
            Some(message) => asked.extend(message?.into_data().iter().skip(1)),
            None => return Ok(()),
        }
    }
    match &state.agent {
        Agent::Says(bytes) => send(&mut socket, 0, bytes).await?,
        Agent::Floods(first, again) => {
            send(&mut socket, 0, first).await?;
            loop {
                send(&mut socket, 0, again).await?;
            }
        }
        Agent::Turns(answers) => {
            let turn = state.streams.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            send(&mut socket, 0, &answers[turn]).await?;
        }
        Agent::Gone(_) => {}
    }
    end(socket).await
}

/// Says goodbye as an API server does, and waits for the answer: else what was sent may be lost.
async fn end(mut socket: Socket) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    socket.close(None).await?;
    while socket.next().await.is_some() {}
    Ok(())
}

async fn send(
    socket: &mut Socket,
    channel: u8,
    bytes: &[u8],
) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    for part in bytes.chunks(32 * 1024) {
        let frame: Vec<u8> = [&[channel], part].concat();
        socket.send(Message::Binary(frame.into())).await?;
    }
    Ok(())
}

/// Whether a request's head and body are there.
fn is_whole(asked: &[u8]) -> bool {
    let text = String::from_utf8_lossy(asked);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

/// The head of an event stream that ends with the connection.
pub(crate) const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\nconnection: close\r\n\r\n";

/// An answer of the agent, other than a stream.
pub(crate) fn refusal(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{headers}content-length: \
         {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
