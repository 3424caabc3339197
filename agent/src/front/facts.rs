//! `POST /v1/facts`: a fixed list, for whoever may send any probe from a pod of this node or from the
//! node; asked of the node at most once in a while, however many ask.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::State,
    http::Request,
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use netdiag_wire::{
    EndReason, ErrorBody, ErrorCode, Event, Line, Source,
    facts::{FactsEvent, FactsRequest, KEPT, NodeFacts},
};
use tokio::{sync::Mutex, time::Instant};
use tokio_util::codec::FramedRead;

use super::{
    Front, api,
    audit::{Outcome, RequestFacts, SourceFacts, Started},
    body,
    broker::Worker,
    form::{Lines, Piece},
    identity::Identity,
    limits::Permit,
    relay, source,
    token::Token,
};
use crate::ipc::{Order, ProbeOrder, WorkerOrder};

pub(crate) const NAME: &str = "facts";
/// kube-proxy has a second to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What was learned last. Who asks while another waits for the node waits along.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Option<(Instant, NodeFacts)>>);

pub(crate) async fn answer(State(front): State<Arc<Front>>, request: Request<Body>) -> Response {
    let mut facts = front.facts(NAME);
    match decide(&front, request, &mut facts).await {
        Ok((right, permit)) => match tell(&front, facts, right).await {
            Ok(known) => {
                drop(permit);
                Json(known).into_response()
            }
            Err(refusal) => api::refusal(&refusal),
        },
        Err(refusal) => {
            front.audit.refused(facts, &refusal);
            api::refusal(&refusal)
        }
    }
}

async fn decide(
    front: &Front,
    request: Request<Body>,
    facts: &mut RequestFacts,
) -> Result<(&'static str, Permit), ErrorBody> {
    let (parts, body) = request.into_parts();
    let token = Token::from_headers(&parts.headers)?;
    let who = front.authenticator.identify(&token).await?;
    facts.name_user(&who);
    let request = body::read::<FactsRequest>(body).await?;
    facts.source = Some(SourceFacts::from(&request.source));
    source::check_names(&request.source).map_err(body::bad)?;
    let permit = front.gate.enter(&who).await?;
    let right = any_right(front, &who, &request.source).await?;
    Ok((right, permit))
}

/// The first right with which the caller may probe from `source`; without any, what the first one
/// was refused with.
async fn any_right(
    front: &Front,
    who: &Identity,
    source: &Source,
) -> Result<&'static str, ErrorBody> {
    let mut refusal = None;
    for right in api::PROBES {
        match front.place(who, &[right], source).await {
            Ok(_) => return Ok(right),
            Err(denied) if denied.code == ErrorCode::Forbidden => {
                refusal.get_or_insert(denied);
            }
            Err(other) => return Err(other),
        }
    }
    Err(refusal.unwrap_or_else(|| ErrorBody::new(ErrorCode::Internal, "no probe is known")))
}

async fn tell(
    front: &Front,
    facts: RequestFacts,
    right: &'static str,
) -> Result<NodeFacts, ErrorBody> {
    let mut started = front.audit.start(facts, vec![right], PATIENCE)?;
    // With the wait for another's turn: whoever asks behind many that fail does not wait for each.
    let told = tokio::time::timeout(PATIENCE, front.kept.get(front, &mut started)).await;
    let told = told.unwrap_or_else(|_| Err(unavailable("does not answer")));
    started.outcome = match &told {
        Ok(_) => Outcome::Ended(EndReason::Completed),
        Err(refusal) => Outcome::Failed(refusal.code),
    };
    told
}

impl Kept {
    async fn get(&self, front: &Front, started: &mut Started) -> Result<NodeFacts, ErrorBody> {
        let mut kept = self.0.lock().await;
        if let Some((at, known)) = &*kept
            && at.elapsed() < KEPT
        {
            return Ok(known.clone());
        }
        let known = ask(front, started).await?;
        *kept = Some((Instant::now(), known.clone()));
        Ok(known)
    }
}

/// A worker in the node's own namespace, wherever the caller may probe from.
async fn ask(front: &Front, started: &mut Started) -> Result<NodeFacts, ErrorBody> {
    let mut worker = front.broker.start(&Order::Node).await?;
    started.netns = worker.netns;
    let order = WorkerOrder {
        deadline_ms: Some(PATIENCE.as_millis() as u64),
        deadline_is_limit: true,
        may_metadata: false,
        // It asks at two fixed ports and nowhere else.
        may_loopback: true,
        is_node: true,
        probe: ProbeOrder::Facts(FactsRequest {}),
    };
    relay::send_order(&mut worker, &order).await?;
    read(worker).await
}

async fn read(worker: Worker) -> Result<NodeFacts, ErrorBody> {
    let Worker { stream, lifeline: _lifeline, .. } = worker;
    let mut pieces = FramedRead::new(stream, Lines::default());
    let Some(Ok(Piece::Event(line))) = pieces.next().await else {
        return Err(unavailable("ended without an answer"));
    };
    match serde_json::from_slice::<Line<FactsEvent>>(&line).map(|line| line.event) {
        Ok(Event::Probe(FactsEvent::Facts(known))) => Ok(known),
        Ok(Event::Error { error }) => Err(error),
        Ok(_) | Err(_) => Err(unavailable("wrote what are no facts")),
    }
}

fn unavailable(what: &str) -> ErrorBody {
    ErrorBody::new(ErrorCode::WorkerDied, format!("the worker that reads the node's facts {what}"))
}
