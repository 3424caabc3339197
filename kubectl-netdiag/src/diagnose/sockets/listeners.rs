//! Sockets that listen: full queues, and those that nobody else can reach.

use std::collections::BTreeMap;

use netdiag_wire::sockets::{SocketEntry, SocketProtocol, SocketState};

use super::{Case, LOOPBACK_ONLY, QUEUE_FULL, SYN_BACKLOG, port};
use crate::{
    finding::{Finding, Label, Severity},
    plan::PortProtocol,
    render::{
        number,
        sockets::{is_loopback_only, words},
    },
};

/// Half-open connections that are worth a word where the listener's limit is not known.
const MANY_HALF_OPEN: usize = 64;

impl Case<'_> {
    pub(super) fn listeners(&self) -> Vec<Finding> {
        let mut found: Vec<Finding> = self.entries().filter_map(|entry| self.full(entry)).collect();
        if found.is_empty() {
            found.extend(self.overflowed());
        }
        found.extend(self.half_open());
        found.extend(self.loopback_only());
        found
    }

    /// ND0603.
    fn full(&self, entry: &SocketEntry) -> Option<Finding> {
        let queue = entry.accept_queue.filter(|queue| queue.is_full())?;
        let place = match &entry.unix {
            Some(_) => words::local(entry),
            None => port(entry).to_string(),
        };
        let (waiting, limit) = (number::count(queue.waiting.into()), queue.limit);
        let summary = format!(
            "accept queue full on {place}: {waiting} wait, the limit is {limit}; {} does not accept",
            self.process(entry)
        );
        let means = "clients see silence: their SYNs are dropped and sent again after 1, 3, 7 s";
        let means = (entry.protocol == SocketProtocol::Tcp).then(|| Label::Means(means.into()));
        let finding = Finding::new(Severity::Fail, QUEUE_FULL, summary);
        Some(finding.with(self.overflows()).with(means))
    }

    /// The counter before and after, which tells whether anybody is being turned away now.
    fn overflows(&self) -> Option<Label> {
        let (before, after, us) = self.counter("TcpExt", "ListenOverflows")?;
        let [before, after] = [before, after].map(|count| number::count(count.unsigned_abs()));
        let (time, place) = (number::waited(us), self.place());
        let text = format!("TcpExt ListenOverflows {before} -> {after} in {time}, in {place}");
        Some(Label::Seen(text))
    }

    /// None is full at this moment, and yet one was within the time of looking.
    fn overflowed(&self) -> Option<Finding> {
        let (before, after, us) = self.counter("TcpExt", "ListenOverflows")?;
        let more = after.checked_sub(before).filter(|more| *more > 0)?;
        let (more, time) = (number::count(more.unsigned_abs()), number::waited(us));
        let summary = format!(
            "an accept queue was full meanwhile: {more} SYNs or last ACKs thrown away in {time}; \
             none is full now"
        );
        Some(Finding::new(Severity::Warn, QUEUE_FULL, summary).with(self.overflows()))
    }

    /// The first and the last reading, and the time between them.
    fn counter(&self, group: &str, name: &str) -> Option<(i64, i64, u64)> {
        let [first, last] = self.view.report.counters.as_slice() else { return None };
        let value =
            |reading: &netdiag_wire::sockets::CountersReading| reading.counters.get(group, name);
        Some((value(first)?, value(last)?, last.at_us.saturating_sub(first.at_us)))
    }

    /// ND0612: handshakes that wait for their last part.
    fn half_open(&self) -> Option<Finding> {
        let mut by_port: BTreeMap<u16, usize> = BTreeMap::new();
        for entry in self.entries().filter(|entry| entry.state == SocketState::SynReceived) {
            *by_port.entry(port(entry)).or_default() += 1;
        }
        let (port, count) = by_port.into_iter().max_by_key(|(_, count)| *count)?;
        let limit = self.limit(port);
        let many = limit.map_or(MANY_HALF_OPEN, |limit| (limit as usize * 3 / 4).max(16));
        let of_limit = limit.map(|limit| format!(", its limit is {limit}")).unwrap_or_default();
        let summary = format!(
            "{} half-open connections on {port}{of_limit}: SYN-ACKs are not answered",
            number::count(count as u64)
        );
        let means = "a flood of SYNs, or what this end sends back is lost on its way";
        (count >= many).then(|| {
            Finding::new(Severity::Warn, SYN_BACKLOG, summary).with(Label::Means(means.into()))
        })
    }

    fn limit(&self, wanted: u16) -> Option<u32> {
        let listeners = self.entries().filter(|entry| port(entry) == wanted);
        listeners.filter_map(|entry| Some(entry.accept_queue?.limit)).max()
    }

    /// ND0601, once a port: where a Service leads there, or the pod declares it.
    fn loopback_only(&self) -> Vec<Finding> {
        let mut by_port: BTreeMap<(SocketProtocol, u16), Vec<&SocketEntry>> = BTreeMap::new();
        for entry in self.entries().filter(|entry| entry.is_listening()) {
            by_port.entry((entry.protocol, port(entry))).or_default().push(entry);
        }
        let hidden = by_port.into_iter().filter_map(|((protocol, port), entries)| {
            let protocol = match protocol {
                SocketProtocol::Tcp => PortProtocol::Tcp,
                SocketProtocol::Udp => PortProtocol::Udp,
                SocketProtocol::Raw | SocketProtocol::Unix | SocketProtocol::Unknown => {
                    return None;
                }
            };
            let entry = entries.first().filter(|_| entries.iter().all(|e| is_loopback_only(e)))?;
            self.hidden(entry, protocol, port)
        });
        hidden.collect()
    }

    fn hidden(&self, entry: &SocketEntry, protocol: PortProtocol, port: u16) -> Option<Finding> {
        let known = self.view.known;
        let listens = format!("{port} listens on {} only", entry.local?.address);
        let leads = known.leads_to(protocol, port);
        let summary = match (leads.first(), known.declares(protocol, port)) {
            (Some(lead), _) => {
                let address = self.view.place.address.or(known.own.first().copied());
                let target = address.map_or_else(
                    || "the pod's address".to_owned(),
                    |address| std::net::SocketAddr::new(address, port).to_string(),
                );
                format!("{listens}, but {lead} sends to {target}")
            }
            (None, Some(declared)) => {
                let name = declared.name.as_ref().map(|name| format!(" as {name}"));
                let name = name.unwrap_or_default();
                format!("{listens}, but the pod declares it{name}: nobody else reaches it")
            }
            (None, None) => return None,
        };
        Some(Finding::new(Severity::Warn, LOOPBACK_ONLY, summary))
    }
}
