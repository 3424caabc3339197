//! Every table that the request names, entry by entry, each socket once.

use std::{collections::HashSet, io};

use netdiag_wire::sockets::{
    Network, SocketEntry, SocketProtocol, SocketState, SocketsEvent, SocketsRequest, Which,
};
use nix::libc;
use tokio_util::sync::CancellationToken;

use super::{
    batch::{Batch, MAX_PIDS},
    dump::{self, Listed},
    inet::{self, Table},
    open::{OpenSockets, versions},
    raw, text, unix,
};
use crate::{
    packet::{Version, netlink::messages},
    sys::{
        diag::{BUFFER, BY_FAMILY, Diag, DiagSocket},
        raw::own_sockets,
    },
};

/// One look at all of them.
pub(super) struct Tables<'a, E> {
    request: &'a SocketsRequest,
    open: &'a OpenSockets,
    peer: Option<Network>,
    emit: &'a mut E,
    batch: Batch,
    /// A listener was told whose accept queue is full.
    pub(super) has_full_queue: bool,
    pub(super) listed: Vec<Listed>,
}

impl<'a, E: FnMut(SocketsEvent)> Tables<'a, E> {
    pub(super) fn new(
        request: &'a SocketsRequest,
        open: &'a OpenSockets,
        round: u32,
        emit: &'a mut E,
    ) -> Self {
        // `check` has read it before.
        let peer = request.peer.as_deref().and_then(|peer| Network::read(peer).ok());
        let batch = Batch::new(round);
        Self { request, open, peer, emit, batch, has_full_queue: false, listed: Vec::new() }
    }

    /// How many sockets were told.
    pub(super) async fn read(&mut self, stop: &CancellationToken) -> io::Result<u64> {
        for protocol in [SocketProtocol::Tcp, SocketProtocol::Udp] {
            for version in versions(self.request) {
                self.inet(protocol, version, stop).await?;
            }
        }
        for file in &self.open.raw {
            raw::entries(&text::read(file)?).for_each(|entry| self.take(entry));
        }
        self.unix(stop).await?;
        self.batch.flush(self.emit);
        Ok(self.batch.count)
    }

    async fn inet(
        &mut self,
        protocol: SocketProtocol,
        version: Version,
        stop: &CancellationToken,
    ) -> io::Result<()> {
        let states = self.states(protocol);
        if states == 0 {
            return Ok(());
        }
        let table = Table { version, protocol, states, tcp_info: self.request.tcp_info };
        let (open, mut seen) = (self.open, HashSet::new());
        let take = |body: &[u8]| {
            let Some(mut entry) = table.entry(body) else { return };
            if !seen.insert(inet::identity(body, &entry)) {
                return;
            }
            entry.interface = interface(open, body);
            if entry.retransmits.is_some() && entry.tcp_info.is_none() {
                entry.tcp_info = look_again(&open.single, table, body).and_then(|it| it.tcp_info);
            }
            self.take(entry);
        };
        let listed = dump::list(&open.lists, &table.question(), stop, take).await;
        self.listed(listed, if protocol == SocketProtocol::Udp { "udp_diag" } else { "tcp_diag" })
    }

    async fn unix(&mut self, stop: &CancellationToken) -> io::Result<()> {
        let states = self.states(SocketProtocol::Unix);
        if states == 0 {
            return Ok(());
        }
        // What the runtime of this very process has for itself says nothing of the namespace.
        let open = self.open;
        let mut seen: HashSet<_> = own_sockets().difference(&open.own).copied().collect();
        let take = |body: &[u8]| {
            if let Some(entry) = unix::entry(body).filter(|entry| seen.insert(entry.inode)) {
                self.take(entry);
            }
        };
        let listed = dump::list(&open.lists, &unix::question(states), stop, take).await;
        self.listed(listed, "unix_diag")
    }

    /// `module` is the part of the kernel that writes the list.
    fn listed(&mut self, listed: io::Result<Listed>, module: &str) -> io::Result<()> {
        match listed {
            Ok(listed) => self.listed.push(listed),
            // This kernel has no such sockets, as one without IPv6.
            Err(cause) if cause.raw_os_error() == Some(libc::EAFNOSUPPORT) => {}
            Err(cause) if cause.raw_os_error() == Some(libc::ENOENT) => {
                let message =
                    format!("the kernel has no {module}: root loads it by modprobe {module}");
                return Err(io::Error::new(io::ErrorKind::NotFound, message));
            }
            Err(cause) => return Err(cause),
        }
        Ok(())
    }

    /// Which states the kernel is asked for; none: it is not asked.
    fn states(&self, protocol: SocketProtocol) -> u32 {
        if !self.request.has(protocol) {
            return 0;
        }
        let (request, is_tcp) = (self.request, protocol == SocketProtocol::Tcp);
        let is_listening = |state| match state {
            SocketState::Listen => true,
            _ => !is_tcp && state == SocketState::Unconnected,
        };
        let wanted = |state| {
            let is_of_kind = match request.which {
                Which::All => true,
                Which::Listening => is_listening(state),
                // A unix datagram socket without a name is not connected, but listens neither.
                Which::Connected => state != SocketState::Listen,
            };
            is_of_kind && (request.states.is_empty() || request.states.contains(&state))
        };
        inet::states(wanted, protocol)
    }

    fn take(&mut self, mut entry: SocketEntry) {
        if !self.request.wants(&entry, self.peer.as_ref()) {
            return;
        }
        if let (Some(owners), Some(inode)) = (&self.open.owners, entry.inode) {
            (entry.pids, entry.more_pids) = owners.of(inode, MAX_PIDS);
        }
        self.has_full_queue |= entry.accept_queue.is_some_and(|queue| queue.is_full());
        self.batch.push(entry, self.emit);
    }
}

fn interface(open: &OpenSockets, body: &[u8]) -> Option<netdiag_wire::Untrusted> {
    let index = inet::interface(body)?.get();
    let link = open.links.as_ref().and_then(|links| links.of_index(index));
    // One that was made since then has no name here.
    Some(link.map_or_else(|| format!("#{index}").into(), |link| link.name.clone().into()))
}

/// The one socket once more, with its details; None if it is gone.
fn look_again(diag: &DiagSocket, table: Table, body: &[u8]) -> Option<SocketEntry> {
    let number = diag.ask(0, &table.question_again(body)?).ok()?;
    let mut buffer = vec![0; BUFFER];
    let length = diag.read(&mut buffer).ok()?;
    let mut answers = messages(&buffer[..length]);
    let answer = answers.find(|one| one.sequence == number && one.kind == BY_FAMILY)?;
    table.entry(answer.body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_without_a_list_says_what_to_load() {
        let request = SocketsRequest::default();
        let open = super::super::open::open(&request).unwrap();
        let mut emit = |_| ();
        let mut tables = Tables::new(&request, &open, 1, &mut emit);
        let refused = |errno| Err(io::Error::from_raw_os_error(errno));
        let error = tables.listed(refused(libc::ENOENT), "udp_diag").unwrap_err();
        let said = "the kernel has no udp_diag: root loads it by modprobe udp_diag";
        assert_eq!(error.to_string(), said);
        // One without IPv6 has none of its sockets either.
        tables.listed(refused(libc::EAFNOSUPPORT), "tcp_diag").unwrap();
        assert!(tables.listed.is_empty());
    }
}
