//! What goes to the peer: bytes as they are, or lines that somebody types.

use std::io;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::Input;
use crate::agent::Upload;

/// Ctrl-], as telnet has it.
pub(super) const QUIT: u8 = 0x1d;

/// What a line feed becomes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LineEnd {
    AsItIs,
    CrLf,
}

pub(super) struct Typed {
    pub(super) line_end: LineEnd,
    pub(super) is_typed: bool,
}

/// How the sending ended.
#[derive(Debug)]
pub(super) enum Sent {
    /// To the END, or until nobody took more.
    All,
    Quit,
    Failed(io::Error),
}

impl Typed {
    /// Until stdin ends or, where somebody types, the peer does or Ctrl-] comes; that is waited for
    /// behind the END too.
    pub(super) async fn pass_on(
        self,
        mut input: Input,
        upload: Upload,
        peer_ended: &CancellationToken,
    ) -> Sent {
        let (mut upload, mut last) = (Some(upload), 0);
        loop {
            let chunk = tokio::select! {
                biased;
                () = peer_ended.cancelled(), if self.is_typed => Ok(Bytes::new()),
                chunk = input.recv() => chunk.unwrap_or_else(|| Ok(Bytes::new())),
            };
            let mut bytes = match chunk {
                Err(cause) => return Sent::Failed(cause),
                Ok(bytes) => bytes,
            };
            let is_over = bytes.is_empty();
            let quit = bytes.iter().position(|byte| *byte == QUIT).filter(|_| self.is_typed);
            if let Some(at) = quit {
                bytes.truncate(at);
            }
            if let Some(open) = upload.as_ref().filter(|_| !bytes.is_empty())
                && !open.send(self.line_end.translate(bytes, &mut last)).await
            {
                return Sent::All;
            }
            if quit.is_some() {
                return Sent::Quit;
            }
            if is_over {
                if let Some(upload) = upload.take() {
                    upload.end().await;
                }
                if !self.is_typed || input.is_closed() || peer_ended.is_cancelled() {
                    return Sent::All;
                }
            }
        }
    }
}

impl LineEnd {
    /// `last` is the byte before.
    fn translate(self, bytes: Bytes, last: &mut u8) -> Bytes {
        if self == Self::AsItIs {
            return bytes;
        }
        let mut translated = Vec::with_capacity(bytes.len() + 16);
        for byte in bytes {
            if byte == b'\n' && *last != b'\r' {
                translated.push(b'\r');
            }
            translated.push(byte);
            *last = byte;
        }
        translated.into()
    }
}
