//! How many probes run at once: a permit per probe, given back when it is dropped.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use netdiag_wire::{ErrorBody, ErrorCode};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

mod bucket;
mod ledger;

pub(crate) use bucket::Bucket;
use ledger::{Caller, Full, Ledger};

use super::{config::Limits, identity::Identity};

/// Longest time that a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where every request passes before anything is asked or started for it.
pub(crate) struct Gate {
    ledger: Mutex<Ledger>,
    freed: Notify,
    /// Of scans that are held to a rate, one at a time has all of it.
    slow_lane: Arc<Semaphore>,
}

/// The right to run one probe.
pub(crate) struct Permit {
    gate: Arc<Gate>,
    caller: Caller,
    _slow_lane: Option<OwnedSemaphorePermit>,
}

/// A request's place in the queue, given back also when the client hangs up.
struct Place<'a> {
    gate: &'a Gate,
    caller: &'a Caller,
}

impl Gate {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            ledger: Mutex::new(Ledger::new(limits)),
            freed: Notify::new(),
            slow_lane: Arc::new(Semaphore::new(1)),
        })
    }

    /// Waits up to [`PATIENCE`] for its turn.
    pub(crate) async fn enter(self: &Arc<Self>, who: &Identity) -> Result<Permit, ErrorBody> {
        let caller = Caller::from(who);
        let arrived = Instant::now();
        let delay = self.ledger().book(&caller, arrived.into_std(), PATIENCE);
        let delay = delay.map_err(|full| full.refusal())?;
        if delay.is_zero() && self.ledger().admit(&caller).is_ok() {
            return Ok(self.permit(caller));
        }
        let place = self.queue(&caller).map_err(|full| full.refusal())?;
        tokio::time::sleep(delay).await;
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            let Err(full) = self.ledger().admit(&caller) else { break };
            let waited = tokio::time::timeout_at(arrived + PATIENCE, freed).await;
            waited.map_err(|_| full.refusal())?;
        }
        drop(place);
        Ok(self.permit(caller))
    }

    /// The slow lane, until it is dropped; waits for it as [`Self::enter`] does.
    pub(crate) async fn slow_lane(&self) -> Result<OwnedSemaphorePermit, ErrorBody> {
        let turn = tokio::time::timeout(PATIENCE, self.slow_lane.clone().acquire_owned()).await;
        turn.ok().and_then(Result::ok).ok_or_else(|| {
            let message = "another scan that is held to limits.scan runs on this agent: one at a \
                           time has the whole rate";
            let retry_after_ms = Some(1_000);
            ErrorBody { retry_after_ms, ..ErrorBody::new(ErrorCode::TooMany, message) }
        })
    }

    fn permit(self: &Arc<Self>, caller: Caller) -> Permit {
        Permit { gate: self.clone(), caller, _slow_lane: None }
    }

    fn queue<'a>(&'a self, caller: &'a Caller) -> Result<Place<'a>, Full> {
        self.ledger().queue(caller)?;
        Ok(Place { gate: self, caller })
    }

    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Keeps the slow lane as long as the probe runs.
    pub(crate) fn keep(&mut self, slow_lane: Option<OwnedSemaphorePermit>) {
        self._slow_lane = slow_lane;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.ledger().release(&self.caller);
        self.gate.freed.notify_waiters();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.gate.ledger().unqueue(self.caller);
    }
}

impl Full {
    fn refusal(self) -> ErrorBody {
        let mut body = ErrorBody::new(ErrorCode::TooMany, self.to_string());
        body.retry_after_ms = Some(match self {
            Self::Rate { retry_after, .. } => retry_after.as_millis() as u32,
            Self::Token(_) | Self::Account(_) | Self::Agent(_) | Self::Queue(_) => 1_000,
        });
        body
    }
}

#[cfg(test)]
mod cancelled;
#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        let [one, two] = [1, 2].map(|n| std::num::NonZeroUsize::new(n).unwrap());
        Limits {
            scan: crate::front::config::ScanLimits::of_the_chart(),
            max_running: two,
            max_per_token: one,
            max_per_account: two,
            rate: 20.try_into().unwrap(),
            burst: 60.try_into().unwrap(),
            max_duration: Duration::from_secs(3600),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_token_waits_two_seconds_and_is_told_when_to_come_back() {
        let gate = Gate::new(&limits());
        let alice = Identity::named("system:serviceaccount:shop:netdiag-user", "JTI=1");
        let held = gate.enter(&alice).await.unwrap();

        let asked = Instant::now();
        let refusal = gate.enter(&alice).await.err().unwrap();

        assert_eq!(asked.elapsed(), PATIENCE);
        assert_eq!((refusal.code, refusal.retry_after_ms), (ErrorCode::TooMany, Some(1_000)));
        drop(held);
        assert!(gate.enter(&alice).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_that_fits_does_not_wait_in_line() {
        let many = std::num::NonZeroUsize::new(32).unwrap();
        let gate = Gate::new(&Limits { max_running: many, max_per_account: many, ..limits() });
        let asked = Instant::now();
        let tokens = (0..32).map(|n| Identity::named("system:serviceaccount:a:b", &format!("{n}")));
        let tokens: Vec<_> = tokens.collect();
        let entered =
            futures_util::future::join_all(tokens.iter().map(|one| gate.enter(one))).await;
        assert!(entered.iter().all(Result::is_ok));
        assert_eq!(asked.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_slow_lane_is_one_scans_at_a_time() {
        let gate = Gate::new(&limits());
        let alice = Identity::named("system:serviceaccount:shop:netdiag-user", "JTI=1");
        let mut permit = gate.enter(&alice).await.unwrap();
        permit.keep(Some(gate.slow_lane().await.unwrap()));

        let asked = Instant::now();
        let refusal = gate.slow_lane().await.err().unwrap();
        assert_eq!(asked.elapsed(), PATIENCE);
        assert_eq!((refusal.code, refusal.retry_after_ms), (ErrorCode::TooMany, Some(1_000)));
        drop(permit);
        assert!(gate.slow_lane().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_freed_place_is_taken_at_once() {
        let gate = Gate::new(&limits());
        let alice = Identity::named("system:serviceaccount:shop:netdiag-user", "JTI=1");
        let held = gate.enter(&alice).await.unwrap();
        let asked = Instant::now();

        let (next, ()) = tokio::join!(gate.enter(&alice), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            drop(held);
        });

        assert!(next.is_ok());
        assert_eq!(asked.elapsed(), Duration::from_millis(300));
    }

    #[tokio::test(start_paused = true)]
    async fn who_hangs_up_while_waiting_leaves_nothing() {
        let gate = Gate::new(&limits());
        let alice = Identity::named("system:serviceaccount:shop:netdiag-user", "JTI=1");
        let held = gate.enter(&alice).await.unwrap();
        let impatient = tokio::time::timeout(Duration::from_millis(10), gate.enter(&alice)).await;
        assert!(impatient.is_err());
        drop(held);
        assert!(gate.ledger().is_empty());
    }
}
