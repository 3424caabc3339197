//! Many packets by one call: what a scan sends and hears.

use std::{
    io::{self, IoSlice, IoSliceMut},
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
};

use nix::{
    cmsg_space,
    errno::Errno,
    libc,
    sys::socket::{
        ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg,
    },
};

use super::packets::{Packet, PacketSocket};

/// By one call.
const MOST: usize = 64;
/// Bytes of a packet that are looked at: IPv6 and TCP with all their options, or what ICMP quotes.
const SNAP: usize = 256;

/// Room for what one call brings.
pub(crate) struct Buffers(Vec<[u8; SNAP]>);

impl Buffers {
    pub(crate) fn new() -> Self {
        Self(vec![[0; SNAP]; MOST])
    }
}

impl PacketSocket {
    /// How many were sent; an error is about the first.
    pub(crate) fn send_many(&self, packets: &[(IpAddr, Vec<u8>)]) -> io::Result<usize> {
        let packets = &packets[..packets.len().min(MOST)];
        let parts: Vec<[IoSlice; 1]> =
            packets.iter().map(|(_, bytes)| [IoSlice::new(bytes)]).collect();
        let to: Vec<Option<SockaddrStorage>> =
            packets.iter().map(|(to, _)| Some(SocketAddr::new(*to, 0).into())).collect();
        let mut headers = MultiHeaders::preallocate(packets.len(), None);
        let flags = MsgFlags::MSG_DONTWAIT;
        Ok(sendmmsg(self.as_raw_fd(), &mut headers, &parts, to, [], flags)?.count())
    }

    /// Takes what there is, at most as many as one call brings; whether there may be more.
    pub(crate) fn take_many(
        &self,
        buffers: &mut Buffers,
        note: &mut dyn FnMut(Packet<'_>),
    ) -> io::Result<bool> {
        let mut parts: Vec<[IoSliceMut; 1]> =
            buffers.0.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
        let space = cmsg_space!(libc::c_int);
        let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(MOST, Some(space));
        let flags = MsgFlags::MSG_DONTWAIT;
        let taken = match recvmmsg(self.as_raw_fd(), &mut headers, &mut parts, flags, None) {
            Ok(taken) => taken,
            Err(Errno::EAGAIN) => return Ok(false),
            // A sandbox that forbids receiving; never what an ICMP error is turned into.
            Err(Errno::EPERM) => return Err(Errno::EPERM.into()),
            Err(_) => return Ok(true),
        };
        let mut count = 0;
        for message in taken {
            count += 1;
            let Some(bytes) = message.iovs().next() else { continue };
            let hop_limit = || {
                let mut controls = message.cmsgs().ok()?;
                controls.find_map(|control| match control {
                    ControlMessageOwned::Ipv6HopLimit(limit) => u8::try_from(limit).ok(),
                    _ => None,
                })
            };
            let from = message.address.as_ref().and_then(super::receive::address);
            self.read(bytes, from.map(|from| from.ip()), hop_limit)
                .into_iter()
                .for_each(&mut *note);
        }
        Ok(count == MOST)
    }
}
