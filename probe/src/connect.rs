//! Connections and datagrams: whether a port takes them, and what passes over them.

use std::{
    cell::RefCell,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures_util::future::join_all;
use netdiag_wire::connect::{ConnectEvent, ConnectProtocol, ConnectRequest};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

pub(crate) mod addresses;
mod banner;
pub(crate) mod copy;
mod datagram;
mod resets;
pub(crate) mod round;
mod stream;
pub(crate) mod syn;

use crate::{
    Probe, ProbeError,
    names::ResolverFiles,
    sys::{datagram::Origin, route},
    tables::Tables,
    target::Wanted,
};
use resets::Resets;
use round::Round;

/// Opened while there is privilege.
#[derive(Debug)]
pub struct ConnectSockets {
    tables: Tables,
    resets: Resets,
}

impl ConnectSockets {
    /// Without the tables: a proxy's connection is one as well, and the caller looks whose it is.
    pub(crate) fn without_tables(ports: &[u16]) -> Result<Self, ProbeError> {
        Ok(Self { tables: Tables::default(), resets: Resets::open(ports)? })
    }
}

impl Probe for ConnectRequest {
    type Sockets = ConnectSockets;
    type Event = ConnectEvent;

    fn open(&self) -> Result<ConnectSockets, ProbeError> {
        self.check().map_err(ProbeError::Request)?;
        wanted(self).check_source()?;
        if self.protocol == ConnectProtocol::Udp {
            return Ok(ConnectSockets { tables: Tables::default(), resets: Resets::default() });
        }
        let ports: Vec<u16> = self.targets.iter().map(|target| target.port).collect();
        Ok(ConnectSockets { tables: Tables::open(), resets: Resets::open(&ports)? })
    }

    async fn run(
        &self,
        sockets: ConnectSockets,
        files: &ResolverFiles,
        destination: &dyn Fn(IpAddr) -> Result<(), ProbeError>,
        emit: &mut impl FnMut(ConnectEvent),
        stop: CancellationToken,
    ) -> Result<(), ProbeError> {
        let probing = async {
            let addresses = addresses::of_all(self, files, destination).await?;
            for (index, addresses) in addresses.iter().enumerate() {
                emit(started(self, index, addresses));
            }
            all(self, &sockets, &addresses, emit).await
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => Ok(()),
            ended = probing => ended,
        }
    }
}

pub(crate) fn wanted(request: &ConnectRequest) -> Wanted {
    Wanted { family: request.family, source: request.source_address }
}

fn started(request: &ConnectRequest, index: usize, addresses: &[IpAddr]) -> ConnectEvent {
    let target = &request.targets[index];
    let source =
        addresses.first().and_then(|first| route::source(*first, request.source_address).ok());
    ConnectEvent::Started {
        target: index as u16,
        host: target.host.as_str().into(),
        port: target.port,
        protocol: request.protocol,
        addresses: addresses.to_vec(),
        source,
    }
}

/// All targets at once, with so many attempts under way as the request allows.
async fn all(
    request: &ConnectRequest,
    sockets: &ConnectSockets,
    addresses: &[Vec<IpAddr>],
    emit: &mut impl FnMut(ConnectEvent),
) -> Result<(), ProbeError> {
    let turns = Semaphore::new(request.concurrency.into());
    let emit = RefCell::new(emit);
    let from =
        Origin { address: request.source_address, port: request.source_port, tos: request.tos };
    let targets = addresses.iter().zip(&request.targets).enumerate();
    let rounds = targets.map(|(index, (addresses, target))| {
        let to = addresses.iter().map(|address| SocketAddr::new(*address, target.port)).collect();
        let round = Round { request, sockets, target: index as u16, to, from };
        rounds(round, &turns, &emit)
    });
    join_all(rounds).await.into_iter().collect()
}

/// One target, again and again on the interval.
async fn rounds(
    round: Round<'_>,
    turns: &Semaphore,
    emit: &RefCell<&mut impl FnMut(ConnectEvent)>,
) -> Result<(), ProbeError> {
    let (start, request) = (Instant::now(), round.request);
    let interval = Duration::from_micros(request.interval_us.into());
    let end = request.for_us.map(|us| start + Duration::from_micros(us));
    let mut next = start;
    for number in 1..=request.rounds().map_or(u32::MAX, std::num::NonZeroU32::get) {
        sleep_until(next).await;
        // Nobody closes it.
        let _turn = turns.acquire().await;
        if end.is_some_and(|end| Instant::now() > end) {
            return Ok(());
        }
        for attempt in round.run(number).await? {
            emit.borrow_mut()(ConnectEvent::Attempt(attempt));
        }
        // One that took longer than the interval puts the later ones off.
        next = (next + interval).max(Instant::now());
        if end.is_some_and(|end| next > end) {
            return Ok(());
        }
    }
    Ok(())
}
