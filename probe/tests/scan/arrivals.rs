//! When SYNs came, by the clock of the kernel that they came to.

use std::{
    io::IoSliceMut,
    iter,
    net::TcpStream,
    os::fd::AsRawFd,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt,
};
use socket2::{Domain, Protocol, Socket, Type};

use crate::lab::Netns;

/// Hears from now on whatever TCP brings to that namespace, and keeps it.
pub(super) struct Arrivals(Socket);

impl Arrivals {
    pub(super) fn at(namespace: &Netns) -> Self {
        namespace.enter(|| {
            let kind = Type::RAW.nonblocking();
            let socket = Socket::new(Domain::IPV4, kind, Some(Protocol::TCP)).unwrap();
            setsockopt(&socket, sockopt::ReceiveTimestampns, &true).unwrap();
            setsockopt(&socket, sockopt::RcvBufForce, &(16 << 20)).unwrap();
            let arrivals = Self(socket);
            while !arrivals.has_clock() {}
            arrivals
        })
    }

    /// The kernel turns its clock on somewhat later; what came before is stamped when it is read.
    fn has_clock(&self) -> bool {
        TcpStream::connect(("127.0.0.1", 1)).unwrap_err();
        let read = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let times: Vec<_> = iter::from_fn(|| self.next()).map(|(_, at)| at).collect();
        !times.is_empty() && times.iter().all(|at| *at < read)
    }

    /// SYNs a second between the first and the last one.
    pub(super) fn rate(&self) -> f64 {
        let times = self.syns();
        let took = times[times.len() - 1] - times[0];
        (times.len() - 1) as f64 / took.as_secs_f64()
    }

    /// When each SYN came, since 1970.
    pub(super) fn syns(&self) -> Vec<Duration> {
        // SYN, and no ACK.
        let is_syn = |packet: &[u8]| packet[usize::from(packet[0] & 0xf) * 4 + 13] & 0x12 == 0x02;
        let syns = iter::from_fn(|| self.next()).filter(|(packet, _)| is_syn(packet));
        syns.map(|(_, at)| at).collect()
    }

    fn next(&self) -> Option<(Vec<u8>, Duration)> {
        let mut packet = vec![0; 128];
        let mut space = nix::cmsg_space!(nix::sys::time::TimeSpec);
        let mut room = [IoSliceMut::new(&mut packet)];
        let (descriptor, flags) = (self.0.as_raw_fd(), MsgFlags::empty());
        let came =
            recvmsg::<SockaddrStorage>(descriptor, &mut room, Some(&mut space), flags).ok()?;
        let at = came.cmsgs().unwrap().find_map(|beside| match beside {
            ControlMessageOwned::ScmTimestampns(at) => Some(Duration::from(at)),
            _ => None,
        });
        Some((packet, at.unwrap()))
    }
}
