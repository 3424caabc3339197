//! Mode EveryServer: the name that a walk finds, from each server, all at once.

use netdiag_wire::dns::{DnsEvent, DnsRequest, RecordType, ResolverSettings};

use super::{
    ask,
    exchange::{Client, Server},
    message::Asked,
    name::Name,
    race::Race,
    report, resolv_conf,
    walk::{self, Asker, How, Musl, Sink},
};
use crate::{ProbeError, names::ResolverFiles};

/// Of each server, where the request does not say.
const TRIES: u8 = 2;

pub(super) async fn run(
    request: &DnsRequest,
    files: &ResolverFiles,
    client: &Client<'_>,
    emit: &mut impl FnMut(DnsEvent),
) -> Result<(), ProbeError> {
    let settings = resolv_conf::parse(&files.resolv_conf, request.libc);
    emit(DnsEvent::Resolver(settings.clone()));
    let mut client = client.clone();
    client.passes_over_limits = true;
    let how = How::new(request, &settings, &client)?;
    let mut servers = how.servers.clone();
    for given in &request.servers {
        for server in ask::addresses(request, given, files).await? {
            if !servers.iter().any(|known| known.address == server.address) {
                servers.push(server);
            }
        }
    }
    let kinds = walk::kinds(request, &settings).concat();
    let name = found(request, &settings, &how, &kinds).await?;
    let mut client = how.client.clone();
    client.tries = request.options.tries.unwrap_or(TRIES);
    let asked = |kind: &RecordType| Asked { name: name.clone(), kind: *kind, class: request.class };
    let asked: Vec<_> = kinds.iter().map(asked).collect();
    ask_all(&client, &asked, &servers, emit).await
}

async fn ask_all(
    client: &Client<'_>,
    asked: &[Asked],
    servers: &[Server],
    emit: &mut impl FnMut(DnsEvent),
) -> Result<(), ProbeError> {
    let mut race = Race::new();
    for (at, server) in servers.iter().enumerate() {
        race.push(async move { (at, client.exchange_all(asked, server).await) });
    }
    while let Some((at, replies)) = race.next().await {
        for (of, reply) in replies?.into_iter().enumerate() {
            report::emit(reply, (at * asked.len() + of) as u32, emit);
        }
    }
    Ok(())
}

/// Which of the names that the libc tries is answered, by whatever server of resolv.conf answers
/// first; without an answer the name as it is.
async fn found(
    request: &DnsRequest,
    settings: &ResolverSettings,
    how: &How<'_>,
    kinds: &[RecordType],
) -> Result<Name, ProbeError> {
    let given = walk::given(request, settings)?;
    let (name, is_absolute) = Name::parse(&given).map_err(ProbeError::Request)?;
    if is_absolute {
        return Ok(name);
    }
    let mut sink = Sink { next: 0, emit: &mut |_| {} };
    let mut asker = Asker::Musl(Musl::new(how));
    let found = walk::walk(&given, kinds, settings, &mut asker, &mut sink).await?;
    Ok(found.unwrap_or(name))
}
