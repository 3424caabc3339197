//! Mode Iterate: from the root servers down, each zone's servers asked in turn, as dig's `+trace`.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use netdiag_wire::{
    Family,
    dns::{ChainLink, Class, DnsEvent, DnsOutcome, DnsRequest, RecordType},
};

mod delegation;
mod roots;

use super::{
    ask,
    exchange::{Client, Exchanged, Server},
    message::Asked,
    name::Name,
    report,
    validate::{self, Fetched, Source, fetched, with_dnssec},
};
use crate::{ProbeError, names::ResolverFiles};
use delegation::{NameServer, ZoneServers};

/// All together, validation included, so that zones which lead into the void or in a circle come to an end.
const MAX_QUERIES: u32 = 100;
/// Of names of servers that have to be found to find names of servers.
const MAX_DEPTH: usize = 6;
/// Of one zone; no root or top-level domain has more.
const MAX_SERVERS: usize = 13;
/// There is always a next server, so that less patience is needed than for the only one.
const TIMEOUT: Duration = Duration::from_secs(2);
const TRIES: u8 = 2;

/// What is known of the tree of zones by now.
struct Tree<'a, E> {
    client: Client<'a>,
    request: &'a DnsRequest,
    emit: &'a mut E,
    /// Of the next query.
    index: u32,
    left: u32,
    zones: Vec<ZoneServers>,
    /// Servers whose addresses are being looked for.
    sought: Vec<Name>,
    /// Those that were.
    found: Vec<(Name, Vec<IpAddr>)>,
}

/// What one server made of a question.
enum Reply {
    /// Whatever it says is the end of it.
    Final(Box<Exchanged>),
    Down(ZoneServers),
    /// The next one may know better.
    Useless,
}

pub(super) async fn run(
    request: &DnsRequest,
    files: &ResolverFiles,
    client: &Client<'_>,
    emit: &mut impl FnMut(DnsEvent),
) -> Result<(), ProbeError> {
    let name = ask::name(request, files)?;
    let mut tree = Tree::new(request, client, emit);
    tree.prime().await?;
    for kind in request.asked_types() {
        let asked = Asked { name: name.clone(), kind, class: request.class };
        let found = tree.find(&asked, None).await?;
        if request.validate && found.is_some() {
            let patient = tree.client.clone();
            tree.client = with_dnssec(&patient);
            validate::whole(&mut tree, request, &name, kind).await?;
            tree.client = patient;
        }
    }
    Ok(())
}

impl<'a, E: FnMut(DnsEvent)> Tree<'a, E> {
    fn new(request: &'a DnsRequest, client: &Client<'a>, emit: &'a mut E) -> Self {
        let mut client = client.clone();
        client.options.no_recurse = true;
        // A zone names what servers it likes, and must not end the run so.
        client.passes_over_limits = true;
        let given = &request.options;
        client.timeout = given.timeout_us.map_or(TIMEOUT, |_| client.timeout);
        client.tries = given.tries.unwrap_or(TRIES);
        let zones = vec![roots::zone(&request.root_servers)];
        let left = MAX_QUERIES;
        let (sought, found) = (Vec::new(), Vec::new());
        Self { client, request, emit, index: 0, left, zones, sought, found }
    }

    /// The root's servers as one of them has them; what it leaves out is as it was given.
    async fn prime(&mut self) -> Result<(), ProbeError> {
        let root = Name::root();
        let asked = Asked { name: root.clone(), kind: RecordType::NS, class: Class::IN };
        let found = self.find(&asked, Some(&root)).await?;
        let Some(message) = found.and_then(|exchanged| exchanged.message) else { return Ok(()) };
        let mut zone = ZoneServers::read(&root, &message.answer, &message.additional, &root);
        let given = self.zones.remove(0);
        for server in &mut zone.servers {
            let same = given.servers.iter().find(|other| other.name.is_same(&server.name));
            if let Some(other) = same.filter(|_| server.addresses.is_empty()) {
                server.addresses.clone_from(&other.addresses);
            }
        }
        self.zones.push(if zone.servers.is_empty() { given } else { zone });
        Ok(())
    }

    /// From the nearest zone known down to whoever has the answer, or to nobody.
    async fn find(
        &mut self,
        asked: &Asked,
        behalf: Option<&Name>,
    ) -> Result<Option<Box<Exchanged>>, ProbeError> {
        let mut zone = self.nearest(asked);
        loop {
            match self.ask_zone(&zone, asked, behalf).await? {
                Reply::Final(exchanged) => return Ok(Some(exchanged)),
                Reply::Useless => return Ok(None),
                Reply::Down(below) => {
                    self.zones.push(below.clone());
                    zone = below;
                }
            }
        }
    }

    /// DS records are with the parent's servers.
    fn nearest(&self, asked: &Asked) -> ZoneServers {
        let is_parents = asked.kind == RecordType::DS && !asked.name.is_root();
        let above = self.zones.iter().filter(|zone| {
            asked.name.is_within(&zone.name) && !(is_parents && asked.name.is_same(&zone.name))
        });
        let nearest = above.max_by_key(|zone| zone.name.labels().count());
        nearest.cloned().unwrap_or_else(|| roots::zone(&self.request.root_servers))
    }

