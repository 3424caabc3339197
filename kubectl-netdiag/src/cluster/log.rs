//! kubectl's `-v=6`: one line on stderr for each request to the API server.

use std::{
    task::{Context, Poll},
    time::Instant,
};

use futures_util::future::BoxFuture;
use tower::{Layer, Service};

/// Adds the line to every request.
pub(super) struct RequestLog;

impl<S> Layer<S> for RequestLog {
    type Service = Logged<S>;

    fn layer(&self, inner: S) -> Logged<S> {
        Logged { inner }
    }
}

pub(super) struct Logged<S> {
    inner: S,
}

impl<S, Body, Answer> Service<http::Request<Body>> for Logged<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Answer>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let (method, uri, start) =
            (request.method().clone(), request.uri().clone(), Instant::now());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            let status = match &answer {
                Ok(answer) => answer.status().to_string(),
                Err(_) => "no answer".into(),
            };
            let millis = start.elapsed().as_millis();
            anstream::eprintln!("{method} {uri} {status} in {millis} milliseconds");
            answer
        })
    }
}
