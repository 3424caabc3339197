//! Which addresses lead to the API server, and who opens the connection.

use std::{
    io,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt, future::select_ok};

use tokio::net::TcpStream;

use crate::{
    front::broker::{Broker, BrokerError},
    ipc::MAX_ADDRESSES,
};

/// Where Service rules are broken, packets to the Service's address vanish without an answer.
const HEAD_START: Duration = Duration::from_millis(400);

pub(crate) struct Route {
    dial: Dial,
    /// From the chart and the Service.
    given: Vec<SocketAddr>,
    /// Of default/kubernetes, since the API server was last asked for them.
    endpoints: Mutex<Vec<SocketAddr>>,
    last_good: Mutex<Option<SocketAddr>>,
}

/// Who opens connections.
pub(crate) enum Dial {
    /// A worker in the node's namespace: the agent's own pod network may be what is ill.
    Broker(Broker),
    /// This process; the self-test in a pod of its own has no broker.
    Direct,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error("no address of the API server is known")]
    NoAddress,
    #[error("connect in the node's namespace")]
    Broker(#[from] BrokerError),
    #[error("connect")]
    Connect(#[from] io::Error),
}

impl Route {
    pub(crate) fn new(dial: Dial, given: Vec<SocketAddr>) -> Self {
        Self { dial, given, endpoints: Mutex::default(), last_good: Mutex::default() }
    }

    pub(crate) fn remember(&self, endpoints: Vec<SocketAddr>) {
        *self.endpoints.lock().unwrap_or_else(PoisonError::into_inner) = endpoints;
    }

    /// To the address that worked last; when that is slow to answer, to the others too.
    pub(super) async fn connect(&self) -> Result<TcpStream, DialError> {
        let mut first = self.addresses();
        if first.is_empty() {
            return Err(DialError::NoAddress);
        }
        let others = first.split_off(1);
        let stream = match others.is_empty() {
            true => self.open(first).await?,
            false => {
                let later = async {
                    tokio::time::sleep(HEAD_START).await;
                    self.open(others).await
                };
                select_ok([self.open(first).boxed(), later.boxed()]).await?.0
            }
        };
        stream.set_nodelay(true)?;
        *self.last_good.lock().unwrap_or_else(PoisonError::into_inner) = stream.peer_addr().ok();
        Ok(stream)
    }

    async fn open(&self, addresses: Vec<SocketAddr>) -> Result<TcpStream, DialError> {
        Ok(match &self.dial {
            Dial::Broker(broker) => broker.dial(addresses).await?,
            Dial::Direct => TcpStream::connect(&*addresses).await?,
        })
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        let last_good = *self.last_good.lock().unwrap_or_else(PoisonError::into_inner);
        let endpoints = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        let mut addresses = Vec::new();
        for address in last_good.iter().chain(&self.given).chain(endpoints.iter()) {
            if addresses.len() < MAX_ADDRESSES && !addresses.contains(address) {
                addresses.push(*address);
            }
        }
        addresses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_follow_the_service_and_what_worked_leads() {
        let [service, one, two] =
            [443, 6443, 6444].map(|port| SocketAddr::from(([10, 96, 0, 1], port)));
        let route = Route::new(Dial::Direct, vec![service]);
        route.remember(vec![one, two]);
        assert_eq!(route.addresses(), [service, one, two]);
        *route.last_good.lock().unwrap() = Some(two);
        assert_eq!(route.addresses(), [two, service, one]);
    }
}
