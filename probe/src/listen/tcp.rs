//! TCP connections, one after the other.

use std::{convert::Infallible, future::pending, io::ErrorKind, time::Duration};

use bytes::Bytes;
use netdiag_wire::{
    connect::stream::ConnectionEnd,
    listen::{ListenEvent, ListenRequest},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, mpsc},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{Ended, failed};
use crate::{
    connect::copy::{Passed, both_ways},
    packet::saved_syn,
    stream::{Caller, HungUp, Outgoing, QUEUE},
    sys::{addresses::plain, raw},
};

/// For what the caller has under way to a peer that has ended its direction: nc ends as well then.
const GRACE: Duration = Duration::from_millis(200);
/// For a peer to close after a fixed answer.
const ANSWERED: Duration = Duration::from_secs(5);

pub(super) async fn run(
    request: &ListenRequest,
    listener: std::net::TcpListener,
    caller: &mut Caller<ListenEvent>,
    stop: &CancellationToken,
) -> Result<(), Ended> {
    let listener = TcpListener::from_std(listener).map_err(failed("listen"))?;
    let local = plain(listener.local_addr().map_err(failed("read the listener's address"))?);
    caller.say(ListenEvent::Listening { local, udp: false }).await?;
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        let (mut connection, from) = match accepted {
            // It ended before it was accepted: the next one may not (accept(2)).
            Err(cause) if cause.kind() == ErrorKind::ConnectionAborted => continue,
            accepted => accepted.map_err(failed("accept a connection"))?,
        };
        caller.say(accepted_event(&connection, plain(from))?).await?;
        let closed = serve(request, &mut connection, caller, stop).await?;
        caller.say(closed).await?;
        if !request.keep {
            return Ok(caller.send(Outgoing::End).await?);
        }
    }
}

fn accepted_event(
    connection: &TcpStream,
    from: std::net::SocketAddr,
) -> Result<ListenEvent, Ended> {
    let to = plain(connection.local_addr().map_err(failed("read the connection's address"))?);
    let syn = raw::saved_syn(connection).unwrap_or_default();
    let arrival = saved_syn::read(&syn).unwrap_or_default();
    Ok(ListenEvent::Accepted { from, to, arrival })
}

/// Until both directions have ended, or the peer's alone where there is nothing more to send.
async fn serve(
    request: &ListenRequest,
    connection: &mut TcpStream,
    caller: &mut Caller<ListenEvent>,
    stop: &CancellationToken,
) -> Result<ListenEvent, HungUp> {
    let passed = Passed::default();
    let ((to_peer, from_caller), (to_caller, from_peer)) =
        (mpsc::channel(QUEUE), mpsc::channel(QUEUE));
    let peer_ended = Notify::new();
    let copying = async {
        let mut relay = Caller { from: from_caller, to: to_caller };
        both_ways(connection, &mut relay, &passed).await
    };
    let serving = async {
        tokio::select! {
            biased;
            () = stop.cancelled() => ConnectionEnd::CutOff,
            end = answered(request, copying) => end,
            never = feed(request, &mut caller.from, to_peer, &peer_ended) => match never {},
        }
    };
    let (end, told) = tokio::join!(serving, tell(from_peer, &caller.to, &peer_ended));
    told?;
    let (sent, received) = (passed.sent.get(), passed.received.get());
    Ok(ListenEvent::Closed { sent, received, end })
}

async fn answered(
    request: &ListenRequest,
    copying: impl Future<Output = ConnectionEnd>,
) -> ConnectionEnd {
    match request.answer {
        Some(_) => timeout(ANSWERED, copying).await.unwrap_or(ConnectionEnd::CutOff),
        None => copying.await,
    }
}

/// What goes to the peer: the fixed answer, or what the caller sends. Then its direction ends.
async fn feed(
    request: &ListenRequest,
    from: &mut mpsc::Receiver<Bytes>,
    to: mpsc::Sender<Bytes>,
    peer_ended: &Notify,
) -> Infallible {
    match &request.answer {
        Some(answer) => {
            let _ = to.send(Bytes::copy_from_slice(answer.as_bytes())).await;
        }
        None => relay(from, &to, peer_ended).await,
    }
    drop(to);
    pending().await
}

async fn relay(from: &mut mpsc::Receiver<Bytes>, to: &mpsc::Sender<Bytes>, peer_ended: &Notify) {
    loop {
        let bytes = tokio::select! {
            bytes = from.recv() => bytes,
            () = peer_ended.notified() => break,
        };
        let Some(bytes) = bytes else { return };
        if to.send(bytes).await.is_err() {
            return;
        }
    }
    while let Ok(Some(bytes)) = timeout(GRACE, from.recv()).await {
        if to.send(bytes).await.is_err() {
            return;
        }
    }
}

/// The peer's bytes; its END is not the caller's, who may hear further connections.
async fn tell(
    mut from: mpsc::Receiver<Outgoing<ListenEvent>>,
    to: &mpsc::Sender<Outgoing<ListenEvent>>,
    peer_ended: &Notify,
) -> Result<(), HungUp> {
    while let Some(outgoing) = from.recv().await {
        match outgoing {
            Outgoing::End => peer_ended.notify_one(),
            other => to.send(other).await.map_err(|_| HungUp)?,
        }
    }
    Ok(())
}
