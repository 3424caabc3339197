//! Which addresses of a target are tried, and in which order.

use std::net::IpAddr;

use netdiag_wire::connect::{ConnectProtocol, ConnectRequest};

use super::wanted;
use crate::{
    ProbeError,
    names::ResolverFiles,
    target::{self, Wanted, candidates},
};

/// Most addresses of a name that one round tries.
const MAX_TRIED: usize = 8;

/// Of every target, each allowed by `destination`.
pub(crate) async fn of_all(
    request: &ConnectRequest,
    files: &ResolverFiles,
    destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
) -> Result<Vec<Vec<IpAddr>>, ProbeError> {
    let mut all = Vec::new();
    for host in request.targets.iter().map(|target| &target.host) {
        let addresses = match request.protocol {
            ConnectProtocol::Tcp => of_host(host, wanted(request), files, destination).await?,
            ConnectProtocol::Udp => {
                vec![target::find(host, wanted(request), files, destination, |_| true).await?]
            }
        };
        all.push(addresses);
    }
    Ok(all)
}

/// Of one name, likewise.
pub(super) async fn of_host(
    host: &str,
    wanted: Wanted,
    files: &ResolverFiles,
    destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
) -> Result<Vec<IpAddr>, ProbeError> {
    let addresses = interleaved(candidates(host, wanted, files).await?);
    addresses.iter().try_for_each(|address| destination(*address))?;
    Ok(addresses)
}

/// IPv6 first, then one of each family in turn (RFC 8305, section 4).
fn interleaved(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let (mut v6, mut v4): (Vec<IpAddr>, Vec<IpAddr>) =
        addresses.into_iter().partition(IpAddr::is_ipv6);
    v6.reverse();
    v4.reverse();
    let mut order = Vec::new();
    while order.len() < MAX_TRIED && !(v6.is_empty() && v4.is_empty()) {
        order.extend(v6.pop());
        order.extend(v4.pop());
    }
    order.truncate(MAX_TRIED);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let order = |texts: &[&str]| {
            let addresses = texts.iter().map(|text| text.parse().unwrap()).collect();
            interleaved(addresses).iter().map(IpAddr::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(order(&["10.0.0.1", "10.0.0.2", "fd00::1"]), "fd00::1 10.0.0.1 10.0.0.2");
        assert_eq!(order(&["fd00::1", "fd00::2"]), "fd00::1 fd00::2");
        let many: Vec<String> = (1..=20).map(|n| format!("10.0.0.{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(order(&many).split(' ').count(), MAX_TRIED);
    }
}
