//! One list of the kernel's from its first entry to its last, asked for again when it changed
//! while the kernel wrote it.

use std::io;

use nix::libc;
use tokio_util::sync::CancellationToken;

use crate::{
    packet::netlink::{messages, u32_at},
    sys::diag::{BUFFER, BY_FAMILY, Diag},
};

/// How often a list is asked for.
const TRIES: u32 = 4;

/// How a list came about.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Listed {
    /// It changed, and was asked for once more.
    pub(super) interrupted: u32,
    /// It changed each time.
    pub(super) is_incomplete: bool,
}

enum End {
    Complete,
    Changed,
    Stopped,
}

/// Gives every entry to `take`; one that an earlier try had already may come again.
pub(super) async fn list(
    diag: &impl Diag,
    question: &[u8],
    stop: &CancellationToken,
    mut take: impl FnMut(&[u8]),
) -> io::Result<Listed> {
    let mut buffer = vec![0; BUFFER];
    for interrupted in 0..TRIES {
        let number = diag.ask(libc::NLM_F_DUMP, question)?;
        match once(diag, number, &mut buffer, stop, &mut take).await? {
            End::Complete | End::Stopped => {
                return Ok(Listed { interrupted, is_incomplete: false });
            }
            End::Changed => {}
        }
    }
    Ok(Listed { interrupted: TRIES - 1, is_incomplete: true })
}

async fn once(
    diag: &impl Diag,
    number: u32,
    buffer: &mut [u8],
    stop: &CancellationToken,
    take: &mut impl FnMut(&[u8]),
) -> io::Result<End> {
    let mut has_changed = false;
    loop {
        let length = match diag.read(buffer) {
            Ok(length) => length,
            // The kernel had no memory for a part of it.
            Err(cause) if cause.raw_os_error() == Some(libc::ENOBUFS) => return Ok(End::Changed),
            Err(cause) => return Err(cause),
        };
        let mut is_done = length == 0;
        for message in messages(&buffer[..length]).filter(|one| one.sequence == number) {
            has_changed |= i32::from(message.flags) & libc::NLM_F_DUMP_INTR != 0;
            match i32::from(message.kind) {
                libc::NLMSG_DONE | libc::NLMSG_ERROR => {
                    refusal(message.body)?;
                    is_done = true;
                }
                kind if kind == i32::from(BY_FAMILY) => take(message.body),
                _ => {}
            }
        }
        if is_done {
            return Ok(if has_changed { End::Changed } else { End::Complete });
        }
        // Somebody may want this to end; a list of many sockets must not keep the thread.
        tokio::task::yield_now().await;
        if stop.is_cancelled() {
            return Ok(End::Stopped);
        }
    }
}

/// Both begin with an error number below zero, or zero.
fn refusal(body: &[u8]) -> io::Result<()> {
    match u32_at(body, 0).map(u32::cast_signed) {
        Some(errno) if errno < 0 => Err(io::Error::from_raw_os_error(errno.saturating_neg())),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, collections::VecDeque};

    use super::*;
    use crate::packet::netlink::request;

    /// Answers from a script, whatever is asked.
    struct Scripted {
        answers: RefCell<VecDeque<io::Result<Vec<u8>>>>,
        asked: RefCell<u32>,
    }

    impl Scripted {
        fn new(answers: impl IntoIterator<Item = io::Result<Vec<u8>>>) -> Self {
            Self { answers: RefCell::new(answers.into_iter().collect()), asked: RefCell::new(0) }
        }
    }

    impl Diag for Scripted {
        fn ask(&self, _: i32, _: &[u8]) -> io::Result<u32> {
            *self.asked.borrow_mut() += 1;
            Ok(*self.asked.borrow())
        }

        fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
            let bytes = self.answers.borrow_mut().pop_front().expect("more reads than answers")?;
            buffer[..bytes.len()].copy_from_slice(&bytes);
            Ok(bytes.len())
        }
    }

    fn entry(try_number: u32, flags: i32, name: &str) -> Vec<u8> {
        let mut bytes = request(BY_FAMILY, flags, try_number, name.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn done(try_number: u32, errno: i32) -> Vec<u8> {
        request(libc::NLMSG_DONE as u16, 0, try_number, &errno.to_ne_bytes())
    }

    async fn run(diag: &Scripted) -> (io::Result<Listed>, Vec<String>) {
        let mut names = Vec::new();
        let take = |body: &[u8]| names.push(String::from_utf8_lossy(body).into_owned());
        let listed = list(diag, &[], &CancellationToken::new(), take).await;
        (listed, names)
    }

    #[tokio::test]
    async fn a_list_that_changed_is_asked_for_again() {
        let diag = Scripted::new([
            Ok([entry(1, 0, "a"), entry(1, libc::NLM_F_DUMP_INTR, "b")].concat()),
            Ok(done(1, 0)),
            Ok([entry(1, 0, "late"), entry(2, 0, "a")].concat()),
            Ok([entry(2, 0, "c"), done(2, 0)].concat()),
        ]);
        let (listed, names) = run(&diag).await;
        assert_eq!(listed.unwrap(), Listed { interrupted: 1, is_incomplete: false });
        assert_eq!(names, ["a", "b", "a", "c"]);
    }

    #[tokio::test]
    async fn one_that_changes_for_ever_is_incomplete() {
        let tries = (1..=TRIES).map(|number| {
            Ok([entry(number, libc::NLM_F_DUMP_INTR, "a"), done(number, 0)].concat())
        });
        let (listed, names) = run(&Scripted::new(tries)).await;
        assert_eq!(listed.unwrap(), Listed { interrupted: TRIES - 1, is_incomplete: true });
        assert_eq!(names.len(), TRIES as usize);
    }

    #[tokio::test]
    async fn a_refusal_is_an_error_and_no_memory_is_not() {
        let diag = Scripted::new([Ok(done(1, -libc::ENOENT))]);
        let error = run(&diag).await.0.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
        let no_memory = Err(io::Error::from_raw_os_error(libc::ENOBUFS));
        let diag = Scripted::new([no_memory, Ok([entry(2, 0, "a"), done(2, 0)].concat())]);
        let (listed, names) = run(&diag).await;
        assert_eq!((listed.unwrap().interrupted, names.len()), (1, 1));
    }
}
