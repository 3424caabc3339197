//! One connection of front's: an order, its answer, and then the lifeline of one worker.

use std::{
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    net::{RecvFlags, recv},
};

use super::{
    pods::Refused,
    site::Site,
    spawn::{Worker, spawn},
};
use crate::ipc::{self, ANSWER_BYTES, Answer, ORDER_BYTES, Order, Refusal};

/// For all bytes of an order.
const ORDER_TIME: Duration = Duration::from_secs(1);
/// For a worker to enter its namespace: 3 ms on an idle machine.
const START_TIME: Duration = Duration::from_secs(10);

pub(super) struct Connection {
    front: UnixStream,
    state: State,
}

enum State {
    Ordering {
        frame: Box<Incoming<ORDER_BYTES>>,
        until: Instant,
    },
    Starting {
        worker: Worker,
        stream: UnixStream,
        answer: Incoming<ANSWER_BYTES>,
        place: Answer,
        until: Instant,
    },
    Running(Worker),
    /// front has gone; the worker is killed and not yet reaped.
    Ending(Worker),
}

impl Connection {
    pub(super) fn new(front: UnixStream, now: Instant) -> Self {
        let state = State::Ordering { frame: Box::new(Incoming::new()), until: now + ORDER_TIME };
        Self { front, state }
    }

    pub(super) fn has_worker(&self) -> bool {
        !matches!(self.state, State::Ordering { .. })
    }

    /// What to wait for; anything readable here is a reason to [`advance`](Self::advance).
    pub(super) fn watched(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let (front, stream, worker) = match &self.state {
            State::Ordering { .. } => (Some(&self.front), None, None),
            State::Starting { worker, stream, .. } => {
                (Some(&self.front), Some(stream), Some(worker))
            }
            State::Running(worker) => (Some(&self.front), None, Some(worker)),
            State::Ending(worker) => (None, None, Some(worker)),
        };
        [front.map(AsFd::as_fd), stream.map(AsFd::as_fd), worker.map(Worker::pidfd)]
            .into_iter()
            .flatten()
    }

    pub(super) fn until(&self) -> Option<Instant> {
        match &self.state {
            State::Ordering { until, .. } | State::Starting { until, .. } => Some(*until),
            State::Running(_) | State::Ending(_) => None,
        }
    }

    /// Goes as far as it can without waiting; `None` when it is over and nothing is left of it.
    pub(super) fn advance(self, site: &Site, is_busy: bool, now: Instant) -> Option<Self> {
        let Self { front, state } = self;
        match state {
            State::Ordering { mut frame, until } => match frame.read(&front) {
                Progress::All(bytes) => obey(front, &bytes, site, is_busy, now),
                Progress::More if now < until => {
                    Some(Self { front, state: State::Ordering { frame, until } })
                }
                Progress::More | Progress::Closed => None,
            },
            State::Starting { worker, stream, mut answer, place, until } => {
                match answer.read(&stream) {
                    _ if is_closed(&front) => ending(front, worker),
                    Progress::All(bytes) => started(front, worker, &stream, &bytes, &place),
                    Progress::More if now < until => {
                        let state = State::Starting { worker, stream, answer, place, until };
                        Some(Self { front, state })
                    }
                    Progress::More => refuse_late(front, worker, Errno::TIMEDOUT),
                    Progress::Closed => refuse_late(front, worker, Errno::CHILD),
                }
            }
            State::Running(mut worker) => {
                if worker.has_ended() {
                    return None;
                }
                if is_closed(&front) {
                    return ending(front, worker);
                }
                Some(Self { front, state: State::Running(worker) })
            }
            State::Ending(mut worker) => {
                (!worker.has_ended()).then_some(Self { front, state: State::Ending(worker) })
            }
        }
    }
}

fn obey(
    front: UnixStream,
    frame: &[u8; ORDER_BYTES],
    site: &Site,
    is_busy: bool,
    now: Instant,
) -> Option<Connection> {
    let order = match Order::decode(frame) {
        Ok(order) => order,
        Err(cause) => {
            tracing::warn!(%cause, "order refused");
            return refuse(&front, Refusal::BadFrame, 0);
        }
    };
    if order == Order::SelfTest {
        let _ = ipc::send(&front, &site.self_test().encode(), &[]);
        return None;
    }
    if is_busy {
        return refuse(&front, Refusal::Busy, 0);
    }
    let place = match site.place(&order) {
        Ok(place) => place,
        Err(Refused { refusal, errno }) => return refuse(&front, refusal, errno),
    };
    let answer = Answer::Started { netns: place.inode, is_node: place.is_node };
    match spawn(&order, place) {
        Ok((worker, stream)) => {
            let until = now + START_TIME;
            let state =
                State::Starting { worker, stream, answer: Incoming::new(), place: answer, until };
            Some(Connection { front, state })
        }
        Err(cause) => {
            tracing::error!(%cause, "worker not started");
            refuse(&front, Refusal::Spawn, cause.raw_os_error().unwrap_or_default())
        }
    }
}

/// The worker is in the namespace, or says why it is not.
fn started(
    front: UnixStream,
    worker: Worker,
    stream: &UnixStream,
    said: &[u8; ANSWER_BYTES],
    place: &Answer,
) -> Option<Connection> {
    let sent = match Answer::decode(said) {
        Ok(Answer::Started { .. }) => ipc::send(&front, &place.encode(), &[stream.as_fd()]),
        Ok(refused @ Answer::Refused { .. }) => ipc::send(&front, &refused.encode(), &[]),
        Ok(Answer::SelfTest { .. }) | Err(_) => return refuse_late(front, worker, Errno::PROTO),
    };
    match sent {
        Ok(()) => Some(Connection { front, state: State::Running(worker) }),
        Err(_) => ending(front, worker),
    }
}

fn refuse(front: &UnixStream, refusal: Refusal, errno: i32) -> Option<Connection> {
    // front may have gone; then nobody needs the answer.
    let _ = ipc::send(front, &Answer::Refused { refusal, errno }.encode(), &[]);
    None
}

fn refuse_late(front: UnixStream, worker: Worker, errno: Errno) -> Option<Connection> {
    tracing::error!(worker = worker.pid(), %errno, "worker did not enter its namespace");
    refuse(&front, Refusal::Spawn, errno.raw_os_error());
    ending(front, worker)
}

fn ending(front: UnixStream, worker: Worker) -> Option<Connection> {
    worker.kill();
    Some(Connection { front, state: State::Ending(worker) })
}

/// front writes nothing after its order, so whatever can be read is the end.
fn is_closed(front: &UnixStream) -> bool {
    !matches!(recv(front, &mut [0; 1], RecvFlags::DONTWAIT), Err(Errno::AGAIN | Errno::INTR))
}

/// A frame that arrives in pieces.
struct Incoming<const N: usize> {
    bytes: [u8; N],
    filled: usize,
}

enum Progress<const N: usize> {
    More,
    All([u8; N]),
    Closed,
}

impl<const N: usize> Incoming<N> {
    fn new() -> Self {
        Self { bytes: [0; N], filled: 0 }
    }

    fn read(&mut self, stream: &UnixStream) -> Progress<N> {
        match recv(stream, &mut self.bytes[self.filled..], RecvFlags::DONTWAIT) {
            Err(Errno::AGAIN | Errno::INTR) => Progress::More,
            Err(_) | Ok((_, 0)) => Progress::Closed,
            Ok((_, read)) => {
                self.filled += read;
                if self.filled == N { Progress::All(self.bytes) } else { Progress::More }
            }
        }
    }
}
