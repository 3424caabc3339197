//! The thread that owns stdout. It may block there; nothing else does.

use std::{
    fmt::Write as _,
    io::{self, Write},
    sync::mpsc::RecvTimeoutError,
    time::Duration,
};

use netdiag_wire::untrusted::is_hostile;
use serde::Serialize;
use tokio::sync::mpsc::{self, Receiver};

use super::{Audit, Line, QUEUE};

/// Ends when the last [`Audit`] is dropped and every line is out.
pub(crate) struct Writer(std::sync::mpsc::Receiver<()>);

pub(crate) fn writer(out: impl Write + Send + 'static) -> io::Result<(Audit, Writer)> {
    let (sender, lines) = mpsc::channel(QUEUE);
    let (ended, end) = std::sync::mpsc::channel::<()>();
    std::thread::Builder::new().name("audit".into()).spawn(move || {
        write(lines, out);
        drop(ended);
    })?;
    Ok((Audit(sender), Writer(end)))
}

impl Writer {
    /// Waits for the last line, but not for a stdout that takes none.
    pub(crate) fn finish(self, patience: Duration) {
        if self.0.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
            tracing::error!("stdout takes no audit lines; the last ones are lost");
        }
    }
}

fn write(mut lines: Receiver<Line>, mut out: impl Write) {
    let mut seq = 0;
    while let Some(line) = lines.blocking_recv() {
        seq += 1;
        let text = to_json(seq, &line);
        if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // Dropping the receiver closes the queue: from here on nothing starts.
            tracing::error!(%error, "write an audit line");
            return;
        }
    }
}

#[derive(Serialize)]
struct Numbered<'a> {
    /// Gapless for one run of the agent.
    seq: u64,
    #[serde(flatten)]
    line: &'a Line,
}

/// JSON escapes control characters; those that reorder or hide text it does not.
pub(super) fn to_json(seq: u64, line: &Line) -> String {
    let json = serde_json::to_string(&Numbered { seq, line }).unwrap_or_default();
    let mut text = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        match is_hostile(c) {
            true => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                let _ = write!(text, "\\u{unit:04x}");
            }),
            false => text.push(c),
        }
    }
    text.push('\n');
    text
}
