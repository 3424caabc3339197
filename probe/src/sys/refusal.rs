//! The kernel's reasons not to send.

use std::{io, net::IpAddr};

use netdiag_wire::SendRefusal;
use rustix::io::Errno;

use super::route;

pub(crate) fn of(error: &io::Error, to: IpAddr) -> SendRefusal {
    match Errno::from_io_error(error) {
        Some(errno) => of_errno(errno, to),
        None => SendRefusal::Other { message: error.to_string().into() },
    }
}

/// As [`of`], where only the number was kept.
pub(crate) fn of_errno(errno: Errno, to: IpAddr) -> SendRefusal {
    match errno {
        Errno::NETUNREACH | Errno::HOSTUNREACH => SendRefusal::NoRoute,
        Errno::MSGSIZE => SendRefusal::TooLong { mtu: route::mtu(to).ok() },
        Errno::PERM | Errno::ACCESS => SendRefusal::Denied,
        Errno::NETDOWN | Errno::NODEV | Errno::NXIO => SendRefusal::InterfaceDown,
        Errno::NOBUFS | Errno::AGAIN => SendRefusal::QueueFull,
        _ => SendRefusal::Other { message: io::Error::from(errno).to_string().into() },
    }
}

/// There is no room, but soon there will be.
pub(crate) fn is_for_now(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOBUFS | Errno::AGAIN))
}
