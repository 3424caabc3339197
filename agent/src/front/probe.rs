//! One probe's way through front: who, what, whether, where; then the worker has it.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, Request},
    response::{IntoResponse, Response},
};
use netdiag_wire::{EndReason, ErrorBody, ErrorCode, MissingRight, Source, Untrusted};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Front,
    audit::{Outcome, RequestFacts, SourceFacts, Started},
    authorize::Right,
    body::{self, Upload},
    broker::Worker,
    form::Form,
    identity::Identity,
    limits::Permit,
    place::Place,
    relay::{self, Relay},
    source,
    token::Token,
};
use crate::ipc::{Order, ProbeOrder, WorkerOrder};

/// A probe as front knows it: enough to check, allow and pass it on.
pub(crate) trait Probe: DeserializeOwned + Send + 'static {
    /// The right.
    const NAME: &str;
    /// Behind `/v1/`.
    const PATH: &str = Self::NAME;
    type Event: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The first value out of its bounds, by field.
    fn check(&self) -> Result<(), String>;
    /// Rights that these values need besides the probe's own.
    fn further_rights(&self) -> &'static [&'static str];
    /// Leaves out what a missing right is for; false where nothing would be left of the probe.
    fn waive(&mut self, _: &MissingRight) -> bool {
        false
    }
    /// What is said of a right that was waived.
    fn skipped(_: MissingRight) -> Option<Self::Event> {
        None
    }
    /// For the audit line.
    fn targets(&self) -> Vec<Untrusted>;
    /// Whether this is an event of this version, and not what a worker made up.
    fn is_known(event: &Self::Event) -> bool;
    fn into_order(self) -> ProbeOrder;

    /// What is left to decide once the caller may probe from the source.
    fn settle(
        self,
        _: &Front,
        _: &HeaderMap,
        _: &mut RequestFacts,
    ) -> impl Future<Output = Result<Settled, ErrorBody>> + Send {
        async { Ok(Settled { order: self.into_order(), slow_lane: None }) }
    }
}

/// What the worker is told, and what is held while it runs.
pub(crate) struct Settled {
    pub(crate) order: ProbeOrder,
    pub(crate) slow_lane: Option<OwnedSemaphorePermit>,
}

/// All that is decided before anything is started.
struct Allowed {
    who: Arc<Identity>,
    rights: Vec<&'static str>,
    order: Order,
    deadline: Deadline,
    may_metadata: bool,
    may_loopback: bool,
    probe: ProbeOrder,
    permit: Permit,
    /// Of a byte stream.
    upload: Option<Upload>,
    /// What the probe goes on without.
    skipped: Option<MissingRight>,
}

/// Where, and with which rights.
struct Granted {
    rights: Vec<&'static str>,
    place: Place,
    skipped: Option<MissingRight>,
}

/// When the probe ends at the latest, and whose wish that is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Deadline {
    pub(crate) after: Duration,
    pub(crate) reason: EndReason,
}

/// Answers `POST /v1/<probe>`.
pub(crate) async fn answer<P: Probe, F: Form>(
    State(front): State<Arc<Front>>,
    request: Request<Body>,
) -> Response {
    let mut facts = front.facts(P::NAME);
    let allowed = match decide::<P, F>(&front, request, &mut facts).await {
        Ok(allowed) => allowed,
        Err(refusal) => {
            front.audit.refused(facts, &refusal);
            return super::api::refusal(&refusal);
        }
    };
    let granted = allowed.rights.clone();
    let started = front.audit.start(facts.clone(), granted, allowed.deadline.after);
    let launched = match started {
        Ok(started) => launch::<P, F>(&front, allowed, facts, started).await,
        Err(refusal) => Err(refusal),
    };
    launched.map_or_else(|refusal| super::api::refusal(&refusal), IntoResponse::into_response)
}

async fn decide<P: Probe, F: Form>(
    front: &Front,
    request: Request<Body>,
    facts: &mut RequestFacts,
) -> Result<Allowed, ErrorBody> {
    let (parts, body) = request.into_parts();
    let token = Token::from_headers(&parts.headers)?;
    let who = front.authenticator.identify(&token).await?;
    facts.name_user(&who);

    let (mut request, upload) = F::read::<P>(body).await?;
    facts.claimed_user_unverified = request.claimed_user.as_deref().map(Into::into);
    facts.targets = request.probe.targets();
    facts.source = Some(SourceFacts::from(&request.source));
    source::check_names(&request.source).map_err(body::bad)?;
    check_claim(request.claimed_user.as_deref())?;
    request.probe.check().map_err(|message| body::bad(format!("probe.{message}")))?;
    if front.draining.is_cancelled() {
        return Err(ErrorBody::new(ErrorCode::Unavailable, "the agent is ending"));
    }

    let mut permit = front.gate.enter(&who).await?;
    let granted = grant(front, &who, &mut request.probe, &request.source).await?;
    let Granted { rights, place, skipped } = granted;
    if let (Some(source), Order::Pod { uid, .. }) = (&mut facts.source, &place.order) {
        source.uid = Some(uid.clone());
    }
    let Place { order, may_metadata, may_loopback } = place;
    let deadline = Deadline::of(request.deadline_ms.map(Into::into), front.limits.max_duration);
    let Settled { order: probe, slow_lane } =
        request.probe.settle(front, &parts.headers, facts).await?;
    permit.keep(slow_lane);
    Ok(Allowed {
        who,
        rights,
        order,
        deadline,
        may_metadata,
        may_loopback,
        probe,
        permit,
        upload,
        skipped,
    })
}

