//! Mode Ask: one name only, each type a question, as dig asks.

use std::net::{IpAddr, SocketAddr};

use netdiag_wire::{
    Family,
    dns::{DnsEvent, DnsRequest, DnsServer, DnsTransport, Libc, ResolverSettings},
};

use super::{
    exchange::{Client, Exchanged, Server},
    message::Asked,
    name::Name,
    report, resolv_conf,
};
use crate::{
    ProbeError,
    names::{self, ResolverFiles},
};

pub(super) async fn run(
    request: &DnsRequest,
    files: &ResolverFiles,
    client: &Client<'_>,
    emit: &mut impl FnMut(DnsEvent),
) -> Result<(), ProbeError> {
    let name = name(request, files)?;
    let servers = servers(request, files, emit).await?;
    let mut index = 0;
    for kind in request.asked_types() {
        let asked = Asked { name: name.clone(), kind, class: request.class };
        for server in &servers {
            let exchanged = client.exchange(&asked, server).await?;
            let is_answered = is_answered(&exchanged);
            report::emit(exchanged, index, emit);
            index += 1;
            if is_answered {
                break;
            }
        }
    }
    Ok(())
}

/// As for dig, any message is one: after SERVFAIL nobody else is asked.
fn is_answered(exchanged: &Exchanged) -> bool {
    exchanged.query.message.is_some()
}

/// Absolute in any case, and with the cluster's domain where it is one of a cluster's.
pub(super) fn name(request: &DnsRequest, files: &ResolverFiles) -> Result<Name, ProbeError> {
    let (name, _) = Name::parse(&request.name).map_err(ProbeError::Request)?;
    if !request.in_cluster {
        return Ok(name);
    }
    let settings = resolv_conf::parse(&files.resolv_conf, request.libc);
    let domain = Name::parse(&resolv_conf::cluster_domain(&settings));
    domain.and_then(|(domain, _)| name.join(&domain)).map_err(ProbeError::Request)
}

/// Those of the request, or where there are none of resolv.conf, in their order.
async fn servers(
    request: &DnsRequest,
    files: &ResolverFiles,
    emit: &mut impl FnMut(DnsEvent),
) -> Result<Vec<Server>, ProbeError> {
    let mut servers = Vec::new();
    if request.servers.is_empty() {
        let settings = resolv_conf::parse(&files.resolv_conf, Libc::Glibc);
        servers = nameservers(request, &settings);
        emit(DnsEvent::Resolver(settings));
    }
    for given in &request.servers {
        servers.extend(addresses(request, given, files).await?);
    }
    match servers.is_empty() {
        true => Err(ProbeError::Request("no nameserver of that family to ask".into())),
        false => Ok(servers),
    }
}

/// Those of resolv.conf that are of the family that the request wants.
pub(super) fn nameservers(request: &DnsRequest, settings: &ResolverSettings) -> Vec<Server> {
    let port = port(request, None);
    let wanted = settings.nameservers.iter().filter(|address| request.family.has(**address));
    wanted.map(|a| Server { address: SocketAddr::new(*a, port), name: None }).collect()
}

/// Every address of one server.
pub(super) async fn addresses(
    request: &DnsRequest,
    given: &DnsServer,
    files: &ResolverFiles,
) -> Result<Vec<Server>, ProbeError> {
    let port = port(request, given.port);
    if let Ok(address) = given.host.parse::<IpAddr>() {
        let host = given.host.clone();
        return match (request.family.has(address), request.family) {
            (true, _) => Ok(vec![Server { address: SocketAddr::new(address, port), name: None }]),
            (false, Family::V4) => Err(ProbeError::WrongFamily { host, family: "IPv4" }),
            (false, _) => Err(ProbeError::WrongFamily { host, family: "IPv6" }),
        };
    }
    let found = names::resolve(&given.host, request.family, files).await?;
    let name = Some(given.host.clone());
    let server = |address| Server { address: SocketAddr::new(address, port), name: name.clone() };
    Ok(found.into_iter().map(server).collect())
}

fn port(request: &DnsRequest, given: Option<u16>) -> u16 {
    given.unwrap_or(match request.options.transport {
        DnsTransport::Tls => 853,
        DnsTransport::Https => 443,
        DnsTransport::Udp | DnsTransport::Tcp | DnsTransport::Unknown => 53,
    })
}
