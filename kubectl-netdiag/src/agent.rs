//! One agent, reached by a port-forward through the API server: HTTP/1.1, one request a stream.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use netdiag_wire::{
    AGENT_PORT, About, ErrorBody, MAX_LINE_BYTES, Request,
    facts::{FactsRequest, NodeFacts},
    frame,
    scan::TARGET_TOKEN_HEADER,
};
use serde::Serialize;

mod body;
mod frames;
mod lines;
pub(crate) mod refusal;

use body::AnswerBody;
pub(crate) use body::Broken;
pub(crate) use frames::{Frames, Outgoing, Piece, Upload};
pub(crate) use lines::Lines;

use crate::{
    args::Secret,
    cluster::{Cluster, agents::Agent},
    code,
    finding::Failure,
};

/// The agent answers, or says that it lives, at least every 10 s.
pub(crate) const PATIENCE: Duration = Duration::from_secs(25);

/// A stream to an agent; it takes one request.
pub(crate) struct Connection {
    sender: SendRequest<RequestBody>,
    trouble: Trouble,
    agent: Agent,
    /// Shows a right over the probe's target.
    target_token: Option<Secret>,
}

/// What the kubelet says when the agent's end of the stream is not there.
type Trouble = BoxFuture<'static, Option<String>>;

type RequestBody = UnsyncBoxBody<Bytes, std::io::Error>;

/// What the agent says to a request.
pub(crate) enum Answer<S> {
    Stream(S),
    Refused { error: ErrorBody, retry_after: Option<Duration> },
}

/// Opens a stream to the agent's port on its 127.0.0.1.
pub(crate) async fn connect(cluster: &Cluster, agent: &Agent) -> Result<Connection, Failure> {
    let pods = cluster.pods(&agent.namespace);
    let forward = cluster.ask(pods.portforward(&agent.name, &[AGENT_PORT])).await;
    let mut forward = match forward {
        Ok(forward) => forward,
        Err(refusal) if refusal.is_not_found() => {
            let message = format!("no agent on {}: {} is gone", agent.node, agent.name);
            return Err(Failure::new(code::NO_AGENT, message).with(refusal.said()));
        }
        Err(refusal) => return Err(cluster.may_not_reach(&refusal).await),
    };
    let (stream, trouble) = (forward.take_stream(AGENT_PORT), forward.take_error(AGENT_PORT));
    let (Some(stream), Some(trouble)) = (stream, trouble) else {
        return Err(Failure::new(code::NO_AGENT, "the port-forward has no stream"));
    };
    let (sender, connection) = handshake(TokioIo::new(stream))
        .await
        .map_err(|error| Failure::new(code::PROTOCOL, error.to_string()))?;
    tokio::spawn(connection);
    let agent = agent.clone();
    Ok(Connection { sender, trouble: Box::pin(trouble), agent, target_token: None })
}

impl Connection {
    /// Sends this token as well, which shows a right over the target.
    #[must_use]
    pub(crate) fn showing(self, target_token: Option<Secret>) -> Self {
        Self { target_token, ..self }
    }

    /// Asks for a probe; dropping the answer cancels it.
    pub(crate) async fn probe<P: Serialize>(
        self,
        name: &str,
        token: &Secret,
        request: &Request<P>,
    ) -> Result<Answer<Lines>, Failure> {
        let asked = ask(Method::POST, &format!("/v1/{name}"), whole(to_json(request)?));
        let asked = with_token(asked, token, self.target_token.as_ref(), "application/json")?;
        let answer = self.stream(asked, "application/x-ndjson").await?;
        Ok(answer.map(Lines::new))
    }

    /// Asks for a byte stream; dropping both of its ends cancels it.
    pub(crate) async fn bytes<P: Serialize>(
        self,
        path: &str,
        token: &Secret,
        request: &Request<P>,
    ) -> Result<Answer<(Frames, Upload)>, Failure> {
        let mut line = to_json(request)?;
        line.push(b'\n');
        let (upload, body) = frames::upload(line.into());
        let asked = ask(Method::POST, &format!("/v1/{path}"), body);
        let asked = with_token(asked, token, self.target_token.as_ref(), frame::CONTENT_TYPE)?;
        let answer = self.stream(asked, frame::CONTENT_TYPE).await?;
        Ok(answer.map(|body| (Frames::new(body), upload)))
    }

    async fn stream(
        self,
        asked: http::Request<RequestBody>,
        kind: &str,
    ) -> Result<Answer<AnswerBody>, Failure> {
        let (agent, answer, trouble) = self.send(asked).await?;
        if answer.status() != StatusCode::OK {
            return refused(&agent, answer).await;
        }
        if !is_type(&answer, kind) {
            return Err(nonsense(&agent, "an answer that is no event stream"));
        }
        Ok(Answer::Stream(AnswerBody::new(answer.into_body(), trouble)))
    }

