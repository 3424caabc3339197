//! The kernel's reasons not to send.

use std::{io, net::IpAddr};

use netdiag_wire::SendRefusal;
use rustix::io::Errno;

use super::route;

pub(crate) fn of(error: &io::Error, to: IpAddr) -> SendRefusal {
    match Errno::from_io_error(error) {
        Some(Errno::NETUNREACH | Errno::HOSTUNREACH) => SendRefusal::NoRoute,
        Some(Errno::MSGSIZE) => SendRefusal::TooLong { mtu: route::mtu(to).ok() },
        Some(Errno::PERM | Errno::ACCESS) => SendRefusal::Denied,
        Some(Errno::NETDOWN | Errno::NODEV | Errno::NXIO) => SendRefusal::InterfaceDown,
        Some(Errno::NOBUFS | Errno::AGAIN) => SendRefusal::QueueFull,
        _ => SendRefusal::Other { message: error.to_string().into() },
    }
}

/// There is no room, but soon there will be.
pub(crate) fn is_for_now(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOBUFS | Errno::AGAIN))
}
