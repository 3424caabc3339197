//! stdin, read by a thread of its own: it may block there for as long as it likes.

use std::{
    io::{self, ErrorKind, Read},
    thread,
    time::Duration,
};

use bytes::Bytes;
use netdiag_wire::frame::MAX_DATA_BYTES;
use tokio::sync::mpsc;

/// Chunks that wait; then reading waits.
const QUEUE: usize = 2;
/// A terminal says its end again and again once it has hung up.
const MAX_ENDS: u32 = 2;

/// What stdin says; no bytes are its end.
pub(crate) type Input = mpsc::Receiver<io::Result<Bytes>>;

/// A terminal goes on behind its end, which is but a key.
pub(crate) fn read(source: impl Read + Send + 'static, is_terminal: bool) -> Input {
    let (sender, input) = mpsc::channel(QUEUE);
    thread::spawn(move || read_into(source, if is_terminal { MAX_ENDS } else { 1 }, &sender));
    input
}

fn read_into(mut source: impl Read, max_ends: u32, to: &mpsc::Sender<io::Result<Bytes>>) {
    let mut buffer = vec![0; MAX_DATA_BYTES];
    let mut ends = 0;
    while ends < max_ends {
        let read = match source.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // Somebody who shares it has made it non-blocking.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(10));
                continue;
            }
            read => read,
        };
        ends = match read {
            Ok(0) => ends + 1,
            Ok(_) => 0,
            Err(_) => max_ends,
        };
        let chunk = read.map(|read| Bytes::copy_from_slice(&buffer[..read]));
        if to.blocking_send(chunk).is_err() {
            return;
        }
    }
}