    /// Those whose addresses came along first; the others have to be found.
    async fn ask_zone(
        &mut self,
        zone: &ZoneServers,
        asked: &Asked,
        behalf: Option<&Name>,
    ) -> Result<Reply, ProbeError> {
        let (with, without): (Vec<_>, Vec<_>) =
            zone.servers.iter().take(MAX_SERVERS).partition(|s| !s.addresses.is_empty());
        for server in with.into_iter().chain(without) {
            let mut server = server.clone();
            if server.addresses.is_empty() {
                server.addresses = self.addresses(&server.name, &zone.name).await?;
            }
            for to in self.reachable(&server) {
                let reply = self.ask(zone, asked, behalf, &to).await?;
                if !matches!(reply, Reply::Useless) {
                    return Ok(reply);
                }
            }
        }
        Ok(Reply::Useless)
    }

    fn reachable(&self, server: &NameServer) -> Vec<Server> {
        let name = Some(server.name.to_string());
        let addresses = server.addresses.iter().filter(|a| self.request.family.has(**a));
        addresses
            .map(|address| Server { address: SocketAddr::new(*address, 53), name: name.clone() })
            .collect()
    }

    async fn ask(
        &mut self,
        zone: &ZoneServers,
        asked: &Asked,
        behalf: Option<&Name>,
        to: &Server,
    ) -> Result<Reply, ProbeError> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(Reply::Useless) };
        self.left = left;
        let mut exchanged = self.client.exchange(asked, to).await?;
        exchanged.query.on_behalf_of = behalf.map(|name| name.to_string().into());
        let reply = reply(zone, asked, &exchanged);
        report::emit(exchanged, self.index, self.emit);
        self.index += 1;
        Ok(reply)
    }

    /// What was found before, or is found now in the same way, from the root down.
    async fn addresses(&mut self, server: &Name, zone: &Name) -> Result<Vec<IpAddr>, ProbeError> {
        if let Some((_, known)) = self.found.iter().find(|(name, _)| name.is_same(server)) {
            return Ok(known.clone());
        }
        let is_circle = self.sought.iter().any(|name| name.is_same(server));
        if is_circle || self.sought.len() >= MAX_DEPTH {
            return Ok(Vec::new());
        }
        self.sought.push(server.clone());
        // The future would hold itself.
        let addresses = Box::pin(self.search(server, zone)).await?;
        self.sought.pop();
        self.found.push((server.clone(), addresses.clone()));
        Ok(addresses)
    }

    /// Of one family, if that may be asked.
    async fn search(&mut self, server: &Name, zone: &Name) -> Result<Vec<IpAddr>, ProbeError> {
        let kinds: &[RecordType] = match self.request.family {
            Family::Any => &[RecordType::A, RecordType::AAAA],
            Family::V4 => &[RecordType::A],
            Family::V6 => &[RecordType::AAAA],
        };
        for kind in kinds {
            let asked = Asked { name: server.clone(), kind: *kind, class: Class::IN };
            let found = self.find(&asked, Some(zone)).await?;
            let answer = found.and_then(|exchanged| exchanged.message).unwrap_or_default().answer;
            let addresses = delegation::addresses(server, &answer);
            if !addresses.is_empty() {
                return Ok(addresses);
            }
        }
        Ok(Vec::new())
    }
}

impl<E: FnMut(DnsEvent)> Source for Tree<'_, E> {
    async fn ask(
        &mut self,
        name: &Name,
        kind: RecordType,
        zone: &Name,
    ) -> Result<Fetched, ProbeError> {
        let asked = Asked { name: name.clone(), kind, class: Class::IN };
        Ok(match self.find(&asked, Some(zone)).await? {
            Some(exchanged) => fetched(&exchanged),
            None if self.left == 0 => {
                Fetched::Nothing(format!("{MAX_QUERIES} queries have been asked by now"))
            }
            None => Fetched::Nothing(format!("no server of {} has it", self.nearest(&asked).name)),
        })
    }

    fn link(&mut self, link: ChainLink) {
        (self.emit)(DnsEvent::Link(link));
    }
}

fn reply(zone: &ZoneServers, asked: &Asked, exchanged: &Exchanged) -> Reply {
    let Some(message) = &exchanged.message else { return Reply::Useless };
    let is_told = message.header.flags.aa || !message.answer.is_empty();
    match exchanged.query.outcome {
        DnsOutcome::Answered | DnsOutcome::NoData | DnsOutcome::NxDomain if is_told => {
            Reply::Final(Box::new(exchanged.clone()))
        }
        DnsOutcome::Referral => match ZoneServers::below(zone, asked, message) {
            Some(below) => Reply::Down(below),
            None => Reply::Useless,
        },
        _ => Reply::Useless,
    }
}
