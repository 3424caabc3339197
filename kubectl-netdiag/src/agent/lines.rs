//! The agent's answer as lines of bounded length and number; the agent is not trusted.

use bytes::{Buf, BytesMut};
use netdiag_wire::{Event, Line, MAX_LINE_BYTES};
use serde::de::DeserializeOwned;

use super::body::{AnswerBody, Broken};
use crate::{code, finding::Failure};

/// Most bytes of one run's events.
pub(super) const MAX_RUN: u64 = 256 * 1024 * 1024;

/// Events as they come.
pub(crate) struct Lines {
    body: AnswerBody,
    buffer: BytesMut,
    /// How much of the buffer is known to hold no end of line.
    searched: usize,
    total: u64,
}

impl Lines {
    pub(super) fn new(body: AnswerBody) -> Self {
        Self { body, buffer: BytesMut::new(), searched: 0, total: 0 }
    }

    /// What the probe tells, to its end; why, where it was cut off before that.
    pub(crate) async fn all<E: DeserializeOwned>(mut self) -> Result<Vec<E>, Failure> {
        let lost = |why: &str| {
            Failure::new(code::AGENT_ENDED, format!("the agent's answer broke off: {why}"))
        };
        let mut events = Vec::new();
        loop {
            let line = self.next().await.map_err(|broken| lost(&broken.to_string()))?;
            match line.ok_or_else(|| lost("it ended in the middle"))?.event {
                Event::Probe(event) => events.push(event),
                Event::End { .. } => return Ok(events),
                Event::Error { error } => return Err(lost(&error.message.to_string())),
                Event::Accepted { .. } | Event::Heartbeat => {}
            }
        }
    }

    /// The next line; `None` where the stream ends between two.
    ///
    /// Cancel-safe: what was read stays in the buffer.
    pub(crate) async fn next<E: DeserializeOwned>(&mut self) -> Result<Option<Line<E>>, Broken> {
        loop {
            if let Some(line) = self.take_line()? {
                return parse(&line).map(Some);
            }
            match self.body.next().await? {
                Some(data) => self.push(&data)?,
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(self.body.broke_off().await),
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
}

pub(super) fn parse<E: DeserializeOwned>(line: &[u8]) -> Result<Line<E>, Broken> {
    serde_json::from_slice(line)
        .map_err(|error| Broken::Protocol(format!("a line that is no event: {error}")))
}
