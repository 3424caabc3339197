//! Ports where what is seen, what is declared and who listens do not agree.

use std::{collections::BTreeMap, net::IpAddr};

use netdiag_wire::scan::{PortState, ScanProtocol, ScanWhy};

use super::Case;
use crate::{
    finding::{Code, Finding, PeerKind, Severity},
    render::scan,
    scan::Listener,
};

const NOBODY_LISTENS: Code = Code(604);
const UNDECLARED: Code = Code(605);
const NOT_REACHED: Code = Code(606);
/// Ports that one sentence names.
const MAX_NAMED: usize = 5;

type Key = (ScanProtocol, u16);

/// What became of a port.
#[derive(Clone, Debug)]
struct Fate {
    state: PortState,
    why: ScanWhy,
    /// The evidence in words.
    said: String,
}

/// Somebody keeps it from being reached, and not the source itself.
fn is_filtered(fate: &Fate) -> bool {
    fate.state == PortState::Filtered && fate.why != ScanWhy::NotSent
}

impl Case<'_> {
    /// Of a pod or node alone, whose ports others know of too; one finding a kind.
    pub(super) fn ports(&self) -> Vec<Finding> {
        let to = &self.context.to;
        let Some(address) = to.address.filter(|_| to.kind == PeerKind::Pod) else {
            return Vec::new();
        };
        let fates = self.fates(address);
        let mut found = [
            self.nobody_listens(&fates, address),
            self.undeclared(&fates, address),
            self.not_reached(&fates, address),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
        if let Some(last) = found.last_mut() {
            last.labels.extend(self.listening());
        }
        found
    }

    /// Of every port that somebody knows of or that answered.
    fn fates(&self, address: IpAddr) -> BTreeMap<Key, Fate> {
        let (known, report) = (self.facts.known, self.facts.report);
        let answered = report.ports.iter().filter(|port| port.address == address);
        let keys = known.keys().chain(answered.map(|port| (port.protocol, port.port)));
        keys.filter_map(|key| Some((key, self.fate(address, key)?))).collect()
    }

    fn fate(&self, address: IpAddr, (protocol, port): Key) -> Option<Fate> {
        let (report, names) = (self.facts.report, &self.context.names);
        let one = report
            .ports
            .iter()
            .find(|one| (one.address, one.protocol, one.port) == (address, protocol, port));
        let rest = || {
            report.rest.iter().find(|rest| {
                (rest.address, rest.protocol) == (address, protocol) && rest.ports.contains(port)
            })
        };
        let (state, why, by, icmp) = match one {
            Some(one) => (one.state, one.why, one.by, one.icmp.as_ref()),
            None => rest().map(|rest| (rest.state, rest.why, rest.by, rest.icmp.as_ref()))?,
        };
        Some(Fate { state, why, said: scan::why(why, by, icmp, names) })
    }

    /// Declared, or led to by a Service, and refused.
    fn nobody_listens(&self, fates: &BTreeMap<Key, Fate>, address: IpAddr) -> Option<Finding> {
        let known = self.facts.known;
        let is_expected = |(protocol, port): Key| {
            let is_named = known.declared(protocol, port).is_some()
                || known.led(protocol, port).next().is_some();
            is_named && known.listener(protocol, address, port).is_none()
        };
        let closed = fates
            .iter()
            .filter(|(key, fate)| fate.state == PortState::Closed && is_expected(**key));
        let closed: Vec<Key> = closed.map(|(key, _)| *key).collect();
        let summary = match closed[..] {
            [] => return None,
            [key] => self.expected(key),
            _ => {
                let named = self.list(&closed, |key| self.with_name(key));
                format!(
                    "{} ports are declared or led to, but nobody listens: {named}",
                    closed.len()
                )
            }
        };
        Some(Finding::new(Severity::Warn, NOBODY_LISTENS, summary))
    }

    /// `9090 (metrics) is declared and svc/checkout:metrics leads there, but nobody listens`.
    fn expected(&self, key: Key) -> String {
        let (protocol, port) = key;
        let known = self.facts.known;
        let led: Vec<&str> = known.led(protocol, port).collect();
        let declared = known.declared(protocol, port).map(|_| "is declared".to_owned());
        let lead = if led.len() == 1 { "leads there" } else { "lead there" };
        let led = (!led.is_empty()).then(|| format!("{} {lead}", led.join(" and ")));
        let claims: Vec<String> = declared.into_iter().chain(led).collect();
        let on_loopback = known
            .listeners
            .iter()
            .flatten()
            .find(|one| (one.protocol, one.port) == key && one.address.is_loopback());
        let but = match on_loopback {
            Some(one) => format!("it listens on {} only", one.address),
            None => "nobody listens".into(),
        };
        let join = if claims.len() == 1 && !claims[0].starts_with("is ") { ": " } else { " " };
        format!("{}{join}{}, but {but}", self.with_name(key), claims.join(" and "))
    }

    /// Open, and neither declared nor led to.
    fn undeclared(&self, fates: &BTreeMap<Key, Fate>, address: IpAddr) -> Option<Finding> {
        let known = self.facts.known;
        let is_hidden = |(protocol, port): Key| {
            known.declared(protocol, port).is_none() && known.led(protocol, port).next().is_none()
        };
        let open =
            fates.iter().filter(|(key, fate)| fate.state == PortState::Open && is_hidden(**key));
        let open: Vec<Key> = open.map(|(key, _)| *key).collect();
        let process = |key: Key| known.listener(key.0, address, key.1).and_then(process);
        let summary = match open[..] {
            [] => return None,
            [key] => {
                let process = process(key).map(|p| format!(": {p}")).unwrap_or_default();
                format!("{} is open and declared nowhere{process}", number(key))
            }
            _ => {
                let named = self.list(&open, |key| {
                    let process = process(key).map(|p| format!(" {p}")).unwrap_or_default();
                    format!("{}{process}", number(key))
                });
                format!("{} ports are open and declared nowhere: {named}", open.len())
            }
        };
        Some(Finding::new(Severity::Warn, UNDECLARED, summary))
    }

    /// Listens by its own namespace's table, and yet does not answer.
    fn not_reached(&self, fates: &BTreeMap<Key, Fate>, address: IpAddr) -> Option<Finding> {
        let known = self.facts.known;
        let listens = |(protocol, port): Key| known.listener(protocol, address, port).is_some();
        let filtered = fates.iter().filter(|(key, fate)| is_filtered(fate) && listens(**key));
        let filtered: Vec<(Key, &Fate)> = filtered.map(|(key, fate)| (*key, fate)).collect();
        let from = &self.context.from.name;
        let summary = match &filtered[..] {
            [] => return None,
            [(key, fate)] if fate.why == ScanWhy::Silence => format!(
                "{} listens, yet is silent from {from}: dropped on the way or by the pod",
                number(*key)
            ),
            [(key, fate)] => {
                format!("{} listens, yet from {from} it is {}", number(*key), fate.said)
            }
            _ => {
                let keys: Vec<Key> = filtered.iter().map(|(key, _)| *key).collect();
                let named = self.list(&keys, number);
                format!("{} ports listen, yet are filtered from {from}: {named}", keys.len())
            }
        };
        Some(Finding::new(Severity::Warn, NOT_REACHED, summary))
    }

    fn with_name(&self, key: Key) -> String {
        let declared = self.facts.known.declared(key.0, key.1);
        let name = declared.and_then(|declared| declared.name.as_ref());
        match name {
            Some(name) => format!("{} ({name})", number(key)),
            None => number(key),
        }
    }

    fn list(&self, keys: &[Key], word: impl Fn(Key) -> String) -> String {
        let named: Vec<String> = keys.iter().take(MAX_NAMED).map(|key| word(*key)).collect();
        match keys.len() - named.len() {
            0 => named.join(", "),
            more => format!("{} and {more} more", named.join(", ")),
        }
    }
}

fn process(listener: &Listener) -> Option<String> {
    listener.process.as_ref().map(ToString::to_string)
}

fn number((protocol, port): Key) -> String {
    match protocol {
        ScanProtocol::Tcp => port.to_string(),
        ScanProtocol::Udp => format!("{port}/udp"),
    }
}
