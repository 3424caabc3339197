//! What stdin holds, and so what the command is to do.

use std::{io, time::Duration};

use super::{Input, halt::unread, read};
use crate::{
    args::BytesFlags,
    code,
    finding::Failure,
    session::{Session, Stopped},
};

/// What stdin holds: a connection is made for it, or only checked.
pub(crate) enum Wish {
    Bytes(Input),
    Check,
}

/// How long a pipe may say nothing before it counts as one that was only inherited.
const SILENCE: Duration = Duration::from_secs(1);

/// Bytes with `-i`, or where stdin is no terminal and has something to read; `instead` says what is done
/// without.
pub(crate) async fn wish(
    flags: &BytesFlags,
    (is_bytes, is_check): (bool, bool),
    instead: &str,
    session: &mut Session<'_>,
) -> Result<Wish, Stopped> {
    let is_terminal = session.streams.stdin_is_terminal;
    if flags.raw && session.streams.stdout_is_terminal {
        let message = "--raw: not to a terminal; send stdout to a file or a pipe";
        return Err(Failure::new(code::BAD_VALUE, message).into());
    }
    if is_bytes {
        return Ok(Wish::Bytes(read(io::stdin(), is_terminal)));
    }
    if is_check || is_terminal {
        return Ok(Wish::Check);
    }
    let mut input = read(io::stdin(), false);
    let first = tokio::time::timeout(SILENCE, input.recv()).await;
    match first {
        Ok(Some(Ok(bytes))) if !bytes.is_empty() => Ok(Wish::Bytes(put_back(bytes, input))),
        Ok(Some(Err(cause))) => Err(unread(&cause).into()),
        Ok(_) => Ok(Wish::Check),
        Err(_) => {
            let says = "stdin is open but says nothing";
            let ways = "-i --raw --lf waits for bytes, </dev/null does not";
            writeln!(session.err, "{says}: {instead}; {ways}")?;
            Ok(Wish::Check)
        }
    }
}

fn put_back(first: bytes::Bytes, mut rest: Input) -> Input {
    let (sender, input) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        let mut next = Some(Ok(first));
        while let Some(chunk) = next {
            if sender.send(chunk).await.is_err() {
                return;
            }
            next = rest.recv().await;
        }
    });
    input
}
