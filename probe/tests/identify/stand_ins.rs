//! Small servers of ours in the place of those that Debian does not have (MongoDB, Kafka,
//! Elasticsearch, Kubernetes), only with a runtime of great size (RabbitMQ), or not beside the clock
//! daemon that a machine has already (chrony): their answers are
//! as their protocols and sources have them, but they are no proof of what the real ones say.

use std::{
    net::{TcpListener, UdpSocket},
    ops::ControlFlow::{self, Break, Continue},
    sync::Arc,
    thread::JoinHandle,
};

use rcgen::{CertificateParams, DnType, DnValue, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::lab::{Netns, runtime};

/// To what came; after a `Break` the connection ends, as the real ones end theirs when they are
/// spoken to in another protocol.
type Answer = ControlFlow<Vec<u8>, Vec<u8>>;
type Server = fn(&[u8]) -> Answer;

const SERVERS: [(u16, Server); 5] =
    [(5672, rabbitmq), (27017, mongodb), (9092, kafka), (9200, elasticsearch), (50051, grpc)];
const SERVERS_IN_TLS: [(u16, Server, &str); 2] =
    [(10250, kubelet, "node-1@1732320000"), (6443, apiserver, "kubernetes.default.svc")];

/// End with this value.
pub(super) struct StandIns {
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl StandIns {
    pub(super) fn start(namespace: &Netns) -> Self {
        let ports = SERVERS.iter().map(|one| one.0).chain(SERVERS_IN_TLS.iter().map(|one| one.0));
        let listeners: Vec<TcpListener> = namespace
            .enter(|| ports.map(|port| TcpListener::bind(("0.0.0.0", port)).unwrap()).collect());
        let clock = namespace.enter(|| UdpSocket::bind("0.0.0.0:123").unwrap());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            runtime().block_on(async {
                let plain = SERVERS.iter().map(|(_, answer)| (*answer, None));
                let inside =
                    SERVERS_IN_TLS.iter().map(|(_, answer, name)| (*answer, Some(tls(name))));
                for (listener, (answer, tls)) in listeners.into_iter().zip(plain.chain(inside)) {
                    tokio::spawn(accept(listener, answer, tls));
                }
                tokio::spawn(chrony(clock));
                stopped.cancelled().await;
            });
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for StandIns {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn tls(name: &str) -> TlsAcceptor {
    let names = if name.contains('@') { vec![] } else { vec![name.to_owned()] };
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, DnValue::Utf8String(name.into()));
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn accept(listener: TcpListener, server: Server, tls: Option<TlsAcceptor>) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let tls = tls.clone();
        tokio::spawn(async move {
            match tls {
                None => serve(stream, server).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, server).await;
                    }
                }
            }
        });
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, server: Server) {
    let mut heard = [0; 4_096];
    while let Ok(length @ 1..) = stream.read(&mut heard).await {
        let answer = server(&heard[..length]);
        let (Break(said) | Continue(said)) = &answer;
        if stream.write_all(said).await.is_err() || answer.is_break() {
            break;
        }
    }
    // Whoever spoke may be gone already.
    let _ = stream.shutdown().await;
}

/// What chronyd 4.3 said, with the time stamp that it is asked with.
async fn chrony(socket: UdpSocket) {
    socket.set_nonblocking(true).unwrap();
    let socket = tokio::net::UdpSocket::from_std(socket).unwrap();
    let mut heard = [0; 512];
    while let Ok((length, from)) = socket.recv_from(&mut heard).await {
        let mut said = *include_bytes!("../../fuzz/banners/ntp/chrony");
        if length >= said.len() {
            said[24..32].copy_from_slice(&heard[40..48]);
            socket.send_to(&said, from).await.unwrap();
        }
    }
}

/// connection.start of AMQP 0-9-1.
fn rabbitmq(heard: &[u8]) -> Answer {
    if heard != b"AMQP\0\0\x09\x01" {
        return Break(b"AMQP\0\0\x09\x01".into());
    }
    let mut table = b"\x0ccapabilitiesF\0\0\0\x15\x12publisher_confirmst\x01".to_vec();
    for (name, value) in [
        ("cluster_name", "rabbit@target.example"),
        ("platform", "Erlang/OTP 25.2.3"),
        ("product", "RabbitMQ"),
        ("version", "3.10.8"),
    ] {
        table.push(name.len() as u8);
        table.extend_from_slice(name.as_bytes());
        table.push(b'S');
        table.extend_from_slice(&(value.len() as u32).to_be_bytes());
        table.extend_from_slice(value.as_bytes());
    }
    let rest = b"\0\0\0\x0ePLAIN AMQPLAIN\0\0\0\x05en_US";
    let length = (table.len() as u32).to_be_bytes();
    let body = [b"\0\x0a\0\x0a\0\x09", &length[..], &table, rest].concat();
    Continue([b"\x01\0\0", &(body.len() as u32).to_be_bytes()[..], &body, b"\xce"].concat())
}

/// OP_MSG to `hello` and `buildInfo`, and what mongod says to browsers.
fn mongodb(heard: &[u8]) -> Answer {
    if heard.starts_with(b"GET ") {
        let text = "It looks like you are trying to access MongoDB over HTTP on the native driver port.\r\n";
        return Break(http("200 OK", "text/plain", text));
    }
    let is_message = heard.get(12..16) == Some(&2_013u32.to_le_bytes());
    if !is_message {
        return Break(Vec::new());
    }
    let mut document = Vec::new();
    match heard.windows(9).any(|part| part == b"buildInfo") {
        true => {
            text(&mut document, "version", "7.0.14");
            text(&mut document, "gitVersion", "ce59cfc6a3c5e5c067dca0d30697edd68d4f5188");
        }
        false => {
            document.extend_from_slice(b"\x08isWritablePrimary\0\x01");
            document.extend_from_slice(b"\x10maxWireVersion\0\x15\0\0\0");
        }
    }
    document.extend_from_slice(b"\x01ok\0\0\0\0\0\0\0\xf0\x3f\0");
    let length = (document.len() as u32 + 4).to_le_bytes();
    let section = [b"\0\0\0\0\0", &length[..], &document].concat();
    let length = (section.len() as u32 + 16).to_le_bytes();
    Continue([&length[..], b"\x09\0\0\0", &heard[4..8], &2_013u32.to_le_bytes(), &section].concat())
}

fn text(document: &mut Vec<u8>, name: &str, value: &str) {
    document.extend_from_slice(&[b"\x02", name.as_bytes(), b"\0"].concat());
    document.extend_from_slice(&(value.len() as u32 + 1).to_le_bytes());
    document.extend_from_slice(&[value.as_bytes(), b"\0"].concat());
}

/// ApiVersions: Produce, Fetch and ApiVersions itself.
fn kafka(heard: &[u8]) -> Answer {
    let [_, _, _, _, 0, 18, _, _, id @ ..] = heard else { return Break(Vec::new()) };
    let list = b"\0\0\0\0\0\x03\0\0\0\0\0\x09\0\x01\0\0\0\x0f\0\x12\0\0\0\x03";
    let Some(id) = id.get(..4) else { return Break(Vec::new()) };
    Continue([&(4 + list.len() as u32).to_be_bytes()[..], id, list].concat())
}

fn http(status: &str, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}")
        .into()
}

