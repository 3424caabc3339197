//! Through which interface a packet leaves, asked by rtnetlink (rtnetlink(7)); the socket is opened
//! before the sandbox and asked within it.

use std::{
    io::{self, Read},
    net::IpAddr,
};

use nix::libc;
use socket2::{Domain, Protocol, Socket, Type};

/// More than an answer of rtnetlink to one read.
const BUFFER: usize = 64 * 1024;
/// nlmsghdr, ifinfomsg, rtmsg.
const HEADER: usize = 16;
const LINK: usize = 16;
const ROUTE: usize = 12;

#[derive(Debug)]
pub(crate) struct Links {
    socket: Socket,
    links: Vec<Link>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Link {
    index: u32,
    pub(crate) name: Vec<u8>,
    pub(crate) mtu: u32,
}

impl Links {
    pub(crate) fn open() -> io::Result<Self> {
        let socket = Socket::new(
            Domain::from(libc::AF_NETLINK),
            Type::RAW.nonblocking(),
            Some(Protocol::from(libc::NETLINK_ROUTE)),
        )?;
        let flags = libc::NLM_F_REQUEST | libc::NLM_F_DUMP;
        socket.send(&message(libc::RTM_GETLINK, flags, &[0; LINK]))?;
        let mut links = Vec::new();
        let mut is_more = true;
        while is_more {
            is_more = false;
            for (kind, body) in messages(&read(&socket)?) {
                is_more |= kind == libc::RTM_NEWLINK;
                links.extend(link(kind, body));
            }
        }
        Ok(Self { socket, links })
    }

    /// Where packets from `from` to `to` go.
    pub(crate) fn toward(&self, to: IpAddr, from: Option<IpAddr>) -> Option<&Link> {
        self.socket.send(&question(to, from)).ok()?;
        let answer = read(&self.socket).ok()?;
        let (_, body) =
            messages(&answer).into_iter().find(|(kind, _)| *kind == libc::RTM_NEWROUTE)?;
        let index = number(attribute(body.get(ROUTE..)?, libc::RTA_OIF)?)?;
        self.links.iter().find(|link| link.index == index)
    }
}

/// The kernel answers within the call that asks, so this never waits.
fn read(mut socket: &Socket) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; BUFFER];
    let length = socket.read(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}

fn question(to: IpAddr, from: Option<IpAddr>) -> Vec<u8> {
    let family = if to.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let mut body = vec![0; ROUTE];
    body[0] = family as u8;
    let addresses = [(libc::RTA_DST, Some(to)), (libc::RTA_SRC, from)];
    for (place, (kind, address)) in addresses.into_iter().enumerate() {
        let Some(address) = address else { continue };
        let bytes = match address {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        // Length of the prefix, in bits.
        body[1 + place] = bytes.len() as u8 * 8;
        body.extend((4 + bytes.len() as u16).to_ne_bytes());
        body.extend(kind.to_ne_bytes());
        body.extend(bytes);
    }
    message(libc::RTM_GETROUTE, libc::NLM_F_REQUEST, &body)
}

fn message(kind: u16, flags: i32, body: &[u8]) -> Vec<u8> {
    let length = (HEADER + body.len()) as u32;
    let mut bytes = Vec::from(length.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend((flags as u16).to_ne_bytes());
    // Sequence number and port: nobody else uses this socket.
    bytes.extend([0; 8]);
    bytes.extend(body);
    bytes
}

fn messages(mut bytes: &[u8]) -> Vec<(u16, &[u8])> {
    let mut found = Vec::new();
    while let Some((header, _)) = bytes.split_at_checked(HEADER) {
        let length = number(&header[..4]).unwrap_or_default() as usize;
        let kind = u16::from_ne_bytes([header[4], header[5]]);
        let Some(body) = bytes.get(HEADER..length) else { break };
        found.push((kind, body));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    found
}

fn link(kind: u16, body: &[u8]) -> Option<Link> {
    let (header, attributes) = body.split_at_checked(LINK)?;
    if kind != libc::RTM_NEWLINK {
        return None;
    }
    let name = attribute(attributes, libc::IFLA_IFNAME)?.strip_suffix(b"\0")?;
    Some(Link {
        index: number(&header[4..8])?,
        name: name.to_vec(),
        mtu: number(attribute(attributes, libc::IFLA_MTU)?)?,
    })
}

fn attribute(mut bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    while let [a, b, c, d, ..] = *bytes {
        let length = usize::from(u16::from_ne_bytes([a, b]));
        let value = bytes.get(4..length)?;
        if u16::from_ne_bytes([c, d]) == wanted {
            return Some(value);
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    None
}

fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_leads_to_itself() {
        let links = Links::open().unwrap();
        for address in [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])] {
            let link = links.toward(address, None).unwrap();
            assert_eq!((&link.name[..], link.mtu), (&b"lo"[..], 65_536));
        }
    }

    #[test]
    fn lengths_that_lie_are_no_panic() {
        for length in [0_u32, 3, 15, 16, 17, 4_000_000_000] {
            let mut bytes = message(libc::RTM_NEWLINK, 0, &[0xff; 40]);
            bytes[..4].copy_from_slice(&length.to_ne_bytes());
            messages(&bytes).into_iter().for_each(|(kind, body)| drop(link(kind, body)));
        }
    }
}
