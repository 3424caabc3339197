//! One round of one target: every address of a name, begun one after the other, until one is
//! connected (RFC 8305).

use std::{net::SocketAddr, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use netdiag_wire::connect::{ConnectAttempt, ConnectOutcome, ConnectProtocol, ConnectRequest};
use tokio::{net::TcpStream, time::sleep};

use super::{ConnectSockets, banner, datagram, syn, syn::Tried};
use crate::{ProbeError, clock, sys::datagram::Origin};

/// From one address to the next, unless that one failed before (RFC 8305, section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

pub(crate) struct Round<'a> {
    pub(crate) request: &'a ConnectRequest,
    pub(crate) sockets: &'a ConnectSockets,
    pub(crate) target: u16,
    pub(crate) to: Vec<SocketAddr>,
    pub(crate) from: Origin,
}

impl Round<'_> {
    /// Its attempts, the one that decides last.
    pub(super) async fn run(&self, number: u32) -> Result<Vec<ConnectAttempt>, ProbeError> {
        if self.request.protocol == ConnectProtocol::Udp {
            return Ok(vec![self.ask(number).await?]);
        }
        let (mut attempts, stream) = self.connect(number).await?;
        if let (Some(decisive), Some(stream)) = (attempts.last_mut(), stream) {
            let wait = Duration::from_micros(self.request.banner_us.into());
            decisive.outcome = banner::listen(stream, wait).await;
        }
        Ok(attempts)
    }

    /// Its attempts, the one that decides last, and the connection where that was made.
    pub(crate) async fn connect(
        &self,
        number: u32,
    ) -> Result<(Vec<ConnectAttempt>, Option<TcpStream>), ProbeError> {
        let (mut attempts, stream) = self.race(number).await?;
        attempts.sort_by_key(|attempt| weight(&attempt.outcome));
        let count = attempts.len();
        for beside in attempts.iter_mut().take(count.saturating_sub(1)) {
            beside.beside = true;
        }
        Ok((attempts, stream))
    }

    fn wait(&self) -> Duration {
        Duration::from_micros(self.request.wait().into())
    }

    async fn ask(&self, number: u32) -> Result<ConnectAttempt, ProbeError> {
        let remote = self.to[0];
        let asked = datagram::ask(remote, self.from, self.request, self.wait()).await?;
        Ok(ConnectAttempt {
            local: asked.local,
            ..self.attempt(number, remote, asked.took_us, asked.outcome)
        })
    }

    async fn race(
        &self,
        number: u32,
    ) -> Result<(Vec<ConnectAttempt>, Option<TcpStream>), ProbeError> {
        let (mut under_way, mut attempts) = (FuturesUnordered::new(), Vec::new());
        let mut rest = self.to.iter().copied();
        let mut open: Vec<(SocketAddr, tokio::time::Instant)> = Vec::new();
        loop {
            if let Some(remote) = rest.next() {
                open.push((remote, tokio::time::Instant::now()));
                under_way.push(syn::connect(remote, self.from, self.wait(), self.sockets));
            }
            let may_begin = rest.len() > 0;
            tokio::select! {
                Some(tried) = under_way.next() => {
                    let tried: Tried = tried?;
                    open.retain(|(remote, _)| *remote != tried.remote);
                    let is_connected = tried.end.is_ok();
                    if is_connected {
                        under_way.clear();
                        attempts.extend(open.iter().map(|(remote, since)| {
                            let took_us = clock::micros(since.elapsed());
                            self.attempt(number, *remote, took_us, ConnectOutcome::Abandoned)
                        }));
                    }
                    let (attempt, stream) = self.tried(number, tried);
                    attempts.push(attempt);
                    if is_connected || (under_way.is_empty() && rest.len() == 0) {
                        return Ok((attempts, stream));
                    }
                }
                () = sleep(ATTEMPT_DELAY), if may_begin => {}
            }
        }
    }

    fn tried(&self, number: u32, tried: Tried) -> (ConnectAttempt, Option<TcpStream>) {
        let (outcome, stream) = match tried.end {
            Ok(stream) => (ConnectOutcome::Connected { banner: None, closed: false }, Some(stream)),
            Err(outcome) => (outcome, None),
        };
        let attempt = self.attempt(number, tried.remote, tried.took_us, outcome);
        (ConnectAttempt { local: tried.local, mss: tried.mss, ..attempt }, stream)
    }

    fn attempt(
        &self,
        round: u32,
        remote: SocketAddr,
        took_us: u64,
        outcome: ConnectOutcome,
    ) -> ConnectAttempt {
        ConnectAttempt {
            target: self.target,
            round,
            remote,
            local: None,
            took_us,
            mss: None,
            beside: false,
            outcome,
        }
    }
}

/// How much an outcome says of the target.
fn weight(outcome: &ConnectOutcome) -> u8 {
    match outcome {
        ConnectOutcome::Abandoned | ConnectOutcome::Unknown => 0,
        ConnectOutcome::NotSent { .. } => 1,
        ConnectOutcome::Silence { .. } => 2,
        ConnectOutcome::Rejected { .. } => 3,
        ConnectOutcome::Refused { .. } => 4,
        ConnectOutcome::Reset { .. }
        | ConnectOutcome::Intercepted
        | ConnectOutcome::Connected { .. }
        | ConnectOutcome::Replied { .. } => 5,
    }
}
