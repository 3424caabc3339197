//! The caller's bytes on their way to the worker.

use std::{
    convert::Infallible,
    future::pending,
    sync::atomic::{AtomicU64, Ordering},
};

use futures_util::StreamExt;
use netdiag_wire::frame::Kind;
use tokio::{io::AsyncWriteExt, net::unix::OwnedWriteHalf};
use tokio_util::{codec::FramedRead, sync::CancellationToken};

use super::Stop;
use crate::{
    frames::{Frame, Frames, Garbled},
    front::body::{Upload, bad},
};

/// Starts when the worker was `heard`, and waits for as long as it takes nothing.
pub(super) async fn pass_on(
    upload: Option<Upload>,
    mut to_worker: OwnedWriteHalf,
    heard: &CancellationToken,
    passed: &AtomicU64,
) -> Result<Infallible, Stop> {
    let Some(upload) = upload else { return until_the_end(to_worker).await };
    heard.cancelled().await;
    let mut frames = FramedRead::new(upload, Frames::default());
    loop {
        let frame = next(&mut frames).await?;
        let is_end = frame.kind == Kind::End;
        let bytes = frame.whole();
        passed.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if to_worker.write_all(&bytes).await.is_err() {
            // What became of the worker is read from its own stream.
            return until_the_end(to_worker).await;
        }
        if is_end {
            break;
        }
    }
    match frames.next().await {
        // The end of the body is read as well: what lies unread would reset the connection.
        None => until_the_end(to_worker).await,
        Some(Ok(_)) => Err(refused("a frame after the END")),
        Some(Err(garbled)) => Err(stop(&garbled)),
    }
}

/// Dropped, it would be the caller's hanging up.
async fn until_the_end(_to_worker: OwnedWriteHalf) -> Result<Infallible, Stop> {
    pending().await
}

async fn next(frames: &mut FramedRead<Upload, Frames>) -> Result<Frame, Stop> {
    match frames.next().await {
        None => Err(Stop::HungUp),
        Some(Err(garbled)) => Err(stop(&garbled)),
        Some(Ok(Frame { kind: Kind::Event, .. })) => Err(refused("an event frame")),
        Some(Ok(frame)) => Ok(frame),
    }
}

fn stop(garbled: &Garbled) -> Stop {
    match garbled {
        Garbled::Io(_) => Stop::HungUp,
        Garbled::TooLong | Garbled::Frame(_) => refused(&garbled.to_string()),
    }
}

fn refused(what: &str) -> Stop {
    Stop::Error(bad(format!("body: {what}")))
}
