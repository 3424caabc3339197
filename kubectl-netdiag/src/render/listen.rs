//! `listen`'s lines: where it listens, and who came.

use std::{
    io::{self, Write},
    net::{IpAddr, SocketAddr},
};

use jiff::Timestamp;
use netdiag_wire::listen::{Arrival, ListenRequest};

use super::{Names, Screen, named};
use crate::finding::Peer;

/// `shop/pod/b (10.244.2.40, node-2) listens on TCP *:9999; Ctrl-C ends`.
pub(crate) fn listening(
    out: &mut dyn Write,
    screen: &Screen,
    request: &ListenRequest,
    place: &Peer,
) -> io::Result<()> {
    if !screen.shows_evidence() {
        return Ok(());
    }
    let protocol = if request.udp { "UDP" } else { "TCP" };
    let on = match request.address {
        Some(address) => SocketAddr::new(address, request.port).to_string(),
        None => format!("*:{}", request.port),
    };
    writeln!(out, "{} listens on {protocol} {on}; Ctrl-C ends", named(place))
}

/// `10.244.1.23:50112  03:07:14 UTC  MSS 1460, TTL 62  shop/pod/web`.
pub(crate) fn accepted(
    out: &mut dyn Write,
    screen: &Screen,
    (from, at): (SocketAddr, Timestamp),
    arrival: &Arrival,
    names: &Names,
) -> io::Result<()> {
    if !screen.shows_evidence() {
        return Ok(());
    }
    let mss = arrival.mss.map(|mss| format!("MSS {mss}"));
    let ttl = arrival.ttl.map(|ttl| format!("TTL {ttl}"));
    let looks: Vec<String> = mss.into_iter().chain(ttl).collect();
    let looks = if looks.is_empty() { "-".into() } else { looks.join(", ") };
    writeln!(out, "{from}  {} UTC  {looks}  {}", at.strftime("%H:%M:%S"), who(from.ip(), names))
}

fn who(address: IpAddr, names: &Names) -> String {
    match names.owner_of(address) {
        Some(owner) => owner,
        None if address.to_canonical().is_loopback() => "from the same network, by loopback".into(),
        None => "unknown address".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::scene;

    fn shown(show: impl Fn(&mut dyn Write, &Screen)) -> String {
        let mut out = Vec::new();
        show(&mut out, &Screen::default());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn where_it_listens_and_who_came() {
        let mut request = ListenRequest::on(9999);
        let place = scene::foo();
        let listens = |request: &ListenRequest| {
            shown(|out, screen| listening(out, screen, request, &place).unwrap())
        };
        insta::assert_snapshot!(listens(&request), @"shop/pod/foo (10.244.2.7, node-2) listens on TCP *:9999; Ctrl-C ends");
        request.udp = true;
        request.address = Some("fd00::7".parse().unwrap());
        insta::assert_snapshot!(listens(&request), @"shop/pod/foo (10.244.2.7, node-2) listens on UDP [fd00::7]:9999; Ctrl-C ends");
        let at = "2026-11-22T03:07:14.25Z".parse().unwrap();
        let from = "10.244.1.23:50112".parse().unwrap();
        let syn = Arrival { ttl: Some(62), mss: Some(1460), ..Arrival::default() };
        let names = Names::default();
        let came_from = |from, arrival: &Arrival| {
            shown(|out, screen| accepted(out, screen, (from, at), arrival, &names).unwrap())
        };
        let came = |arrival| came_from(from, arrival);
        insta::assert_snapshot!(came_from("[::1]:50112".parse().unwrap(), &syn), @"[::1]:50112  03:07:14 UTC  MSS 1460, TTL 62  from the same network, by loopback");
        insta::assert_snapshot!(came(&syn), @"10.244.1.23:50112  03:07:14 UTC  MSS 1460, TTL 62  unknown address");
        insta::assert_snapshot!(came(&Arrival::default()), @"10.244.1.23:50112  03:07:14 UTC  -  unknown address");
    }
}
