//! A list that a second thread takes from the kernel while this one reads what came before: the
//! kernel writes each part of it within the call, which takes longer than to read it.

use std::{
    cell::RefCell,
    io,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

use nix::libc;

use crate::{
    packet::netlink::messages,
    second,
    sys::diag::{BUFFER, Diag, DiagSocket},
};

/// Parts that wait to be read: a list stays with the kernel if nobody takes it.
const PARTS: usize = 4;

type Part = io::Result<Vec<u8>>;

/// One list at a time.
#[derive(Debug)]
pub(super) struct Ahead {
    pub(super) socket: Arc<DiagSocket>,
    /// There is a CPU for it.
    has_cpu: bool,
    /// Of the list that was asked for last; none without a second thread.
    parts: RefCell<Option<Receiver<Part>>>,
}

impl Ahead {
    pub(super) fn new(socket: DiagSocket) -> Self {
        Self { socket: Arc::new(socket), has_cpu: second::has_cpu(), parts: RefCell::new(None) }
    }
}

impl Diag for Ahead {
    fn ask(&self, flags: i32, body: &[u8]) -> io::Result<u32> {
        let number = self.socket.ask(flags, body)?;
        let (sender, receiver) = sync_channel(PARTS);
        let socket = Arc::clone(&self.socket);
        let started =
            self.has_cpu.then(|| second::start(move || read_on(&*socket, number, &sender)));
        *self.parts.borrow_mut() = started.flatten().map(|_| receiver);
        Ok(number)
    }

    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let parts = self.parts.borrow();
        let Some(parts) = &*parts else { return self.socket.read(buffer) };
        // Its sender ends with the list, after which nobody reads on.
        let part = parts.recv().unwrap_or_else(|_| Ok(Vec::new()))?;
        buffer[..part.len()].copy_from_slice(&part);
        Ok(part.len())
    }
}

/// To the end of the list with that number, or until nobody wants more of it.
fn read_on(diag: &impl Diag, number: u32, parts: &SyncSender<Part>) {
    let mut is_over = false;
    while !is_over {
        let mut part = vec![0; BUFFER];
        let read = diag.read(&mut part).map(|length| {
            part.truncate(length);
            part
        });
        is_over = read.as_ref().map_or(true, |part| is_last(part, number));
        is_over |= parts.send(read).is_err();
    }
}

fn is_last(part: &[u8], number: u32) -> bool {
    let is_end = |kind: u16| [libc::NLMSG_DONE, libc::NLMSG_ERROR].contains(&i32::from(kind));
    part.is_empty() || messages(part).any(|one| one.sequence == number && is_end(one.kind))
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::sockets::dump;

    /// inet_diag_req_v2: TCP over IPv4, no extension, every state.
    fn question() -> Vec<u8> {
        let mut question = vec![libc::AF_INET as u8, libc::IPPROTO_TCP as u8, 0, 0];
        question.extend(u32::MAX.to_ne_bytes());
        question.extend([0; 48]);
        question
    }

    #[tokio::test]
    async fn both_ways_bring_the_same_list() {
        let listeners: Vec<_> =
            (0..500).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        for has_cpu in [true, false] {
            let ahead = Ahead { has_cpu, ..Ahead::new(DiagSocket::open().unwrap()) };
            // The second list comes whole although the first one's end was left unread.
            for _ in 0..2 {
                let mut ports = Vec::new();
                let take = |body: &[u8]| ports.push([body[4], body[5]]);
                let stop = CancellationToken::new();
                dump::list(&ahead, &question(), &stop, take).await.unwrap();
                assert_eq!(ahead.parts.borrow().is_some(), has_cpu);
                for listener in &listeners {
                    let port = listener.local_addr().unwrap().port().to_be_bytes();
                    assert!(ports.contains(&port), "{port:?}");
                }
            }
        }
    }
}
