//! What a server takes: one ClientHello after the other, each with what it did not choose before.

use std::cell::Cell;

use futures_util::future::join_all;
use netdiag_wire::tls::{TlsEnd, TlsTaken};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Duration, Instant},
};

use crate::{
    hello::{self, Answer, Hello, SSL3, TLS10, TLS11, TLS12, TLS13, suites_of},
    names,
};

/// Every version that is asked for, the oldest first.
pub const VERSIONS: [u16; 5] = [SSL3, TLS10, TLS11, TLS12, TLS13];
/// ClientHellos of one version; every suite that has a name is less.
const MAX_HELLOS: u32 = 400;

/// One server, asked again and again.
pub struct Scan<D> {
    /// A new connection, on which TLS is spoken next; none where it was not made.
    pub dial: D,
    pub server_name: Option<String>,
    /// For each answer.
    pub wait: Duration,
}

impl<D> Scan<D> {
    /// All versions at once; `take` gets each as it is done.
    pub async fn run<S>(&self, take: impl Fn(TlsTaken))
    where
        D: AsyncFn() -> Option<S>,
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let all = VERSIONS.map(async |version| take(Version::new(self, version).run().await));
        join_all(all).await;
    }
}

/// One version on its way.
struct Version<'a, D> {
    scan: &'a Scan<D>,
    version: u16,
    hellos: Cell<u32>,
}

impl<'a, D> Version<'a, D> {
    fn new(scan: &'a Scan<D>, version: u16) -> Self {
        Self { scan, version, hellos: Cell::new(0) }
    }

    async fn run<S>(&self) -> TlsTaken
    where
        D: AsyncFn() -> Option<S>,
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut taken =
            TlsTaken { version: names::version(self.version).into(), ..TlsTaken::default() };
        let (mut left, mut chosen, mut groups) = (suites_of(self.version), Vec::new(), Vec::new());
        let end = loop {
            match self.ask(&left, &all_groups()).await {
                Ok(answer) => {
                    left.retain(|suite| *suite != answer.suite);
                    chosen.push(answer.suite);
                    note(&mut taken, &mut groups, &answer);
                }
                Err(end) => break end,
            }
        };
        match chosen.is_empty() {
            true => taken.refused = Some(end),
            false => taken.cut = !is_refusal(&end) && !left.is_empty(),
        }
        if let [first, second, ..] = chosen[..] {
            let turned = self.ask(&[second, first], &all_groups()).await;
            taken.own_order = turned.ok().map(|answer| answer.suite == first);
        }
        self.groups(&chosen, &mut groups).await;
        taken.suites = chosen.iter().map(|suite| names::cipher_suite(*suite).into()).collect();
        taken.groups = groups.iter().map(|group| names::group(*group).into()).collect();
        taken.hellos = self.hellos.get();
        taken
    }

    /// Those that are left when the ones known are not offered.
    async fn groups<S>(&self, chosen: &[u16], known: &mut Vec<u16>)
    where
        D: AsyncFn() -> Option<S>,
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let exchanges = |suite: &u16| {
            let name = names::cipher_suite(*suite);
            self.version == TLS13
                || name.starts_with("TLS_ECDHE")
                || name.starts_with("TLS_ECDH_anon")
        };
        let suites: Vec<u16> = chosen.iter().copied().filter(exchanges).collect();
        if suites.is_empty() {
            return;
        }
        // From the beginning, so that they are in the order of the server's choosing.
        known.clear();
        loop {
            let left: Vec<u16> =
                all_groups().into_iter().filter(|group| !known.contains(group)).collect();
            let answer = self.ask(&suites, &left).await;
            match answer.ok().and_then(|answer| answer.group) {
                Some(group) if left.contains(&group) => known.push(group),
                Some(_) | None => return,
            }
        }
    }

    /// An answer of this very version, with one of these suites.
    async fn ask<S>(&self, suites: &[u16], groups: &[u16]) -> Result<Answer, TlsEnd>
    where
        D: AsyncFn() -> Option<S>,
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let chose = |what: String| Err(TlsEnd::Incompatible { why: what.into() });
        if suites.is_empty() || groups.is_empty() || self.hellos.get() >= MAX_HELLOS {
            return chose("nothing was left to offer".into());
        }
        self.hellos.set(self.hellos.get() + 1);
        let until = Instant::now() + self.scan.wait;
        let stream = (self.scan.dial)().await.ok_or(TlsEnd::Silence)?;
        let hello = Hello {
            version: self.version,
            suites: suites.to_vec(),
            groups: groups.to_vec(),
            server_name: self.scan.server_name.clone(),
        };
        let answer = hello::ask(stream, &hello, until).await?;
        match answer.version == self.version && suites.contains(&answer.suite) {
            true => Ok(answer),
            false => chose(format!("chose {}", names::version(answer.version))),
        }
    }
}

fn all_groups() -> Vec<u16> {
    names::GROUPS.iter().map(|(number, _)| *number).collect()
}

/// Whether it is how servers say no, and not a connection that failed.
fn is_refusal(end: &TlsEnd) -> bool {
    !matches!(end, TlsEnd::Silence | TlsEnd::Misbehaved { .. } | TlsEnd::PlainText { .. })
}

fn note(taken: &mut TlsTaken, groups: &mut Vec<u16>, answer: &Answer) {
    taken.compresses |= answer.compresses;
    if let Some(bits) = answer.dh_bits {
        taken.dh_bits = Some(taken.dh_bits.map_or(bits, |least| least.min(bits)));
    }
    if let Some(group) = answer.group
        && !groups.contains(&group)
    {
        groups.push(group);
    }
}
