//! One port: connections to it, as few and as slow as they must be, and one question on one.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{
    greeting::farewell,
    heard::{Heard, Match, Question},
    tls::{self, Handshake, Offer},
};
use crate::sys::{
    datagram::Origin,
    stream::{Connected, connect},
};

/// Connections to one port: what one more would tell is not worth another line in its log.
pub(super) const MAX_CONNECTIONS: u8 = 6;
const CONNECT: Duration = Duration::from_secs(3);
/// For one whole answer, so that one byte at a time does not hold anybody.
pub(super) const ANSWER: Duration = Duration::from_millis(2_500);
const FAREWELL: Duration = Duration::from_millis(200);
/// Of one answer; metrics of a busy program come near it.
const MAX_ANSWER: usize = 512 * 1_024;
/// Questions that follow from one another.
const MAX_CHAIN: u8 = 4;

/// A connection, inside TLS or not.
pub(super) type Link = Box<dyn Stream>;

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Where leave to send is asked for: the rate of the lane holds for all ports together.
#[derive(Clone)]
pub(super) struct Turns(mpsc::Sender<oneshot::Sender<()>>);

/// Where it is given.
pub(super) type Asked = mpsc::Receiver<oneshot::Sender<()>>;

impl Turns {
    pub(super) fn new() -> (Self, Asked) {
        let (ask, asked) = mpsc::channel(1);
        (Self(ask), asked)
    }

    pub(super) async fn turn(&self) {
        let (give, given) = oneshot::channel();
        // Whoever gives leave is gone only when the scan is over, and this with it.
        if self.0.send(give).await.is_ok() {
            let _ = given.await;
        }
    }
}

pub(super) struct Peer {
    pub(super) address: SocketAddr,
    pub(super) from: Origin,
    turns: Turns,
    left: u8,
    /// Once it is known that everything is inside TLS.
    pub(super) offer: Option<Offer>,
    /// Open, and nothing was said on it yet.
    pub(super) spare: Option<Link>,
}

/// What came back, and what it was taken for.
pub(super) struct Answer {
    pub(super) bytes: Vec<u8>,
    /// Speaks nothing where it is not known what it is.
    pub(super) found: Match,
    /// The server ended the connection.
    pub(super) has_ended: bool,
}

impl Peer {
    pub(super) fn new(address: SocketAddr, from: Origin, turns: Turns) -> Self {
        Self { address, from, turns, left: MAX_CONNECTIONS, offer: None, spare: None }
    }

    pub(super) fn may_connect(&self) -> bool {
        self.left > 0 || self.spare.is_some()
    }

    /// A connection that nothing was said on; inside TLS where that is known to be.
    pub(super) async fn link(&mut self) -> Option<Link> {
        if let Some(spare) = self.spare.take() {
            return Some(spare);
        }
        let plain = self.plain().await?;
        let Some(offer) = self.offer else { return Some(plain) };
        match tls::connect(plain, offer, self.address.ip().into()).await {
            Handshake::Done { link, .. } => Some(link),
            Handshake::Refused { .. } | Handshake::NoTls => None,
        }
    }

    pub(super) async fn plain(&mut self) -> Option<Link> {
        self.left = self.left.checked_sub(1)?;
        self.turns.turn().await;
        match timeout(CONNECT, connect(self.address, self.from)).await {
            Ok(Ok(Connected::Stream(stream))) => Some(Box::new(stream)),
            // The port was open a moment ago: one that is full is not asked again.
            _ => {
                self.left = 0;
                None
            }
        }
    }
}

/// Asks, then whatever follows from the answer, on one connection.
pub(super) async fn ask(link: &mut Link, question: Question, wait: Duration) -> Answer {
    let mut answer = Answer { bytes: Vec::new(), found: Match::default(), has_ended: false };
    let mut next = Some(question);
    for _ in 0..MAX_CHAIN {
        let Some(question) = next.take() else { break };
        let (bytes, heard, has_ended) = exchange(link, &question, wait).await;
        if let Heard::Ask(_, then) = &heard {
            next = Some(then.clone());
        }
        answer.found = answer.found.and(heard.so_far().unwrap_or_default());
        answer.has_ended = has_ended;
        if answer.bytes.is_empty() {
            answer.bytes = bytes;
        }
    }
    answer
}

/// One question and its answer, as far as it comes in that time, and whether the server has ended
/// the connection.
pub(super) async fn exchange(
    link: &mut Link,
    question: &Question,
    wait: Duration,
) -> (Vec<u8>, Heard, bool) {
    let (mut bytes, mut heard, mut has_ended) = (Vec::new(), Heard::More, false);
    let exchanging = async {
        // Whoever does not listen any more may have said something before.
        let _ = link.write_all(&question.send).await;
        let _ = link.flush().await;
        while bytes.len() < MAX_ANSWER {
            match link.read_buf(&mut bytes).await {
                Ok(0) | Err(_) => {
                    has_ended = true;
                    return;
                }
                Ok(_) => heard = (question.read)(&bytes),
            }
            if !matches!(heard, Heard::More | Heard::Partly(_)) {
                return;
            }
        }
    };
    let _ = timeout(wait, exchanging).await;
    (bytes, heard, has_ended)
}

/// As the protocol has it, so that the server's log has no lost connection.
pub(super) async fn close(mut link: Link, speaks: &[String]) {
    let closing = async {
        let _ = link.write_all(farewell(speaks)).await;
        let _ = link.shutdown().await;
    };
    let _ = timeout(FAREWELL, closing).await;
}
