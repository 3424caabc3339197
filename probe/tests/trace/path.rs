//! A path in words that every tool can be compared by: one word a hop, `*` for silence.

use std::{collections::BTreeSet, fmt, net::IpAddr};

use netdiag_wire::{
    IcmpMeaning,
    trace::{PathEnd, TraceAnswer},
};

use super::Traced;

/// Answers of each hop, from TTL 1 to the last that was answered.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Path(pub(crate) Vec<BTreeSet<Said>>);

/// Who answered, and traceroute's mark if that was a rejection.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Said {
    pub(crate) by: IpAddr,
    pub(crate) mark: Option<String>,
}

impl Path {
    pub(crate) fn note(&mut self, ttl: usize, said: Said) {
        if self.0.len() < ttl {
            self.0.resize(ttl, BTreeSet::new());
        }
        self.0[ttl - 1].insert(said);
    }

    pub(crate) fn at(&self, ttl: usize) -> &BTreeSet<Said> {
        static SILENCE: BTreeSet<Said> = BTreeSet::new();
        self.0.get(ttl - 1).unwrap_or(&SILENCE)
    }

    /// As a tool without words for it would have to say it.
    pub(crate) fn end(&self, target: IpAddr) -> String {
        let after = self.0.len();
        match self.0.last().and_then(BTreeSet::first) {
            Some(said) if said.mark.is_some() => format!("rejected at {after}"),
            Some(said) if said.by == target => format!("reached in {after}"),
            _ => format!("silence after {after}"),
        }
    }

    /// mtr shows none.
    pub(crate) fn without_marks(&self) -> Self {
        let bare = |hop: &BTreeSet<Said>| hop.iter().map(|said| Said::plain(said.by)).collect();
        Self(self.0.iter().map(bare).collect())
    }
}

impl Said {
    pub(crate) fn plain(by: IpAddr) -> Self {
        Self { by, mark: None }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|hop| write!(f, " {}", word(hop)))
    }
}

pub(crate) fn word(hop: &BTreeSet<Said>) -> String {
    let one = |said: &Said| format!("{}{}", said.by, said.mark.as_deref().unwrap_or_default());
    let words: Vec<_> = hop.iter().map(one).collect();
    if words.is_empty() { "*".into() } else { words.join("|") }
}

/// What the engine found for one flow.
pub(crate) fn of(traced: &Traced, flow: u8) -> Path {
    let mut path = Path::default();
    for hop in traced.report.hops.iter().filter(|hop| hop.flow == flow) {
        hop.answers.iter().for_each(|answer| path.note(hop.ttl.into(), said(answer)));
    }
    path
}

pub(crate) fn end(end: &PathEnd) -> String {
    match end {
        PathEnd::Reached { hops, .. } => format!("reached in {hops}"),
        PathEnd::Rejected { ttl, .. } => format!("rejected at {ttl}"),
        PathEnd::Loop { from_ttl, addresses } => {
            format!("loop of {} from {from_ttl}", addresses.len())
        }
        PathEnd::Silence { after_ttl } => format!("silence after {after_ttl}"),
        end => format!("{end:?}"),
    }
}

fn said(answer: &TraceAnswer) -> Said {
    let mark = answer.icmp.as_ref().and_then(|icmp| mark(icmp.meaning, icmp.mtu));
    Said { by: answer.address, mark }
}

/// As traceroute prints it.
fn mark(meaning: IcmpMeaning, mtu: Option<u32>) -> Option<String> {
    Some(match meaning {
        IcmpMeaning::TtlExceeded | IcmpMeaning::PortUnreachable => return None,
        IcmpMeaning::NetUnreachable => "!N".into(),
        IcmpMeaning::HostUnreachable => "!H".into(),
        IcmpMeaning::ProtocolUnreachable => "!P".into(),
        IcmpMeaning::AdminProhibited => "!X".into(),
        IcmpMeaning::FragmentationNeeded => format!("!F-{}", mtu.unwrap_or_default()),
        other => format!("!{other:?}"),
    })
}
