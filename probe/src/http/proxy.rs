//! Who connects to whom, before a request (HAProxy's proxy-protocol.txt, section 2).

use std::net::{IpAddr, SocketAddr};

use netdiag_wire::http::ProxyProtocol;

/// Section 2.2.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// What goes first, for our own end and the other one.
pub(super) fn proxy_header(
    version: ProxyProtocol,
    ends: Option<(SocketAddr, SocketAddr)>,
) -> Vec<u8> {
    match (version, ends) {
        (ProxyProtocol::V1, None) => b"PROXY UNKNOWN\r\n".to_vec(),
        (ProxyProtocol::V1, Some(ends)) => line(ends),
        // PROXY, an unspecified family, no addresses.
        (ProxyProtocol::V2, None) => [SIGNATURE.as_slice(), &[0x21, 0, 0, 0]].concat(),
        (ProxyProtocol::V2, Some(ends)) => binary(ends),
    }
}

fn line((local, remote): (SocketAddr, SocketAddr)) -> Vec<u8> {
    let family = if local.is_ipv4() { "TCP4" } else { "TCP6" };
    let (from, to) = (local.ip(), remote.ip());
    format!("PROXY {family} {from} {to} {} {}\r\n", local.port(), remote.port()).into_bytes()
}

fn binary((local, remote): (SocketAddr, SocketAddr)) -> Vec<u8> {
    let family = if local.is_ipv4() { 0x11 } else { 0x21 };
    let addresses = [octets(local.ip()), octets(remote.ip())].concat();
    let ports = [local.port().to_be_bytes(), remote.port().to_be_bytes()].concat();
    // Two IPv6 addresses and ports are 36 bytes.
    let length = (addresses.len() + ports.len()) as u16;
    [SIGNATURE, [0x21, family].as_slice(), &length.to_be_bytes(), &addresses, &ports].concat()
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_2_is_the_signature_and_both_ends() {
        let ends = |from: &str, to: &str| Some((from.parse().unwrap(), to.parse().unwrap()));
        let header = |ends| proxy_header(ProxyProtocol::V2, ends);
        let four = header(ends("10.0.0.1:258", "10.0.0.2:80"));
        let want = [0x21, 0x11, 0, 12, 10, 0, 0, 1, 10, 0, 0, 2, 1, 2, 0, 80];
        assert_eq!(four, [SIGNATURE.as_slice(), &want].concat());
        let six = header(ends("[::1]:258", "[::2]:80"));
        assert_eq!((&six[12..16], six.len()), ([0x21, 0x21, 0, 36].as_slice(), 52));
        assert_eq!(header(None)[12..], [0x21, 0, 0, 0]);
    }
}
