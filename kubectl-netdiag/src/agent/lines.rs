//! The agent's answer as lines of bounded length and number; the agent is not trusted.

use bytes::{Buf, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use netdiag_wire::{Line, MAX_LINE_BYTES};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::{MAX_BODY, PATIENCE, Trouble};

/// Most bytes of one run.
const MAX_RUN: u64 = 256 * 1024 * 1024;

/// Events as they come.
pub(crate) struct Lines {
    body: Incoming,
    trouble: Option<Trouble>,
    buffer: BytesMut,
    /// How much of the buffer is known to hold no end of line.
    searched: usize,
    total: u64,
}

/// Why there is no further line.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Broken {
    #[error("no line for {} s, not even a heartbeat", PATIENCE.as_secs())]
    Silent,
    #[error("the stream broke off{}", .0.as_ref().map(|why| format!(": {why}")).unwrap_or_default())]
    Closed(Option<String>),
    /// Not what an agent sends.
    #[error("{0}")]
    Protocol(String),
}

impl Lines {
    pub(super) fn new(body: Incoming, trouble: Trouble) -> Self {
        let trouble = Some(trouble);
        Self { body, trouble, buffer: BytesMut::new(), searched: 0, total: 0 }
    }

    /// The next line; `None` where the stream ends between two.
    ///
    /// Cancel-safe: what was read stays in the buffer.
    pub(crate) async fn next<E: DeserializeOwned>(&mut self) -> Result<Option<Line<E>>, Broken> {
        loop {
            if let Some(line) = self.take_line()? {
                return parse(&line).map(Some);
            }
            match timeout(PATIENCE, self.body.frame()).await {
                Err(_) => return Err(Broken::Silent),
                Ok(Some(Ok(frame))) => self.push(&frame.into_data().unwrap_or_default())?,
                Ok(Some(Err(_))) => return Err(Broken::Closed(self.reason().await)),
                Ok(None) if self.buffer.is_empty() => return Ok(None),
                Ok(None) => return Err(Broken::Closed(self.reason().await)),
            }
        }
    }

    fn push(&mut self, data: &[u8]) -> Result<(), Broken> {
        self.total += data.len() as u64;
        if self.total > MAX_RUN {
            return Err(Broken::Protocol(format!("more than {} MiB of events", MAX_RUN >> 20)));
        }
        self.buffer.extend_from_slice(data);
        Ok(())
    }

    fn take_line(&mut self) -> Result<Option<BytesMut>, Broken> {
        loop {
            let end = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n');
            let length = end.map_or(self.buffer.len(), |end| self.searched + end);
            if length > MAX_LINE_BYTES {
                return Err(Broken::Protocol(format!(
                    "a line of more than {MAX_LINE_BYTES} bytes"
                )));
            }
            self.searched = if end.is_some() { 0 } else { length };
            if end.is_none() {
                return Ok(None);
            }
            let line = self.buffer.split_to(length);
            self.buffer.advance(1);
            if !line.is_empty() {
                return Ok(Some(line));
            }
        }
    }

    /// What the kubelet says of the end, if it is there by now.
    async fn reason(&mut self) -> Option<String> {
        let trouble = self.trouble.take()?;
        let said = timeout(std::time::Duration::from_millis(500), trouble).await.ok().flatten()?;
        Some(said.trim().to_owned())
    }
}

fn parse<E: DeserializeOwned>(line: &[u8]) -> Result<Line<E>, Broken> {
    serde_json::from_slice(line)
        .map_err(|error| Broken::Protocol(format!("a line that is no event: {error}")))
}

/// All of an answer that must be short.
pub(super) async fn short_body(mut body: Incoming) -> Result<Vec<u8>, Broken> {
    let mut read = Vec::new();
    loop {
        match timeout(PATIENCE, body.frame()).await {
            Err(_) => return Err(Broken::Silent),
            Ok(None) => return Ok(read),
            Ok(Some(Err(_))) => return Err(Broken::Closed(None)),
            Ok(Some(Ok(frame))) => read.extend(frame.into_data().unwrap_or_default()),
        }
        if read.len() > MAX_BODY {
            return Err(Broken::Protocol(format!("an answer of more than {MAX_BODY} bytes")));
        }
    }
}
