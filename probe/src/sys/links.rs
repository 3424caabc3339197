//! Through which interface a packet leaves, asked by rtnetlink (rtnetlink(7)); the socket is opened
//! before the sandbox and asked within it.

use std::{
    io::{self, Read},
    net::IpAddr,
};

use nix::libc;
use socket2::{Domain, Protocol, Socket, Type};

use crate::packet::netlink::{attribute, messages, request, u32_at};

/// More than an answer of rtnetlink to one read.
const BUFFER: usize = 64 * 1024;
/// ifinfomsg, rtmsg.
const LINK: usize = 16;
const ROUTE: usize = 12;

const ERROR: u16 = libc::NLMSG_ERROR as u16;
const DONE: u16 = libc::NLMSG_DONE as u16;

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
        let socket = route_socket()?;
        let mut links = Vec::new();
        dump(&socket, libc::RTM_GETLINK, &[0; LINK], libc::RTM_NEWLINK, &mut |body| {
            links.extend(link(libc::RTM_NEWLINK, body));
        })?;
        Ok(Self { socket, links })
    }

    /// Every body of that kind, in answer to a question for all of something.
    pub(super) fn dump(
        &self,
        question: u16,
        body: &[u8],
        answer: u16,
        note: &mut dyn FnMut(&[u8]),
    ) -> io::Result<()> {
        dump(&self.socket, question, body, answer, note)
    }

    /// Where packets from `from` to `to` go.
    pub(crate) fn toward(&self, to: IpAddr, from: Option<IpAddr>) -> Option<&Link> {
        self.socket.send(&question(to, from)).ok()?;
        let answer = read(&self.socket).ok()?;
        let route = messages(&answer).find(|message| message.kind == libc::RTM_NEWROUTE)?;
        self.of_index(u32_at(attribute(route.body.get(ROUTE..)?, libc::RTA_OIF)?, 0)?)
    }

    pub(crate) fn of_index(&self, index: u32) -> Option<&Link> {
        self.links.iter().find(|link| link.index == index)
    }
}

/// An interface's name and kind (IFLA_INFO_KIND).
pub(crate) type Named = (Vec<u8>, Option<Vec<u8>>);

/// Every interface, in the kernel's order.
pub(crate) fn kinds() -> io::Result<Vec<Named>> {
    let mut kinds = Vec::new();
    dump(&route_socket()?, libc::RTM_GETLINK, &[0; LINK], libc::RTM_NEWLINK, &mut |body| {
        kinds.extend(body.get(LINK..).and_then(kind));
    })?;
    Ok(kinds)
}

fn kind(attributes: &[u8]) -> Option<Named> {
    let text = |bytes: &[u8]| bytes.strip_suffix(b"\0").unwrap_or(bytes).to_vec();
    let name = text(attribute(attributes, libc::IFLA_IFNAME)?);
    let info = attribute(attributes, libc::IFLA_LINKINFO);
    Some((name, info.and_then(|info| attribute(info, libc::IFLA_INFO_KIND)).map(text)))
}

fn route_socket() -> io::Result<Socket> {
    let kind = Type::RAW.nonblocking();
    Socket::new(Domain::from(libc::AF_NETLINK), kind, Some(Protocol::from(libc::NETLINK_ROUTE)))
}

/// Reads until it is said that this was all, beside the last answers or after them.
fn dump(
    socket: &Socket,
    question: u16,
    body: &[u8],
    answer: u16,
    note: &mut dyn FnMut(&[u8]),
) -> io::Result<()> {
    let flags = libc::NLM_F_REQUEST | libc::NLM_F_DUMP;
    socket.send(&request(question, flags, 0, body))?;
    loop {
        for message in messages(&read(socket)?) {
            match message.kind {
                kind if kind == answer => note(message.body),
                DONE | ERROR => return Ok(()),
                _ => {}
            }
        }
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
    request(libc::RTM_GETROUTE, libc::NLM_F_REQUEST, 0, &body)
}

fn link(kind: u16, body: &[u8]) -> Option<Link> {
    let (header, attributes) = body.split_at_checked(LINK)?;
    if kind != libc::RTM_NEWLINK {
        return None;
    }
    let name = attribute(attributes, libc::IFLA_IFNAME)?.strip_suffix(b"\0")?;
    Some(Link {
        index: u32_at(header, 4)?,
        name: name.to_vec(),
        mtu: u32_at(attribute(attributes, libc::IFLA_MTU)?, 0)?,
    })
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
}
