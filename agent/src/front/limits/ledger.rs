//! Who holds and who waits; decides without waiting itself.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    time::{Duration, Instant},
};

use super::Bucket;
use crate::front::{config::Limits, identity::Identity};

/// Most requests of one ServiceAccount that wait, so that a crowd of one leaves connections to
/// others: of 64 it has 32 that run and these, and 20 more may wait for a TokenReview.
const MAX_WAITING: usize = 8;
/// Accounts remembered for their rate alone; beyond that the idle ones are forgotten.
const MAX_IDLE: usize = 256;

/// Whose probe it is, as far as limits go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Caller {
    account: String,
    token: String,
}

impl From<&Identity> for Caller {
    fn from(who: &Identity) -> Self {
        // API servers before 1.32 name no credential: there a token counts as its account.
        let token = who.credential_id().unwrap_or(&who.username);
        Self { account: who.username.clone(), token: token.into() }
    }
}

/// Which limit a request met.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Full {
    #[error("{0} probes of this token run already, which is the most")]
    Token(usize),
    #[error("{0} probes of this ServiceAccount run already, which is the most")]
    Account(usize),
    #[error("{0} probes run on this agent already, which is the most")]
    Agent(usize),
    #[error("{0} requests of this ServiceAccount wait already, which is the most")]
    Queue(usize),
    #[error("more than {a_second} requests a second of this ServiceAccount")]
    Rate { a_second: NonZeroU32, retry_after: Duration },
}

#[derive(Debug)]
pub(super) struct Ledger {
    limits: Limits,
    running: usize,
    tokens: HashMap<String, usize>,
    accounts: HashMap<String, Account>,
}

#[derive(Debug)]
struct Account {
    running: usize,
    waiting: usize,
    bucket: Bucket,
}

impl Ledger {
    pub(super) fn new(limits: &Limits) -> Self {
        let limits = limits.clone();
        Self { limits, running: 0, tokens: HashMap::new(), accounts: HashMap::new() }
    }

    /// Counts the request against its account's rate; how long it must wait for that.
    pub(super) fn book(
        &mut self,
        caller: &Caller,
        now: Instant,
        patience: Duration,
    ) -> Result<Duration, Full> {
        if self.accounts.len() > MAX_IDLE {
            self.accounts.retain(|_, account| !account.is_idle() || !account.bucket.is_full(now));
        }
        let a_second = self.limits.rate;
        let booked = self.account(caller).bucket.book(now, patience);
        booked.map_err(|retry_after| Full::Rate { a_second, retry_after })
    }

    pub(super) fn queue(&mut self, caller: &Caller) -> Result<(), Full> {
        let account = self.account(caller);
        if account.waiting >= MAX_WAITING {
            return Err(Full::Queue(MAX_WAITING));
        }
        account.waiting += 1;
        Ok(())
    }

    pub(super) fn unqueue(&mut self, caller: &Caller) {
        self.account(caller).waiting -= 1;
    }

    /// Takes one of each, or nothing.
    pub(super) fn admit(&mut self, caller: &Caller) -> Result<(), Full> {
        let [agent, account, token] =
            [self.limits.max_running, self.limits.max_per_account, self.limits.max_per_token]
                .map(|limit| limit.get());
        if self.running >= agent {
            return Err(Full::Agent(agent));
        }
        if self.account(caller).running >= account {
            return Err(Full::Account(account));
        }
        let of_token = self.tokens.entry(caller.token.clone()).or_default();
        if *of_token >= token {
            return Err(Full::Token(token));
        }
        *of_token += 1;
        self.account(caller).running += 1;
        self.running += 1;
        Ok(())
    }

    pub(super) fn release(&mut self, caller: &Caller) {
        self.running -= 1;
        self.account(caller).running -= 1;
        if let Some(of_token) = self.tokens.get_mut(&caller.token) {
            *of_token -= 1;
        }
        self.tokens.retain(|_, running| *running > 0);
    }

    fn account(&mut self, caller: &Caller) -> &mut Account {
        let Limits { rate, burst, .. } = self.limits;
        self.accounts.entry(caller.account.clone()).or_insert_with(|| Account {
            running: 0,
            waiting: 0,
            bucket: Bucket::new(rate, burst),
        })
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.running == 0 && self.tokens.is_empty() && self.accounts.values().all(Account::is_idle)
    }
}

impl Account {
    fn is_idle(&self) -> bool {
        self.running == 0 && self.waiting == 0
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use proptest::prelude::*;

    use super::*;

    #[derive(Parser)]
    struct Defaults {
        #[command(flatten)]
        limits: Limits,
    }

    fn ledger() -> Ledger {
        Ledger::new(&Defaults::parse_from(["front"]).limits)
    }

    fn caller(account: usize, token: usize) -> Caller {
        Caller { account: format!("account-{account}"), token: format!("{account}-{token}") }
    }

    #[test]
    fn the_defaults_are_those_of_the_architecture() {
        let mut ledger = ledger();
        let one_token: Vec<_> = (0..9).map(|_| ledger.admit(&caller(0, 0))).collect();
        assert_eq!(one_token.iter().filter(|admitted| admitted.is_ok()).count(), 8);
        assert_eq!(one_token[8], Err(Full::Token(8)));
        for n in 8..32 {
            assert_eq!(ledger.admit(&caller(0, n)), Ok(()));
        }
        assert_eq!(ledger.admit(&caller(0, 99)), Err(Full::Account(32)));
        for n in 0..18 {
            assert_eq!(ledger.admit(&caller(1, n)), Ok(()));
        }
        assert_eq!(ledger.admit(&caller(2, 0)), Err(Full::Agent(50)));
    }

    #[test]
    fn a_crowd_of_one_account_may_not_all_wait() {
        let mut ledger = ledger();
        for _ in 0..MAX_WAITING {
            assert_eq!(ledger.queue(&caller(0, 0)), Ok(()));
        }
        assert_eq!(ledger.queue(&caller(0, 1)), Err(Full::Queue(MAX_WAITING)));
        assert_eq!(ledger.queue(&caller(1, 0)), Ok(()));
    }

    proptest! {
        #[test]
        fn bounds_hold_and_nothing_leaks(steps in prop::collection::vec((0..4usize, 0..6usize, any::<bool>()), 0..400)) {
            let mut ledger = ledger();
            let mut held: Vec<Caller> = Vec::new();
            for (account, token, enter) in steps {
                let asked = caller(account, token);
                match enter {
                    true => held.extend(ledger.admit(&asked).is_ok().then(|| asked.clone())),
                    false => if let Some(at) = held.iter().position(|one| *one == asked) {
                        ledger.release(&held.swap_remove(at));
                    },
                }
                let of_account = held.iter().filter(|one| one.account == asked.account).count();
                let of_token = held.iter().filter(|one| **one == asked).count();
                prop_assert_eq!(ledger.running, held.len());
                prop_assert!(held.len() <= 50);
                prop_assert!(of_account <= 32);
                prop_assert!(of_token <= 8);
            }
            held.iter().for_each(|caller| ledger.release(caller));
            prop_assert!(ledger.is_empty());
        }
    }
}
