//! `cert --compare TARGET`: is what a server shows in a handshake what CERT holds?

use std::time::Duration;

use jiff::Timestamp;
use netdiag_wire::{
    EndReason,
    tls::{TlsEvent, TlsRequest},
};
use serde::Serialize;

use super::Judged;
use crate::{
    args::{KubeFlags, ProbeArgs, SourceFlags, Target, TlsArgs},
    certificates::{self, Certificate},
    finding::{Failure, Severity},
    probe::{self, Conclusion, Ends, Probe},
    render,
    session::{Session, Stopped},
    tls::Tls,
};

mod started;
mod verdict;

/// What is compared with what.
struct Question<'a> {
    tls: TlsArgs,
    held: &'a Judged,
}

impl ProbeArgs for Question<'_> {
    fn source(&self) -> &SourceFlags {
        self.tls.source()
    }

    fn kube(&self) -> &KubeFlags {
        self.tls.kube()
    }

    fn target(&self) -> Result<Target, Failure> {
        self.tls.target()
    }

    fn deadline(&self) -> Option<Duration> {
        self.tls.deadline()
    }
}

/// How the two stand to each other, by the bytes of the certificates.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Outcome {
    Same,
    /// The server's own certificate is the same, those behind it are not.
    OtherChain,
    OtherCertificate,
}

impl Outcome {
    fn of(held: &[Certificate], served: &[Certificate]) -> Self {
        let same = |(one, other): (&Certificate, &Certificate)| one.der == other.der;
        let mut both = held.iter().zip(served);
        if !both.next().is_some_and(same) {
            return Self::OtherCertificate;
        }
        match both.all(same) && held.len() == served.len() {
            true => Self::Same,
            false => Self::OtherChain,
        }
    }
}

/// Part of `-o json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Compared<'a> {
    outcome: Outcome,
    served: Vec<certificates::Entry<'a>>,
}

/// The handshake is `tls`'s own; only what it means is another question.
struct Compare<'a> {
    tls: Tls<'a>,
    held: &'a Judged,
}

pub(super) async fn run(
    tls: TlsArgs,
    held: &Judged,
    session: &mut Session<'_>,
) -> Result<Severity, Stopped> {
    probe::run::<Compare<'_>>(&Question { tls, held }, session).await
}

impl<'a> Probe<'a> for Compare<'a> {
    const NAME: &'static str = Tls::NAME;
    const KIND: &'static str = "CertReport";
    type Args = Question<'a>;
    type Request = TlsRequest;
    type Event = TlsEvent;

    async fn begin(args: &'a Question<'a>, ends: &mut Ends<'_>) -> Result<Self, Failure> {
        Ok(Self { tls: Tls::begin(&args.tls, ends).await?, held: args.held })
    }

    fn request(&self) -> &TlsRequest {
        self.tls.request()
    }

    async fn take(
        &mut self,
        ends: &mut Ends<'_>,
        event: TlsEvent,
        at: Timestamp,
        session: &mut Session<'_>,
    ) -> Result<(), Stopped> {
        self.tls.take(ends, event, at, session).await
    }

    fn progress(&self) -> String {
        self.tls.progress()
    }

    async fn conclude(
        self,
        ends: &Ends<'_>,
        ended: Option<EndReason>,
        session: &mut Session<'_>,
    ) -> Result<Conclusion, Stopped> {
        let served = self.tls.served();
        if served.is_empty() {
            return self.tls.conclude(ends, ended, session).await;
        }
        let held = self.held;
        self.show(&served, session)?;
        let outcome = Outcome::of(&held.chain, &served);
        let started = match outcome {
            Outcome::OtherCertificate => started::last(ends).await,
            Outcome::Same | Outcome::OtherChain => None,
        };
        let findings = verdict::findings(held, &served, (outcome, started));
        let (findings, report) = self.tls.around(ends, ended, findings);
        let served = served.iter().map(Certificate::entry).collect();
        let parts = vec![
            probe::part("cert", &held.report())?,
            probe::part("compared", &Compared { outcome, served })?,
            probe::part("tls", &report)?,
        ];
        Ok(Conclusion { findings, parts })
    }
}

impl Compare<'_> {
    fn show(&self, served: &[Certificate], session: &mut Session<'_>) -> Result<(), Stopped> {
        let (out, screen) = (&mut *session.out, &session.screen);
        if !screen.shows_evidence() {
            return Ok(());
        }
        writeln!(out, "{}", screen.safe(&self.held.head()))?;
        render::table(out, screen, &verdict::table(&self.held.chain, served))?;
        Ok(())
    }
}
