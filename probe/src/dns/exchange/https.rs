//! Questions over HTTPS (RFC 8484), posted over HTTP/1.1.

use std::convert::Infallible;

use bytes::Bytes;
use http::{
    Request, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, HOST},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use netdiag_wire::dns::{DnsOutcome, QueryOptions};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use super::{Server, pending::Pending, stream::until, tls};
use crate::ProbeError;

const MESSAGE: &str = "application/dns-message";
const DEFAULT_PATH: &str = "/dns-query";
const DEFAULT_PORT: u16 = 443;
/// Longest DNS message.
const MAX_BYTES: usize = u16::MAX as usize;

pub(super) async fn ask(
    options: &QueryOptions,
    one: &mut Pending,
    server: &Server,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    deadline: Instant,
) -> Result<(), ProbeError> {
    let request = request(options, server, one.next_try()?)?;
    match until(deadline, post(request, stream)).await {
        None => one.give_up(),
        Some(Err(problem)) => one.end(DnsOutcome::HttpFailed, Some(problem)),
        Some(Ok(bytes)) => match one.hear(&bytes) {
            Some(parsed) => one.answered(parsed, bytes.len()),
            None => {
                let problem = "the answer does not belong to the question";
                one.end(DnsOutcome::HttpFailed, Some(problem.into()));
            }
        },
    }
    Ok(())
}

fn request(
    options: &QueryOptions,
    server: &Server,
    query: Vec<u8>,
) -> Result<Request<Full<Bytes>>, ProbeError> {
    let name = tls::name(options, server);
    let name = if name.contains(':') { format!("[{name}]") } else { name };
    let host = match server.address.port() {
        DEFAULT_PORT => name,
        port => format!("{name}:{port}"),
    };
    let request = Request::post(options.http_path.as_deref().unwrap_or(DEFAULT_PATH))
        .header(HOST, host)
        .header(ACCEPT, MESSAGE)
        .header(CONTENT_TYPE, MESSAGE)
        .body(Full::from(query));
    request.map_err(|cause| ProbeError::Request(format!("options.httpPath: {cause}")))
}

async fn post(
    request: Request<Full<Bytes>>,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> Result<Bytes, String> {
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| in_words(&error))?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(|error| in_words(&error))?;
        body(response).await
    };
    let drive = async {
        // Its errors come to the exchange as well, which may still have to read.
        let _ = connection.await;
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        done = exchange => done,
        never = drive => match never {},
    }
}

async fn body(response: Response<hyper::body::Incoming>) -> Result<Bytes, String> {
    let (parts, body) = response.into_parts();
    if parts.status != StatusCode::OK {
        return Err(format!("the server answered {}", parts.status));
    }
    let kind = parts.headers.get(CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
    let is_message = kind.split(|byte| *byte == b';').next();
    if !is_message.unwrap_or_default().trim_ascii().eq_ignore_ascii_case(MESSAGE.as_bytes()) {
        return Err("the server answered something that is no DNS message".into());
    }
    let body = Limited::new(body, MAX_BYTES).collect().await.map_err(|error| error.to_string())?;
    Ok(body.to_bytes())
}

/// A server of HTTP/2 hangs up, or sends frames that are no answer.
fn in_words(error: &hyper::Error) -> String {
    match error.is_canceled() || error.is_incomplete_message() || error.is_parse() {
        true => "the server speaks no HTTP/1.1, or closed the connection without an answer".into(),
        false => error.to_string(),
    }
}
