//! Waits on a port for who connects, and says how it looked on arrival.

use std::{future::pending, net::IpAddr};

use netdiag_wire::listen::{ListenEvent, ListenRequest};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

mod open;
mod tcp;
mod udp;

use crate::{
    ProbeError, StreamProbe,
    names::ResolverFiles,
    stream::{Caller, HungUp},
};
pub use open::Listener;
use open::Opened;

impl StreamProbe for ListenRequest {
    type Sockets = Listener;
    type Event = ListenEvent;

    fn open(&self) -> Result<Listener, ProbeError> {
        open::open(self)
    }

    /// `destination` is not asked: nothing is sent but to who came.
    async fn run(
        &self,
        listener: Listener,
        _: &ResolverFiles,
        _: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
        mut caller: Caller<ListenEvent>,
        stop: CancellationToken,
    ) -> Result<(), ProbeError> {
        let left = left_by(self, &mut caller);
        let listening = async {
            match listener.0 {
                Opened::Tcp(listener) => tcp::run(self, listener, &mut caller, &stop).await,
                Opened::Udp(socket) => udp::run(self, socket, &mut caller, &stop).await,
                Opened::Taken(sockets) => Err(Ended::Failed(open::taken(self, sockets).await)),
            }
        };
        let ended = tokio::select! {
            biased;
            ended = listening => ended,
            () = left => Ok(()),
        };
        match ended {
            // Nobody is left to tell.
            Ok(()) | Err(Ended::HungUp) => Ok(()),
            Err(Ended::Failed(error)) => Err(error),
        }
    }
}

/// Where the answer is fixed the caller has nothing to send: its END means that it needs the port
/// no longer, and is there long before its connection has ended.
fn left_by(
    request: &ListenRequest,
    caller: &mut Caller<ListenEvent>,
) -> impl Future<Output = ()> + use<> {
    let from =
        request.answer.is_some().then(|| std::mem::replace(&mut caller.from, mpsc::channel(1).1));
    async move {
        match from {
            Some(mut from) => while from.recv().await.is_some() {},
            None => pending().await,
        }
    }
}

/// Why a listener ended before it was done.
enum Ended {
    HungUp,
    Failed(ProbeError),
}

impl From<HungUp> for Ended {
    fn from(_: HungUp) -> Self {
        Self::HungUp
    }
}

fn failed(what: &'static str) -> impl Fn(std::io::Error) -> Ended {
    move |cause| Ended::Failed(ProbeError::Socket(what, cause))
}
