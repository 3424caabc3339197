//! Bytes between a caller and a connected socket, each direction ended by itself.

use std::{
    cell::Cell,
    io::{self, ErrorKind},
};

use bytes::{Bytes, BytesMut};
use netdiag_wire::{connect::stream::ConnectionEnd, frame::MAX_DATA_BYTES};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::mpsc::{Receiver, Sender},
};

use crate::stream::{Caller, Outgoing};

/// Less room than this is not worth a read.
const LEAST_ROOM: usize = 8 * 1024;

/// How much passed so far, whoever ends it.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    pub(crate) sent: Cell<u64>,
    pub(crate) received: Cell<u64>,
}

/// Passes bytes on until both directions have ended, or the connection has.
pub(crate) async fn both_ways<E>(
    socket: &mut TcpStream,
    caller: &mut Caller<E>,
    passed: &Passed,
) -> ConnectionEnd {
    let (from_peer, to_peer) = socket.split();
    // Who can't be sent to may have answered before: that is still read.
    let up = async { Ok(up(&mut caller.from, to_peer, &passed.sent).await.err()) };
    let down = down(from_peer, &caller.to, &passed.received);
    match tokio::try_join!(up, down) {
        Ok((None, ())) => ConnectionEnd::Finished,
        Ok((Some(cause), ())) | Err(cause) => ending(&cause),
    }
}

async fn up(from: &mut Receiver<Bytes>, mut to: WriteHalf<'_>, sent: &Cell<u64>) -> io::Result<()> {
    while let Some(mut bytes) = from.recv().await {
        while !bytes.is_empty() {
            sent.set(sent.get() + to.write_buf(&mut bytes).await? as u64);
        }
    }
    match to.shutdown().await {
        // The peer has closed as well: both directions have ended.
        Err(cause) if cause.kind() == ErrorKind::NotConnected => Ok(()),
        ended => ended,
    }
}

async fn down<E>(
    mut from: ReadHalf<'_>,
    to: &Sender<Outgoing<E>>,
    received: &Cell<u64>,
) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    loop {
        if buffer.capacity() < LEAST_ROOM {
            buffer.reserve(MAX_DATA_BYTES);
        }
        let mut room = bytes::BufMut::limit(&mut buffer, MAX_DATA_BYTES);
        let read = from.read_buf(&mut room).await?;
        let outgoing = match read {
            0 => Outgoing::End,
            _ => Outgoing::Data(buffer.split().freeze()),
        };
        if to.send(outgoing).await.is_err() || read == 0 {
            return Ok(());
        }
        received.set(received.get() + read as u64);
    }
}

fn ending(cause: &io::Error) -> ConnectionEnd {
    match cause.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
            ConnectionEnd::Reset
        }
        _ => ConnectionEnd::Lost,
    }
}
