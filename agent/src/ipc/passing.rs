//! Bytes and descriptors in one message of a Unix stream socket.

use std::{
    io::{IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    io,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
    },
};

/// Most descriptors of one message: a pod's /proc directory and its sandbox's pidfd.
const MAX_DESCRIPTORS: usize = 2;

/// Sends all of `bytes`, with up to two descriptors; a frame always fits the empty buffer of a
/// stream that carries nothing else yet.
pub fn send(stream: impl AsFd, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Errno::INVAL);
    }
    let sent = sendmsg(stream, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?;
    if sent == bytes.len() { Ok(()) } else { Err(io::Errno::MSGSIZE) }
}

/// One read, with what descriptors came; 0 bytes mean that the peer has closed.
pub fn receive(stream: impl AsFd, bytes: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let read =
        recvmsg(stream, &mut [IoSliceMut::new(bytes)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let descriptors = control
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        })
        .flatten()
        .collect();
    Ok((read.bytes, descriptors))
}

#[cfg(test)]
mod tests {
    use std::{io::Read, os::unix::net::UnixStream};

    use super::*;

    #[test]
    fn a_descriptor_arrives_with_its_bytes() {
        let (here, there) = UnixStream::pair().unwrap();
        let (passed, mut far) = UnixStream::pair().unwrap();
        send(&here, b"frame", &[passed.as_fd()]).unwrap();
        drop(passed);
        let mut bytes = [0; 64];
        let (read, mut descriptors) = receive(&there, &mut bytes).unwrap();
        assert_eq!(&bytes[..read], b"frame");
        drop(UnixStream::from(descriptors.pop().unwrap()));
        assert_eq!(far.read(&mut bytes).unwrap(), 0, "the passed end was the last one open");
    }

    #[test]
    fn a_closed_peer_is_no_bytes() {
        let (here, there) = UnixStream::pair().unwrap();
        drop(here);
        assert_eq!(receive(&there, &mut [0; 8]).unwrap().0, 0);
    }
}
