//! A probe with bytes in both directions: front's frames in, events and bytes out, in their order.

use std::{io, net::IpAddr, pin::pin};

use bytes::Bytes;
use futures_util::StreamExt;
use jiff::Timestamp;
use netdiag_probe::{
    names::ResolverFiles,
    stream::{Caller, Outgoing, QUEUE},
};
use netdiag_wire::{EndReason, Event, Line, frame::Kind};
use serde::Serialize;
use tokio::{
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    time::timeout,
};
use tokio_util::{codec::FramedRead, sync::CancellationToken};

use super::{
    Assignment,
    destination::{Policy, Traffic},
    open::{self, Opened},
    probe::Means,
    run::{LAST_WORDS, Prepared, Stop, error},
};
use crate::{
    frames::{self, Frames},
    ipc::WorkerOrder,
};

/// As [`super::probe::Probe`], of a byte stream.
pub(super) trait StreamProbe: netdiag_probe::StreamProbe<Event: Serialize> {
    fn reads_files(&self) -> bool;

    fn traffic(&self, files: &ResolverFiles) -> Traffic;
}

pub(super) fn to_the_end<P: StreamProbe>(
    assignment: Assignment,
    order: &WorkerOrder,
    request: &P,
) -> io::Result<()> {
    let prepared = Prepared::new(assignment, order, Means::FEW, |dir| {
        open::open(order, request.reads_files(), dir, || request.open())
    })?;
    let Prepared { runtime, stop, stream, opened } = prepared;
    stream.set_nonblocking(true)?;
    let said = runtime.block_on(async {
        let (from_front, mut to_front) = UnixStream::from_std(stream)?.into_split();
        let end = match opened {
            Ok(opened) => run(request, opened, order, &stop, (from_front, &mut to_front)).await?,
            Err(cause) => error(&cause, None),
        };
        say(&mut to_front, end).await
    });
    match said {
        // front has hung up: nobody is left to tell.
        Err(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        said => said,
    }
}

async fn run<P: StreamProbe>(
    request: &P,
    opened: Opened<P::Sockets>,
    order: &WorkerOrder,
    stop: &Stop,
    (from_front, to_front): (OwnedReadHalf, &mut OwnedWriteHalf),
) -> io::Result<Event<P::Event>> {
    let Opened { sockets, files, guarded } = opened;
    let policy = Policy::new(order.may_metadata, guarded, request.traffic(&files));
    let destination =
        |address: IpAddr| policy.check(address).map_err(|off_limits| off_limits.to(address));
    let ((to_probe, from), (to, from_probe)) = (mpsc::channel(QUEUE), mpsc::channel(QUEUE));
    let token = CancellationToken::new();
    let probing = async {
        let caller = Caller { from, to };
        let probing = request.run(sockets, &files, &destination, caller, token.clone());
        let mut probing = pin!(probing);
        tokio::select! {
            biased;
            ended = &mut probing => Ok((ended, EndReason::Completed)),
            reason = stop.reason(hear(from_front, to_probe)) => {
                token.cancel();
                Ok::<_, io::Error>((timeout(LAST_WORDS, probing).await.unwrap_or(Ok(())), reason?))
            }
        }
    };
    let (ended, told) = tokio::join!(probing, tell(to_front, from_probe));
    let (ended, reason) = ended?;
    told?;
    Ok(match ended {
        Ok(()) => Event::End { reason },
        Err(cause) => error(&cause, policy.missing()),
    })
}

/// The caller's bytes, to its END; ends when front has closed.
async fn hear(from_front: OwnedReadHalf, to_probe: mpsc::Sender<Bytes>) -> io::Result<()> {
    let mut frames = FramedRead::new(from_front, Frames::default());
    let mut to_probe = Some(to_probe);
    while let Some(frame) = frames.next().await {
        let frame = frame.map_err(io::Error::other)?;
        match (frame.kind, &to_probe) {
            // A probe that takes none any more still has something to say.
            (Kind::Data, Some(to_probe)) => drop(to_probe.send(frame.carried()).await),
            (Kind::Data, None) | (Kind::Event, _) => {
                return Err(io::Error::other("front sent a frame that is out of place"));
            }
            (Kind::End, _) => to_probe = None,
        }
    }
    Ok(())
}

/// Waits when front reads slowly, and so does the probe.
async fn tell<E: Serialize>(
    to_front: &mut OwnedWriteHalf,
    mut from_probe: mpsc::Receiver<Outgoing<E>>,
) -> io::Result<()> {
    while let Some(outgoing) = from_probe.recv().await {
        match outgoing {
            Outgoing::Event(event) => say(to_front, Event::Probe(event)).await?,
            Outgoing::Data(bytes) => frames::write(to_front, Kind::Data, &bytes).await?,
            Outgoing::End => frames::write(to_front, Kind::End, &[]).await?,
        }
    }
    Ok(())
}

async fn say<E: Serialize>(to_front: &mut OwnedWriteHalf, event: Event<E>) -> io::Result<()> {
    let line = serde_json::to_vec(&Line { at: Timestamp::now(), event })?;
    frames::write(to_front, Kind::Event, &line).await
}
