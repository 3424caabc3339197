//! Bytes between this process's stdin and stdout and a peer of an agent's.

use std::{io, pin::pin};

use netdiag_wire::Line;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(crate) mod connect;
mod halt;
mod input;
mod output;
mod road;
mod shown;
mod telnet;
#[cfg(unix)]
mod terminal;
mod tls;
mod typed;
mod wish;

pub(crate) use halt::{Ended, Halt, binary, unread};
pub(crate) use input::{Input, read};
pub(crate) use output::{Looks, Output};
pub(crate) use road::{Between, Opened, Road};
#[cfg(unix)]
pub(crate) use terminal::Keys;
pub(crate) use tls::bytes;
pub(crate) use typed::LineEnd;
pub(crate) use wish::{Wish, wish};

use crate::agent::{Broken, Frames, Piece, Upload};
use typed::{Sent, Typed};

/// Where the pieces of a byte stream come from.
pub(crate) enum Pieces<E> {
    Agent(Frames),
    /// From this process.
    Here(mpsc::Receiver<Piece<E>>),
    /// Through TLS.
    Through(mpsc::Receiver<Result<Piece<E>, Broken>>),
}

impl<E: DeserializeOwned> Pieces<E> {
    pub(crate) async fn next(&mut self) -> Result<Piece<E>, Broken> {
        let piece = match self {
            Self::Agent(frames) => frames.next().await?,
            Self::Here(pieces) => pieces.recv().await,
            Self::Through(pieces) => pieces.recv().await.transpose()?,
        };
        piece.ok_or(Broken::Closed(None))
    }
}

/// How this process's own ends take part.
pub(crate) struct Local {
    pub(crate) input: Input,
    pub(crate) line_end: LineEnd,
    /// Somebody types: Ctrl-] ends it, and so does the peer by ending its direction.
    pub(crate) is_typed: bool,
    /// A peer that negotiates as telnet does is answered.
    pub(crate) is_telnet: bool,
    pub(crate) output: Output,
}

/// How the bytes came to their end.
#[derive(Debug)]
pub(crate) enum Relayed<T> {
    /// By the stream's own last event.
    Ended(T),
    /// Ctrl-].
    Quit,
    Broken(Broken),
    /// stdin cannot be read.
    Input(io::Error),
    /// stdout takes no more, or must not.
    Output(io::Error),
}

/// Passes bytes on until `take` finds the last event, or something else ends it.
pub(crate) async fn relay<E: DeserializeOwned, T>(
    pieces: &mut Pieces<E>,
    upload: Upload,
    local: Local,
    received: &mut u64,
    take: impl FnMut(Line<E>) -> Option<T>,
) -> Relayed<T> {
    let Local { input, line_end, is_typed, is_telnet, output } = local;
    let (peer_ended, typing_ended) = (CancellationToken::new(), CancellationToken::new());
    let answers =
        is_telnet.then(|| Answers { upload: upload.clone(), until: typing_ended.clone() });
    let typed = Typed { line_end, is_typed };
    let mut typing = pin!(typed.pass_on(input, upload, &peer_ended));
    let mut showing = pin!(show(pieces, output, answers, &peer_ended, received, take));
    tokio::select! {
        biased;
        relayed = &mut showing => relayed,
        sent = &mut typing => {
            typing_ended.cancel();
            match sent {
                Sent::Quit => Relayed::Quit,
                Sent::Failed(cause) => Relayed::Input(cause),
                Sent::All => showing.await,
            }
        }
    }
}

/// What a session answers by itself.
struct Answers {
    upload: Upload,
    /// Nothing is sent behind an END.
    until: CancellationToken,
}

async fn show<E: DeserializeOwned, T>(
    pieces: &mut Pieces<E>,
    mut output: Output,
    answers: Option<Answers>,
    peer_ended: &CancellationToken,
    received: &mut u64,
    mut take: impl FnMut(Line<E>) -> Option<T>,
) -> Relayed<T> {
    let mut negotiation = telnet::Negotiation::default();
    loop {
        let bytes = match pieces.next().await {
            Err(broken) => {
                // What came before is written all the same.
                return match output.finish().await {
                    Ok(()) => Relayed::Broken(broken),
                    Err(cause) => Relayed::Output(cause),
                };
            }
            Ok(Piece::Event(line)) => match take(line) {
                None => continue,
                Some(ended) => match output.finish().await {
                    Ok(()) => return Relayed::Ended(ended),
                    Err(cause) => return Relayed::Output(cause),
                },
            },
            Ok(Piece::End) => {
                peer_ended.cancel();
                continue;
            }
            Ok(Piece::Data(bytes)) => bytes,
        };
        *received += bytes.len() as u64;
        let bytes = match &answers {
            None => bytes,
            Some(answers) => {
                let (bytes, reply) = negotiation.take(bytes);
                if !answers.until.is_cancelled() && !reply.is_empty() {
                    answers.upload.send(reply).await;
                }
                bytes
            }
        };
        if let Err(cause) = output.write(bytes).await {
            return Relayed::Output(cause);
        }
    }
}