/// With every right that the probe asks for, or once more without one that it can do without.
async fn grant<P: Probe>(
    front: &Front,
    who: &Identity,
    probe: &mut P,
    source: &Source,
) -> Result<Granted, ErrorBody> {
    let needed = |probe: &P| [&[P::NAME], probe.further_rights()].concat();
    let rights = needed(probe);
    let refusal = match front.place(who, &rights, source).await {
        Ok(place) => return Ok(Granted { rights, place, skipped: None }),
        Err(refusal) => refusal,
    };
    let skipped = refusal.missing.clone().filter(|missing| probe.waive(missing));
    if skipped.is_none() {
        return Err(refusal);
    }
    let rights = needed(probe);
    let place = front.place(who, &rights, source).await?;
    Ok(Granted { rights, place, skipped })
}

/// It only goes to the audit line, and so may not fill it.
fn check_claim(user: Option<&str>) -> Result<(), ErrorBody> {
    const MAX_BYTES: usize = 253;
    match user {
        Some(user) if user.len() > MAX_BYTES => {
            let message = format!("claimedUser: {} bytes, must be at most {MAX_BYTES}", user.len());
            Err(body::bad(message))
        }
        Some(_) | None => Ok(()),
    }
}

/// From here on the start line is written, and `started` writes the end line.
async fn launch<P: Probe, F: Form>(
    front: &Arc<Front>,
    mut allowed: Allowed,
    facts: RequestFacts,
    mut started: Started,
) -> Result<Response, ErrorBody> {
    let worker = match start_worker(front, &mut allowed).await {
        Ok(worker) => worker,
        Err(refusal) => {
            started.outcome = Outcome::Failed(refusal.code);
            return Err(refusal);
        }
    };
    started.netns = worker.netns;
    let relay = Relay {
        accepted: front.accepted(facts.probe_id),
        user: allowed.who.username.as_str().into(),
        deadline: allowed.deadline,
        draining: front.draining.clone(),
        permit: allowed.permit,
        upload: allowed.upload,
        skipped: allowed.skipped,
        started,
    };
    Ok(relay::response::<P, F>(relay, worker))
}

async fn start_worker(front: &Front, allowed: &mut Allowed) -> Result<Worker, ErrorBody> {
    let mut worker = front.broker.start(&allowed.order).await?;
    let by_pod = matches!(allowed.order, Order::Pod { .. });
    if worker.is_node && by_pod {
        // The API object may not say hostNetwork and yet the namespace is the node's: what the
        // kernel compared decides.
        front.require_node(&allowed.who, &allowed.rights).await?;
        let loopback = Right::Destination("loopback");
        allowed.may_loopback = front.authorizer.allows(&allowed.who, loopback).await?;
    }
    let order = WorkerOrder {
        deadline_ms: Some(allowed.deadline.after.as_millis() as u64),
        deadline_is_limit: allowed.deadline.reason == EndReason::Limit,
        may_metadata: allowed.may_metadata,
        may_loopback: allowed.may_loopback,
        is_node: worker.is_node,
        probe: allowed.probe.clone(),
    };
    relay::send_order(&mut worker, &order).await?;
    Ok(worker)
}

impl Deadline {
    fn of(asked_ms: Option<u64>, limit: Duration) -> Self {
        match asked_ms.map(Duration::from_millis) {
            Some(after) if after <= limit => Self { after, reason: EndReason::Deadline },
            _ => Self { after: limit, reason: EndReason::Limit },
        }
    }
}

impl From<&Source> for SourceFacts {
    fn from(source: &Source) -> Self {
        match source {
            Source::Pod { namespace, name, .. } => Self {
                kind: "pod",
                namespace: Some(namespace.as_str().into()),
                name: name.as_str().into(),
                uid: None,
            },
            Source::Node { name } => {
                Self { kind: "node", name: name.as_str().into(), ..Self::default() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_of_wish_and_limit_holds() {
        let limit = Duration::from_secs(3600);
        let deadline = |asked| {
            let deadline = Deadline::of(asked, limit);
            (deadline.after.as_millis(), deadline.reason)
        };
        assert_eq!(deadline(None), (3_600_000, EndReason::Limit));
        assert_eq!(deadline(Some(5_000)), (5_000, EndReason::Deadline));
        assert_eq!(deadline(Some(3_600_000)), (3_600_000, EndReason::Deadline));
        assert_eq!(deadline(Some(u64::MAX)), (3_600_000, EndReason::Limit));
    }
}
