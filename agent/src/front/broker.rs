//! The one way from front to the node: an order to broker, and what comes back for it.

use std::{io, net::SocketAddr, os::fd::OwnedFd, path::PathBuf, time::Duration};

use netdiag_wire::{ErrorBody, ErrorCode};
use tokio::{
    io::{AsyncWriteExt, Interest},
    net::{TcpStream, UnixStream},
    time::timeout,
};

use super::apiserver::chain;
use crate::ipc::{self, ANSWER_BYTES, Answer, FrameError, Order, Refusal};

/// broker and worker answer in milliseconds, or something is wrong with them.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub(crate) struct Broker {
    socket: PathBuf,
}

/// A worker that is in its namespace and waits for its order.
pub(crate) struct Worker {
    pub(crate) stream: UnixStream,
    pub(crate) lifeline: Lifeline,
    /// Inode of its network namespace.
    pub(crate) netns: u64,
    /// It is in the node's own network namespace.
    pub(crate) is_node: bool,
}

/// While this lives the worker may; broker kills it when this is dropped.
pub(crate) struct Lifeline(#[expect(dead_code, reason = "held to be closed")] UnixStream);

#[cfg(test)]
impl Lifeline {
    pub(crate) fn of(connection: UnixStream) -> Self {
        Self(connection)
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum BrokerError {
    #[error("connect to the broker")]
    Connect(#[source] io::Error),
    #[error("exchange a frame with the broker")]
    Exchange(#[from] io::Error),
    #[error("read the broker's frame")]
    Frame(#[from] FrameError),
    #[error("broker refused: {0:?}")]
    Refused(Refusal, #[source] io::Error),
    #[error("broker's answer does not fit the order")]
    Mismatch,
    #[error("broker does not answer")]
    Timeout,
}

impl Broker {
    pub(crate) fn at(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// Starts a worker for `order`.
    pub(crate) async fn start(&self, order: &Order) -> Result<Worker, BrokerError> {
        let ordered = timeout(ANSWER_TIMEOUT, self.order(order)).await;
        let (connection, answer, descriptor) = ordered.map_err(|_| BrokerError::Timeout)??;
        let Answer::Started { netns, is_node } = answer else { return Err(BrokerError::Mismatch) };
        let stream = std::os::unix::net::UnixStream::from(descriptor.ok_or(BrokerError::Mismatch)?);
        stream.set_nonblocking(true)?;
        let stream = UnixStream::from_std(stream)?;
        Ok(Worker { stream, lifeline: Lifeline(connection), netns, is_node })
    }

    /// A connection made in the node's namespace to the first of `addresses` that answers.
    pub(crate) async fn dial(&self, addresses: Vec<SocketAddr>) -> Result<TcpStream, BrokerError> {
        let worker = self.start(&Order::Connect(addresses)).await?;
        let (answer, descriptor) = read_answer(&worker.stream).await?;
        let (Answer::Started { .. }, Some(descriptor)) = (answer, descriptor) else {
            return Err(BrokerError::Mismatch);
        };
        let stream = std::net::TcpStream::from(descriptor);
        stream.set_nonblocking(true)?;
        Ok(TcpStream::from_std(stream)?)
    }

    /// What broker found of itself: bits of `broker::selftest`, and the kernel's word.
    pub(crate) async fn self_test(&self) -> Result<(u32, i32), BrokerError> {
        let ordered = timeout(ANSWER_TIMEOUT, self.order(&Order::SelfTest)).await;
        match ordered.map_err(|_| BrokerError::Timeout)?? {
            (_, Answer::SelfTest { problems, errno }, _) => Ok((problems, errno)),
            _ => Err(BrokerError::Mismatch),
        }
    }

    async fn order(
        &self,
        order: &Order,
    ) -> Result<(UnixStream, Answer, Option<OwnedFd>), BrokerError> {
        let mut connection =
            UnixStream::connect(&self.socket).await.map_err(BrokerError::Connect)?;
        connection.write_all(&order.encode()?).await?;
        let (answer, descriptor) = read_answer(&connection).await?;
        Ok((connection, answer, descriptor))
    }
}

async fn read_answer(stream: &UnixStream) -> Result<(Answer, Option<OwnedFd>), BrokerError> {
    let mut frame = [0; ANSWER_BYTES];
    let mut filled = 0;
    let mut descriptor = None;
    while filled < ANSWER_BYTES {
        let rest = &mut frame[filled..];
        let (read, passed) =
            stream.async_io(Interest::READABLE, || Ok(ipc::receive(stream, rest)?)).await?;
        if read == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        filled += read;
        descriptor = passed.into_iter().next().or(descriptor);
    }
    match Answer::decode(&frame)? {
        Answer::Refused { refusal, errno } => {
            Err(BrokerError::Refused(refusal, io::Error::from_raw_os_error(errno)))
        }
        answer => Ok((answer, descriptor)),
    }
}

impl From<BrokerError> for ErrorBody {
    fn from(error: BrokerError) -> Self {
        tracing::warn!(cause = chain(&error), "broker");
        let (code, message) = match &error {
            BrokerError::Refused(refusal, cause) => in_words(*refusal, cause),
            BrokerError::Connect(_) | BrokerError::Timeout => {
                (ErrorCode::Unavailable, "the agent's broker does not answer".into())
            }
            BrokerError::Exchange(_) => {
                (ErrorCode::Unavailable, "the agent's broker or worker ended".into())
            }
            BrokerError::Frame(_) | BrokerError::Mismatch => {
                (ErrorCode::Internal, "the broker's answer does not fit the order".into())
            }
        };
        let mut body = Self::new(code, message);
        body.retry_after_ms = (code == ErrorCode::TooMany).then_some(1_000);
        body
    }
}

fn in_words(refusal: Refusal, cause: &io::Error) -> (ErrorCode, String) {
    match refusal {
        Refusal::NoProcess => {
            let message = "no process of this pod runs on this node; it may just have ended";
            (ErrorCode::NotFound, message.into())
        }
        Refusal::ForeignNamespace => {
            let message = "the network namespace found for this pod does not hold its address";
            (ErrorCode::ForeignNamespace, message.into())
        }
        Refusal::Permission => {
            let message = format!(
                "the node does not let the agent into the pod's network namespace: {cause}; a \
                 capability is missing, or AppArmor, SELinux, Yama or Landlock refused"
            );
            (ErrorCode::Permission, message)
        }
        Refusal::Busy => (ErrorCode::TooMany, "all workers of this agent are taken".into()),
        Refusal::Spawn => (ErrorCode::Unavailable, format!("start a worker: {cause}")),
        Refusal::Connect | Refusal::BadFrame => {
            (ErrorCode::Internal, "the broker did not understand the order".into())
        }
    }
}
