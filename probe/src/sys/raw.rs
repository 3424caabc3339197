//! What no crate offers safely; the workspace's one fence for `unsafe`.
#![expect(unsafe_code, reason = "the workspace's one fence")]

use std::{
    collections::HashSet,
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd},
};

use nix::libc;
use rustix::fs::{FileType, fstat};
use tokio::io::{Interest, unix::AsyncFd};

use super::{connects::Epoll, icmp::IcmpSocket, packets::PacketSocket, unprivileged::Unprivileged};

/// Nobody can take off or change the socket's filter from now on.
pub(super) fn lock_filter(socket: impl AsFd) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the descriptor is borrowed for the call; value and length are those of `on`.
    let done = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LOCK_FILTER,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// From now on the kernel keeps the SYN of each connection to this listener until it is read
/// (tcp(7)).
pub(crate) fn save_syn(listener: impl AsFd) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the descriptor is borrowed for the call; value and length are those of `on`.
    let done = unsafe {
        libc::setsockopt(
            listener.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_SAVE_SYN,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The headers of the SYN that opened this connection, which the kernel then forgets.
pub(crate) fn saved_syn(connection: impl AsFd) -> io::Result<Vec<u8>> {
    // An IPv6 header with a few extensions, and 60 bytes of TCP; more does not fit and is refused.
    let mut bytes = vec![0_u8; 512];
    let mut length = bytes.len() as libc::socklen_t;
    // SAFETY: the descriptor is borrowed for the call; the kernel writes at most `length` bytes,
    // which is how long the buffer is, and then how many it wrote.
    let done = unsafe {
        libc::getsockopt(
            connection.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_SAVED_SYN,
            bytes.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    bytes.truncate(length as usize);
    if done == 0 { Ok(bytes) } else { Err(io::Error::last_os_error()) }
}

/// Inodes of this process's own sockets.
pub(crate) fn own_sockets() -> HashSet<Option<u32>> {
    /// A worker has no more descriptors than this; beyond, sockets are told as anybody's.
    const DESCRIPTORS: RawFd = 256;
    let descriptors = (0..DESCRIPTORS).filter_map(|number| {
        // SAFETY: lent to one fstat, which says EBADF of a number that is no descriptor; nothing
        // is read, written or closed by it.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        fstat(descriptor).ok()
    });
    descriptors
        .filter(|found| FileType::from_raw_mode(found.st_mode) == FileType::Socket)
        .map(|found| u32::try_from(found.st_ino).ok())
        .collect()
}

/// A socket that owns its descriptor, has the same one for life and closes it on drop only.
///
/// # Safety
///
/// The runtime relies on it: a descriptor that changed would leave it watching somebody else's.
pub(crate) unsafe trait Steady: AsRawFd {}

// SAFETY: it owns a descriptor that nothing exchanges.
unsafe impl Steady for Epoll {}
// SAFETY: it owns a `Socket` that nothing exchanges.
unsafe impl Steady for IcmpSocket {}
// SAFETY: it owns a `Socket` that nothing exchanges.
unsafe impl Steady for PacketSocket {}
// SAFETY: it owns a `Socket` that nothing exchanges.
unsafe impl Steady for Unprivileged {}

pub(super) fn watch<S: Steady>(socket: S, interest: Interest) -> io::Result<AsyncFd<S>> {
    // SAFETY: as `Steady` promises; nothing reaches into the `AsyncFd` to exchange the socket.
    unsafe { AsyncFd::register_with_interest(socket, interest) }.map_err(Into::into)
}

/// What the kernel knows of a TCP connection (tcp(7), TCP_INFO).
pub(super) fn tcp_info(socket: impl AsFd) -> io::Result<libc::tcp_info> {
    // SAFETY: plain integers, for which zero is a value.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut length = size_of_val(&info) as libc::socklen_t;
    // SAFETY: the descriptor is borrowed for the call; the kernel writes at most `length` bytes.
    let done = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut length,
        )
    };
    if done == 0 { Ok(info) } else { Err(io::Error::last_os_error()) }
}
