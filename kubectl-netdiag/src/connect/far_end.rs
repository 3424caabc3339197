//! `--listen`: a listener of ours at the target's end, which tells how what was sent arrives.

use std::time::Duration;

use netdiag_wire::{
    Event, Line, Untrusted,
    connect::{ConnectAttempt, ConnectOutcome},
    listen::{AcceptedConnection, ListenEvent, ListenFold, ListenReport, ListenRequest},
};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    agent::{Broken, Frames, Piece, Upload, refusal},
    args::{Kind, Object, SourceFlags},
    cluster::Cluster,
    code,
    finding::{Failure, Peer, PeerKind},
    probe::{
        of_agent,
        way::{self, Route},
    },
};

/// What was sent is there by then, and so is the word of it.
const ARRIVED: Duration = Duration::from_secs(1);
/// The listener of a run that ended just now is gone by then, also of a busy node.
const FREED: Duration = Duration::from_secs(3);
/// Between two tries to have its port.
const AGAIN: Duration = Duration::from_millis(200);
/// By this the other end is known to be ours.
pub(crate) const ANSWER: &str = "netdiag listens here\n";

/// It listens; dropped, it ends.
pub(super) struct FarEnd {
    frames: Frames,
    upload: Upload,
    fold: ListenFold,
    place: Peer,
}

impl FarEnd {
    /// Returns when the port is open.
    pub(super) async fn open(
        cluster: &Cluster,
        place: &Peer,
        port: (u16, bool),
        source: &SourceFlags,
    ) -> Result<Self, Failure> {
        let until = Instant::now() + FREED;
        loop {
            match Self::try_open(cluster, place, port, source).await {
                Err(failure)
                    if failure.code == Some(code::PORT_UNAVAILABLE) && Instant::now() < until =>
                {
                    sleep(AGAIN).await;
                }
                opened => return opened,
            }
        }
    }

    async fn try_open(
        cluster: &Cluster,
        place: &Peer,
        (port, udp): (u16, bool),
        source: &SourceFlags,
    ) -> Result<Self, Failure> {
        // Whoever else comes in between must not take our place.
        let keep = true;
        let answer = Some(ANSWER.into());
        let request = ListenRequest { udp, keep, answer, ..ListenRequest::on(port) };
        let object = object(place);
        let (aim, mut way) = way::open("listen", cluster, Route::Within(&object), source).await?;
        let asked = way.ask_once(&aim, &request, async |connection, token, request| {
            connection.bytes("listen", token, request).await
        });
        let (frames, upload) = asked.await?;
        let (fold, place) = (ListenFold::default(), way.start.peer.clone());
        let mut far = Self { frames, upload, fold, place };
        while far.report().local.is_none() {
            let line = far.next().await?;
            of_agent(&way.start.agent, &line)?;
            if let Event::Error { error } = &line.event {
                return Err(way.refused(error, &aim).await);
            }
            far.take(line)?;
        }
        Ok(far)
    }

    /// Waits for what this attempt sent, and tells all that came.
    pub(super) async fn hear(
        &mut self,
        attempt: Option<&ConnectAttempt>,
    ) -> Result<ListenReport, Failure> {
        let heard = timeout(ARRIVED, async {
            while attempt.is_none_or(|attempt| arrival(&self.report(), attempt).is_none()) {
                let line = self.next().await?;
                self.take(line)?;
            }
            Ok(())
        });
        heard.await.unwrap_or(Ok(()))?;
        Ok(self.report())
    }

    /// Gives the port back: waits until nobody listens there.
    pub(super) async fn end(mut self) {
        self.upload.end().await;
        // Whoever has gone already listens no longer either.
        let _ = timeout(ARRIVED, async {
            while let Ok(Some(piece)) = self.frames.next::<ListenEvent>().await {
                if matches!(&piece, Piece::Event(line) if matches!(line.event, Event::End { .. })) {
                    return;
                }
            }
        })
        .await;
    }

    fn report(&self) -> ListenReport {
        self.fold.report(None, None)
    }

    async fn next(&mut self) -> Result<Line<ListenEvent>, Failure> {
        loop {
            match self.frames.next().await {
                Ok(Some(Piece::Event(line))) => return Ok(line),
                Ok(Some(Piece::Data(_) | Piece::End)) => {}
                Ok(None) => return Err(self.broken(&Broken::Closed(None))),
                Err(broken) => return Err(self.broken(&broken)),
            }
        }
    }

