//! HTTP/1.1 over TLS over a connection that somebody else opened; kept and used again.

use std::{
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use kube::client::Body;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tower::{BoxError, Service};

use super::{Credentials, Route, route::DialError};

/// The name in every API server's certificate, whatever its address.
const SERVER_NAME: &str = "kubernetes.default.svc";
/// More idle connections than this are closed.
const MAX_IDLE: usize = 4;
/// A kept connection that stays mute this long is given up for a new one: the path may be gone.
const MUTE: Duration = Duration::from_secs(1);
/// The largest answer is one Pod, which etcd bounds to 1.5 MiB.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

type Sender = SendRequest<Full<Bytes>>;

#[derive(Clone)]
pub(crate) struct Link(Arc<Shared>);

struct Shared {
    route: Arc<Route>,
    credentials: Arc<Credentials>,
    idle: Mutex<Vec<Sender>>,
}

#[derive(Debug, thiserror::Error)]
enum LinkError {
    #[error("reach the API server")]
    Dial(#[from] DialError),
    #[error("TLS with the API server")]
    Tls(#[source] std::io::Error),
    #[error("HTTP with the API server")]
    Http(#[from] hyper::Error),
    #[error("read the API server's answer")]
    Answer(#[source] BoxError),
}

impl Link {
    pub(crate) fn new(route: Arc<Route>, credentials: Arc<Credentials>) -> Self {
        Self(Arc::new(Shared { route, credentials, idle: Mutex::default() }))
    }
}

impl Service<Request<Body>> for Link {
    type Response = Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shared = self.0.clone();
        async move {
            let (mut parts, body) = request.into_parts();
            parts.headers.insert(header::HOST, HeaderValue::from_static(SERVER_NAME));
            parts.headers.insert(header::AUTHORIZATION, shared.credentials.current().authorization);
            let body = Full::new(body.collect_bytes().await?);
            Ok(shared.send(&Request::from_parts(parts, body)).await?)
        }
        .boxed()
    }
}

impl Shared {
    /// Over a kept connection; over a new one when that turns out to be dead. Each question here may
    /// be asked twice: reviews and reads change nothing.
    async fn send(
        &self,
        request: &Request<Full<Bytes>>,
    ) -> Result<Response<Full<Bytes>>, LinkError> {
        if let Some(sender) = self.take_idle() {
            match tokio::time::timeout(MUTE, self.exchange(sender, request.clone())).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(error)) => tracing::debug!(%error, "kept connection is gone"),
                Err(_) => tracing::debug!("kept connection is mute"),
            }
            self.idle().clear();
        }
        let sender = self.connect().await?;
        self.exchange(sender, request.clone()).await
    }

    async fn exchange(
        &self,
        mut sender: Sender,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Full<Bytes>>, LinkError> {
        sender.ready().await?;
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(LinkError::Answer)?;
        self.keep(sender);
        Ok(Response::from_parts(parts, Full::new(body.to_bytes())))
    }

    async fn connect(&self) -> Result<Sender, LinkError> {
        let stream = self.route.connect().await?;
        let connector = TlsConnector::from(self.credentials.current().tls);
        let name = ServerName::from(
            rustls::pki_types::DnsName::try_from_str(SERVER_NAME).expect("a name"),
        );
        let stream = connector.connect(name, stream).await.map_err(LinkError::Tls)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection to the API server ended");
            }
        });
        Ok(sender)
    }

    fn take_idle(&self) -> Option<Sender> {
        let mut idle = self.idle();
        idle.retain(|sender| !sender.is_closed());
        idle.pop()
    }

    fn keep(&self, sender: Sender) {
        let mut idle = self.idle();
        if idle.len() < MAX_IDLE {
            idle.push(sender);
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Sender>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
