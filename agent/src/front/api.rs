//! The URLs of the agent.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{HeaderValue, Request, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use netdiag_wire::{
    About, ErrorBody, ErrorCode,
    connect::{ConnectRequest, stream::ConnectStreamRequest},
    dns::DnsRequest,
    http::HttpRequest,
    listen::ListenRequest,
    ping::PingRequest,
    scan::ScanRequest,
    sockets::SocketsRequest,
    tls::TlsRequest,
    trace::TraceRequest,
};

use super::{
    Front, facts,
    form::{Form, Frames, Lines},
    probe::{self, Probe},
};

/// Every probe that this agent answers.
pub(crate) const PROBES: [&str; 9] = [
    PingRequest::NAME,
    TraceRequest::NAME,
    DnsRequest::NAME,
    ConnectRequest::NAME,
    ListenRequest::NAME,
    ScanRequest::NAME,
    SocketsRequest::NAME,
    TlsRequest::NAME,
    HttpRequest::NAME,
];

pub(crate) fn routes(front: Arc<Front>) -> Router {
    let router = Router::new()
        .route("/v1/about", get(about))
        .route(&format!("/v1/{}", facts::NAME), post(facts::answer));
    let router = with::<PingRequest, Lines>(router);
    let router = with::<TraceRequest, Lines>(router);
    let router = with::<DnsRequest, Lines>(router);
    let router = with::<ConnectRequest, Lines>(router);
    let router = with::<ScanRequest, Lines>(router);
    let router = with::<SocketsRequest, Lines>(router);
    let router = with::<TlsRequest, Lines>(router);
    let router = with::<ListenRequest, Frames>(router);
    let router = with::<HttpRequest, Frames>(router);
    with::<ConnectStreamRequest, Frames>(router)
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .with_state(front)
}

fn with<P: Probe, F: Form>(router: Router<Arc<Front>>) -> Router<Arc<Front>> {
    router.route(&format!("/v1/{}", P::PATH), post(probe::answer::<P, F>))
}

pub(crate) fn refusal(body: &ErrorBody) -> Response {
    let status =
        StatusCode::from_u16(body.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(body)).into_response();
    if let Some(ms) = body.retry_after_ms {
        let seconds = HeaderValue::from(ms.div_ceil(1_000).max(1));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

async fn about(State(front): State<Arc<Front>>) -> Json<About> {
    Json(front.about())
}

/// A newer plugin asks an older agent for a newer probe here: it says what it knows.
async fn unknown(request: Request<Body>) -> Response {
    let (method, path, known) = (request.method(), request.uri().path(), PROBES.join(", "));
    let message = format!("this agent does not answer {method} {path:.100}; its probes: {known}");
    refusal(&ErrorBody::new(ErrorCode::NotFound, message))
}
