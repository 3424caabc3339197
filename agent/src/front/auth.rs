//! Who the caller is: TokenReview with this agent's own audience, remembered for seconds.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::TokenReviewStatus;
use netdiag_wire::{ErrorBody, ErrorCode};

use super::{
    apiserver::ApiServer,
    cache::Cache,
    identity::Identity,
    limits::Bucket,
    token::{ShapeError, Token},
};

/// A revoked token works this much longer at most.
const KEEP_ACCEPTED: Duration = Duration::from_secs(10);
const KEEP_REFUSED: Duration = Duration::from_secs(5);
/// Most TokenReviews a second, whoever asks.
const REVIEWS_A_SECOND: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// Shorter than that of known callers: who waits here holds a connection and may be anybody.
const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) struct Authenticator {
    api: ApiServer,
    audience: String,
    known: Mutex<Cache<Token, Option<Arc<Identity>>>>,
    reviews: Mutex<Bucket>,
    /// Held while a token is reviewed: a crowd with one token costs one review, not everybody's.
    turns: Mutex<HashMap<Token, Weak<tokio::sync::Mutex<()>>>>,
}

impl Authenticator {
    pub(crate) fn new(api: ApiServer, audience: String) -> Self {
        let reviews = Mutex::new(Bucket::new(REVIEWS_A_SECOND, REVIEWS_A_SECOND));
        let known = Mutex::new(Cache::new());
        Self { api, audience, known, reviews, turns: Mutex::new(HashMap::new()) }
    }

    pub(crate) async fn identify(&self, token: &Token) -> Result<Arc<Identity>, ErrorBody> {
        token.check_shape(&self.audience, Timestamp::now())?;
        let identity = self.judgement(token).await?;
        identity.ok_or_else(|| {
            let message = "the API server does not accept this token for this agent";
            ErrorBody::new(ErrorCode::Unauthenticated, message)
        })
    }

    async fn judgement(&self, token: &Token) -> Result<Option<Arc<Identity>>, ErrorBody> {
        if let Some(known) = self.known_of(token) {
            return Ok(known);
        }
        let turn = self.turn(token);
        let _reviewing = turn.lock().await;
        match self.known_of(token) {
            Some(known) => Ok(known),
            None => self.review(token).await,
        }
    }

    fn known_of(&self, token: &Token) -> Option<Option<Arc<Identity>>> {
        self.known().get(token, Instant::now())
    }

    fn turn(&self, token: &Token) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        turns.get(token).and_then(Weak::upgrade).unwrap_or_else(|| {
            let turn = Arc::default();
            turns.insert(token.clone(), Arc::downgrade(&turn));
            turn
        })
    }

    /// Wipes tokens whose decision is past; callers may not come again to do it.
    pub(crate) fn forget_past(&self) {
        self.known().forget_past(Instant::now());
    }

    async fn review(&self, token: &Token) -> Result<Option<Arc<Identity>>, ErrorBody> {
        let booked = {
            let mut reviews = self.reviews.lock().unwrap_or_else(PoisonError::into_inner);
            reviews.book(Instant::now(), PATIENCE)
        };
        let delay = booked.map_err(|retry_after| {
            let message = format!("more than {REVIEWS_A_SECOND} tokens a second to review");
            let retry_after_ms = Some(retry_after.as_millis() as u32);
            ErrorBody { retry_after_ms, ..ErrorBody::new(ErrorCode::TooMany, message) }
        })?;
        tokio::time::sleep(delay).await;
        let status = self.api.review_token(token.expose(), &self.audience).await?;
        let identity = judge(status, &self.audience).map(Arc::new);
        let keep = if identity.is_some() { KEEP_ACCEPTED } else { KEEP_REFUSED };
        self.known().put(token.clone(), identity.clone(), Instant::now(), keep);
        Ok(identity)
    }

    fn known(&self) -> MutexGuard<'_, Cache<Token, Option<Arc<Identity>>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Authenticated is not enough: an authenticator that knows no audiences says yes to any.
fn judge(status: TokenReviewStatus, audience: &str) -> Option<Identity> {
    let is_ours = status.audiences?.iter().any(|one| one == audience);
    let identity = Identity::from(status.user?);
    let is_somebody = status.authenticated == Some(true) && !identity.username.is_empty();
    (is_ours && is_somebody && status.error.is_none_or(|error| error.is_empty()))
        .then_some(identity)
}

impl From<ShapeError> for ErrorBody {
    fn from(error: ShapeError) -> Self {
        Self::new(ErrorCode::Unauthenticated, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_an_authenticated_user_with_our_audience_passes() {
        let user = json!({"username": "system:serviceaccount:shop:netdiag-user"});
        let table = [
            (json!({"authenticated": true, "audiences": ["own"], "user": user}), true),
            (json!({"authenticated": true, "audiences": ["own", "x"], "user": user}), true),
            (json!({"authenticated": true, "audiences": ["other"], "user": user}), false),
            (json!({"authenticated": true, "audiences": [], "user": user}), false),
            (json!({"authenticated": true, "user": user}), false),
            (json!({"authenticated": false, "audiences": ["own"], "user": user}), false),
            (json!({"audiences": ["own"], "user": user}), false),
            (json!({"authenticated": true, "audiences": ["own"]}), false),
            (json!({"authenticated": true, "audiences": ["own"], "user": {"username": ""}}), false),
            (
                json!({"authenticated": true, "audiences": ["own"], "user": user, "error": "x"}),
                false,
            ),
            (json!({}), false),
        ];
        for (status, passes) in table {
            let judged = judge(serde_json::from_value(status.clone()).unwrap(), "own");
            assert_eq!(judged.is_some(), passes, "{status}");
        }
    }
}
