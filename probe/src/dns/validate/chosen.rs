//! A validation that asks one server for everything.

use netdiag_wire::dns::{ChainLink, Class, DnsEvent, DnsOutcome, DnsQuery, Rcode, RecordType};

use super::source::{Fetched, Source};
use crate::{
    ProbeError,
    dns::{
        exchange::{Client, Exchanged, Server},
        message::{Asked, Message},
        name::Name,
        report,
    },
};

/// A chain of zones takes two for each.
const MAX_QUERIES: u32 = 100;

pub(crate) struct Chosen<'a, E> {
    client: Client<'a>,
    server: Server,
    emit: &'a mut E,
    /// Of the next query.
    index: u32,
    left: u32,
}

impl<'a, E: FnMut(DnsEvent)> Chosen<'a, E> {
    pub(crate) fn new(client: &Client<'a>, server: Server, index: u32, emit: &'a mut E) -> Self {
        Self { client: with_dnssec(client), server, emit, index, left: MAX_QUERIES }
    }

    pub(crate) fn next_index(&self) -> u32 {
        self.index
    }
}

/// Everything that there is, be it bogus or not.
pub(crate) fn with_dnssec<'a>(client: &Client<'a>) -> Client<'a> {
    let mut client = client.clone();
    client.options.no_edns = false;
    client.options.dnssec_ok = true;
    client.options.checking_disabled = true;
    client.options.keep_truncated = false;
    client
}

impl<E: FnMut(DnsEvent)> Source for Chosen<'_, E> {
    async fn ask(
        &mut self,
        name: &Name,
        kind: RecordType,
        zone: &Name,
    ) -> Result<Fetched, ProbeError> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(Fetched::Nothing(format!("{MAX_QUERIES} queries have been asked by now")));
        };
        self.left = left;
        let asked = Asked { name: name.clone(), kind, class: Class::IN };
        let mut exchanged = self.client.exchange(&asked, &self.server).await?;
        exchanged.query.on_behalf_of = Some(zone.to_string().into());
        let fetched = fetched(&exchanged);
        report::emit(exchanged, self.index, self.emit);
        self.index += 1;
        Ok(fetched)
    }

    fn link(&mut self, link: ChainLink) {
        (self.emit)(DnsEvent::Link(link));
    }
}

pub(crate) fn fetched(exchanged: &Exchanged) -> Fetched {
    let query = &exchanged.query;
    match &exchanged.message {
        Some(_) if query.outcome == DnsOutcome::Malformed => {
            Fetched::Nothing(format!("{} sent what cannot be read", query.server))
        }
        Some(message) => usable(query, message),
        None => Fetched::Nothing(format!("{} from {}", in_words(query.outcome), query.server)),
    }
}

fn usable(query: &DnsQuery, message: &Message) -> Fetched {
    let code = Rcode(message.rcode());
    let has_dnssec = message.opt.as_ref().is_some_and(|opt| opt.dnssec_ok)
        || message.answer.iter().chain(&message.authority).any(|r| r.kind == RecordType::RRSIG);
    match code {
        Rcode::NOERROR | Rcode::NXDOMAIN if has_dnssec => {
            Fetched::Message(Box::new(message.clone()))
        }
        Rcode::NOERROR | Rcode::NXDOMAIN => {
            Fetched::Nothing(format!("{} passes no DNSSEC records on", query.server))
        }
        code => Fetched::Nothing(format!("{code} from {}", query.server)),
    }
}

fn in_words(outcome: DnsOutcome) -> &'static str {
    match outcome {
        DnsOutcome::Silence => "silence",
        DnsOutcome::Refused => "refused",
        DnsOutcome::Rejected => "rejected",
        DnsOutcome::Reset => "reset",
        DnsOutcome::NotSent => "nothing could be sent; no answer",
        _ => "no answer",
    }
}