    fn take(&mut self, line: Line<ListenEvent>) -> Result<(), Failure> {
        match line.event {
            Event::Probe(event) => self.fold.push(&event, line.at),
            Event::Error { error } => {
                let message = format!("{}: {}", self.lost(), error.message);
                return Err(Failure::new(refusal::code_of(error.code), message));
            }
            Event::End { .. } => return Err(self.broken(&Broken::Closed(None))),
            Event::Accepted { .. } | Event::Heartbeat => {}
        }
        Ok(())
    }

    fn broken(&self, broken: &Broken) -> Failure {
        Failure::new(code::AGENT_ENDED, format!("{}: {broken}", self.lost()))
    }

    fn lost(&self) -> String {
        format!("the listener in {} was cut off", self.place.word())
    }
}

fn object(place: &Peer) -> Object {
    let kind = if place.kind == PeerKind::Node { Kind::Node } else { Kind::Pod };
    Object { namespace: place.namespace.clone(), kind, name: place.name.clone() }
}

/// What arrived of this attempt: by both addresses, else by the port alone; where that was rewritten
/// as well it is the only one that came, if it was ours that answered.
pub(crate) fn arrival<'a>(
    report: &'a ListenReport,
    attempt: &ConnectAttempt,
) -> Option<&'a AcceptedConnection> {
    let (all, local) = (&report.accepted, attempt.local?);
    let has_port = |accepted: &&AcceptedConnection| accepted.from.port == local.port();
    let same = all.iter().filter(has_port).find(|accepted| accepted.from.address == local.ip());
    let only = match all.as_slice() {
        [only] if is_answered(attempt) => Some(only),
        _ => None,
    };
    same.or_else(|| all.iter().find(has_port)).or(only)
}

/// A listener of ours was at the other end.
pub(crate) fn is_answered(attempt: &ConnectAttempt) -> bool {
    let said: Option<&Untrusted> = match &attempt.outcome {
        ConnectOutcome::Connected { banner, .. } | ConnectOutcome::Reset { banner } => {
            banner.as_ref()
        }
        ConnectOutcome::Replied { data, .. } => Some(data),
        _ => None,
    };
    said.is_some_and(|said| said.as_bytes() == ANSWER.as_bytes())
}

#[cfg(test)]
mod tests {
    use netdiag_wire::{listen::Arrival, sockets::SocketAddress};

    use super::*;

    fn attempt(answer: &str) -> ConnectAttempt {
        ConnectAttempt {
            target: 0,
            round: 1,
            remote: "10.244.2.40:9999".parse().unwrap(),
            local: Some("10.244.1.23:50110".parse().unwrap()),
            took_us: 500,
            mss: Some(1460),
            beside: false,
            outcome: ConnectOutcome::Connected { banner: Some(answer.into()), closed: true },
        }
    }

    fn came(from: &[&str]) -> ListenReport {
        let accepted = from.iter().map(|from| {
            let (address, port) = from.split_once(' ').unwrap();
            let from =
                SocketAddress { address: address.parse().unwrap(), port: port.parse().unwrap() };
            AcceptedConnection {
                at: "2026-11-23T03:07:14Z".parse().unwrap(),
                from,
                to: SocketAddress { address: [10, 244, 2, 40].into(), port: 9999 },
                arrival: Arrival::default(),
                closed: None,
            }
        });
        ListenReport { accepted: accepted.collect(), ..ListenReport::default() }
    }

    #[test]
    fn ours_is_told_from_strangers() {
        for (from, answer, found) in [
            (&["10.9.9.9 50110", "10.244.1.23 50110"][..], ANSWER, Some(1)),
            (&["10.9.9.9 7", "10.89.0.11 50110"], ANSWER, Some(1)),
            (&["10.89.0.11 1024"], ANSWER, Some(0)),
            // Somebody else took ours.
            (&["10.89.0.11 1024"], "220 mail\r\n", None),
            (&["10.89.0.11 1024", "10.9.9.9 7"], ANSWER, None),
            (&[], ANSWER, None),
        ] {
            let report = came(from);
            let found = found.map(|index: usize| &report.accepted[index]);
            assert_eq!(arrival(&report, &attempt(answer)), found, "{from:?}");
        }
    }
}