/// A connection lasts for HTTP/1.1 alone.
fn to_request(heard: &[u8], answer: Vec<u8>) -> Answer {
    let says = |version: &[u8]| heard.windows(version.len()).any(|part| part == version);
    match (says(b" HTTP/1.1\r\n"), says(b" HTTP/1.0\r\n")) {
        (true, _) => Continue(answer),
        (false, true) => Break(answer),
        (false, false) => Break(http("400 Bad Request", "text/plain; charset=utf-8", "")),
    }
}

fn elasticsearch(heard: &[u8]) -> Answer {
    let answer = match heard.starts_with(b"GET / ") {
        true => http("200 OK", "application/json", include_str!("stand_ins/elasticsearch.json")),
        false => http("400 Bad Request", "text/plain", ""),
    };
    to_request(heard, answer)
}

/// As gRPC's servers are: settings whatever comes, and `unimplemented` for a service that is not
/// there.
fn grpc(heard: &[u8]) -> Answer {
    let block = b"\x88\x5f\x10application/grpc\x40\x0bgrpc-status\x0212";
    let frame = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
        [&[0, 0, payload.len() as u8, kind, flags, 0, 0, 0, stream][..], payload].concat()
    };
    let settings = frame(4, 0, 0, b"");
    match heard {
        [b'P', b'R', b'I', b' ', ..] => {
            Continue([settings, frame(1, 5, 1, block), frame(3, 0, 3, b"\0\0\0\x01")].concat())
        }
        // A further frame of what began so.
        [0, 0, _, 0..=9, ..] => Continue(settings),
        _ => Break(settings),
    }
}

/// Without anonymous access.
fn kubelet(heard: &[u8]) -> Answer {
    let answer = match heard.starts_with(b"GET / ") {
        true => http("404 Not Found", "text/plain; charset=utf-8", "404 page not found\n"),
        false => http("401 Unauthorized", "text/plain; charset=utf-8", "Unauthorized"),
    };
    to_request(heard, answer)
}

fn apiserver(heard: &[u8]) -> Answer {
    let answer = match heard.starts_with(b"GET /version ") {
        true => http("200 OK", "application/json", include_str!("stand_ins/version.json")),
        false => http("403 Forbidden", "application/json", include_str!("stand_ins/status.json")),
    };
    to_request(heard, answer)
}