    /// What the agent says of itself.
    pub(crate) async fn about(self) -> Result<About, Failure> {
        let asked = ask(Method::GET, "/v1/about", whole(Vec::new()));
        let (agent, answer, _) = self.send(asked).await?;
        let status = answer.status();
        let body = body::short(answer.into_body()).await;
        let body = body.map_err(|broken| gone(&agent, &broken.to_string()))?;
        if status != StatusCode::OK {
            return Err(nonsense(&agent, &format!("status {status} to the question who it is")));
        }
        serde_json::from_slice(&body).map_err(|error| {
            nonsense(&agent, &format!("a word about itself that is none: {error}"))
        })
    }

    /// Asks for the facts of its node.
    pub(crate) async fn facts(
        self,
        token: &Secret,
        request: &Request<FactsRequest>,
    ) -> Result<Answer<NodeFacts>, Failure> {
        let asked = ask(Method::POST, "/v1/facts", whole(to_json(request)?));
        let asked = with_token(asked, token, None, "application/json")?;
        let (agent, answer, _) = self.send(asked).await?;
        if answer.status() != StatusCode::OK {
            return refused(&agent, answer).await;
        }
        let body = body::short(answer.into_body()).await;
        let body = body.map_err(|broken| gone(&agent, &broken.to_string()))?;
        let facts = serde_json::from_slice(&body);
        facts
            .map(Answer::Stream)
            .map_err(|error| nonsense(&agent, &format!("facts of its node that are none: {error}")))
    }

    async fn send(
        mut self,
        asked: http::Request<RequestBody>,
    ) -> Result<(Agent, http::Response<Incoming>, Trouble), Failure> {
        let answer = match tokio::time::timeout(PATIENCE, self.sender.send_request(asked)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                // The kubelet's reason travels apart from the stream, and may come a little later.
                let said = tokio::time::timeout(Duration::from_secs(1), self.trouble).await;
                let why = said.ok().flatten().unwrap_or_else(|| error.to_string());
                return Err(gone(&self.agent, why.trim()));
            }
            Err(_) => {
                let why = format!("no answer within {} s", PATIENCE.as_secs());
                return Err(gone(&self.agent, &why));
            }
        };
        Ok((self.agent, answer, self.trouble))
    }
}

impl<S> Answer<S> {
    fn map<T>(self, stream: impl FnOnce(S) -> T) -> Answer<T> {
        match self {
            Self::Stream(body) => Answer::Stream(stream(body)),
            Self::Refused { error, retry_after } => Answer::Refused { error, retry_after },
        }
    }
}

fn to_json(request: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(request).map_err(|error| Failure::new(code::BAD_VALUE, error.to_string()))
}

fn whole(body: Vec<u8>) -> RequestBody {
    Full::from(body).map_err(|never| match never {}).boxed_unsync()
}

fn with_token(
    mut asked: http::Request<RequestBody>,
    token: &Secret,
    target_token: Option<&Secret>,
    kind: &'static str,
) -> Result<http::Request<RequestBody>, Failure> {
    let authorization = secret(&format!("Bearer {}", token.expose()))?;
    let target = target_token.map(|token| secret(token.expose())).transpose()?;
    let headers = asked.headers_mut();
    headers.insert(header::AUTHORIZATION, authorization);
    headers.extend(target.map(|target| (HeaderName::from_static(TARGET_TOKEN_HEADER), target)));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(asked)
}

fn secret(text: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| Failure::new(code::MAY_NOT_MINT, "the API server minted no usable token"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn ask(method: Method, path: &str, body: RequestBody) -> http::Request<RequestBody> {
    let mut request = http::Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap_or_default();
    let agent = concat!("kubectl-netdiag/", env!("CARGO_PKG_VERSION"));
    request.headers_mut().insert(header::HOST, HeaderValue::from_static("localhost"));
    request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static(agent));
    request
}

async fn refused<S>(agent: &Agent, answer: http::Response<Incoming>) -> Result<Answer<S>, Failure> {
    let status = answer.status();
    let header = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let seconds = header.and_then(|value| value.parse().ok()).map(Duration::from_secs);
    let body = body::short(answer.into_body()).await;
    let body = body.map_err(|broken| gone(agent, &broken.to_string()))?;
    let error: ErrorBody = serde_json::from_slice(&body).map_err(|_| {
        nonsense(agent, &format!("status {status} with a body that is none of its own"))
    })?;
    let precise = error.retry_after_ms.map(|ms| Duration::from_millis(ms.into()));
    Ok(Answer::Refused { error, retry_after: precise.or(seconds) })
}

fn is_type(answer: &http::Response<Incoming>, wanted: &str) -> bool {
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.and_then(|kind| kind.split(';').next()).is_some_and(|kind| kind.trim() == wanted)
}

/// ND0006 before the first event.
fn gone(agent: &Agent, why: &str) -> Failure {
    let message = format!("the agent on {} ({}) does not answer: {why}", agent.node, agent.name);
    Failure::new(code::AGENT_ENDED, message)
}

/// ND0007.
pub(crate) fn nonsense(agent: &Agent, what: &str) -> Failure {
    let message = format!("the agent on {} ({}) sent {what}", agent.node, agent.name);
    Failure::new(code::PROTOCOL, message)
}

/// Longest answer that is not a stream.
const MAX_BODY: usize = MAX_LINE_BYTES;

#[cfg(test)]
mod tests;
