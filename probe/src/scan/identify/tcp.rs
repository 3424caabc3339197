//! One TCP port: what is asked next, by what is known.

use std::{collections::VecDeque, time::Duration};

use super::{
    brokers, caches, databases, directory, greeting,
    heard::{Heard, Match, Question},
    http, http2,
    peer::{ANSWER, Answer, Link, Peer, ask, close, exchange},
    plan::{Step, is_greeting_likely, steps},
    tls::{self, Handshake, Holder, Offer},
    udp,
};

/// How long a server may take until it speaks first: some look the caller's name up before.
const GREETING: Duration = Duration::from_secs(5);
/// Where nothing says that it will.
const SHORT_GREETING: Duration = Duration::from_millis(400);
/// Paths where programs say who they are that do not say it at `/`.
const PATHS: [&str; 2] = ["/version", "/metrics"];

/// What is known of a port; it stays when time is up.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) found: Match,
    /// What the server said by itself.
    pub(super) banner: Vec<u8>,
    holder: Holder,
}

/// Asks until it is known or there is nothing left to ask.
pub(super) async fn identify(peer: &mut Peer, known: &mut Known) {
    let mut queue: VecDeque<Step> = steps(peer.address.port(), false).into();
    while let Some(step) = queue.pop_front() {
        if !peer.may_connect() {
            return;
        }
        match step {
            Step::Listen => listen(peer, known, &mut queue).await,
            Step::Http => http(peer, known, &mut queue).await,
            Step::Http2 => http2(peer, known, &mut queue).await,
            Step::Tls => tls(peer, known, &mut queue).await,
            Step::Postgres => postgres(peer, known, &mut queue).await,
            Step::Cache => one(peer, known, &mut queue, caches::question()).await,
            Step::Mongo => one(peer, known, &mut queue, databases::mongo()).await,
            Step::Kafka => one(peer, known, &mut queue, brokers::kafka()).await,
            Step::Amqp => one(peer, known, &mut queue, brokers::amqp()).await,
            Step::Mqtt => one(peer, known, &mut queue, brokers::mqtt()).await,
            Step::Ldap => one(peer, known, &mut queue, directory::question()).await,
            Step::Dns => one(peer, known, &mut queue, udp::dns_over_tcp()).await,
        }
    }
}

impl Known {
    fn add(&mut self, found: Match) {
        self.found = std::mem::take(&mut self.found).and(found);
    }
}

/// Waits for the server. One that stays silent is asked on the same connection.
async fn listen(peer: &mut Peer, known: &mut Known, queue: &mut VecDeque<Step>) {
    let Some(mut link) = peer.link().await else { return };
    let likely = is_greeting_likely(peer.address.port(), peer.offer.is_some());
    let wait = if likely { GREETING } else { SHORT_GREETING };
    let (banner, heard, has_ended) =
        exchange(&mut link, &Question::new("", greeting::read), wait).await;
    if banner.is_empty() {
        peer.spare = Some(link).filter(|_| !has_ended);
        return;
    }
    known.banner = banner;
    // Whoever speaks first in a way that is not known is none of the others, which wait.
    queue.clear();
    let mut found = heard.clone().so_far().unwrap_or_default();
    if let Heard::Ask(_, next) = heard {
        found = found.and(ask(&mut link, next, ANSWER).await.found);
    }
    if found.speaks == ["HTTP/2"] {
        queue.push_back(Step::Http2);
    }
    if !found.speaks.is_empty() {
        close(link, &found.speaks).await;
        known.add(found);
    }
}

/// A protocol of one connection.
async fn one(peer: &mut Peer, known: &mut Known, queue: &mut VecDeque<Step>, question: Question) {
    let Some(mut link) = peer.link().await else { return };
    let answer = ask(&mut link, question, ANSWER).await;
    conclude(answer, link, known, queue).await;
}

/// Takes what was found, else what the answer hints at.
async fn conclude(answer: Answer, link: Link, known: &mut Known, queue: &mut VecDeque<Step>) {
    if answer.found.speaks.is_empty() {
        return follow(&answer.bytes, known, queue);
    }
    queue.clear();
    close(link, &answer.found.speaks).await;
    known.add(answer.found);
}

/// An answer to something else may be a late greeting, or show what to ask instead.
fn follow(bytes: &[u8], known: &mut Known, queue: &mut VecDeque<Step>) {
    if let Heard::Yes(found) | Heard::Ask(found, _) = greeting::read(bytes)
        && !found.speaks.is_empty()
    {
        queue.clear();
        if found.speaks == ["HTTP/2"] {
            queue.push_back(Step::Http2);
        }
        return known.add(found);
    }
    let hinted = match bytes {
        // An alert.
        [0x15, 3, 0..=4, ..] => Some(Step::Tls),
        [b'A', b'M', b'Q', b'P', ..] => Some(Step::Amqp),
        [b'H', b'T', b'T', b'P', b'/', ..] => Some(Step::Http),
        _ if caches::hints(bytes) => Some(Step::Cache),
        _ => None,
    };
    if let Some(step) = hinted
        && let Some(at) = queue.iter().position(|one| *one == step)
    {
        queue.swap(0, at);
    }
}

async fn postgres(peer: &mut Peer, known: &mut Known, queue: &mut VecDeque<Step>) {
    let Some(mut link) = peer.link().await else { return };
    let answer = ask(&mut link, databases::postgres(), ANSWER).await;
    if answer.bytes != b"S" {
        return conclude(answer, link, known, queue).await;
    }
    drop(link);
    let Some(mut link) = peer.link().await else { return };
    let mut answer = ask(&mut link, databases::postgres_start(), ANSWER).await;
    answer.found = answer.found.info(b"offers TLS");
    conclude(answer, link, known, queue).await;
}

async fn http2(peer: &mut Peer, known: &mut Known, queue: &mut VecDeque<Step>) {
    let Some(mut link) = peer.link().await else { return };
    let question = http2::question(&peer.address.to_string(), peer.offer.is_some());
    let answer = ask(&mut link, question, ANSWER).await;
    let found = answer.found;
    if found.speaks.is_empty() {
        return follow(&answer.bytes, known, queue);
    }
    queue.clear();
    // Who serves HTTP/2 by negotiation says more of itself by HTTP/1, in less.
    if found.product.is_none() && found.speaks.len() < 2 && peer.offer.is_some() {
        peer.offer = Some(Offer::Http1);
        queue.push_back(Step::Http);
    }
    known.add(found);
}

async fn http(peer: &mut Peer, known: &mut Known, queue: &mut VecDeque<Step>) {
    let host = peer.address.to_string();
    let Some(mut link) = peer.link().await else { return };
    let mut answer = ask(&mut link, http::question("/", &host), ANSWER).await;
    let mut found = std::mem::take(&mut answer.found);
    if found.speaks.is_empty() {
        queue.retain(|step| step.may_answer_http_so(&answer.bytes, answer.has_ended));
        return follow(&answer.bytes, known, queue);
    }
    queue.clear();
    let wants_tls = |bytes: &[u8]| http::Answer::parse(bytes).is_some_and(|one| one.wants_tls());
    if wants_tls(&answer.bytes) && peer.offer.is_none() {
        queue.push_back(Step::Tls);
        return;
    }
    if databases::hints_mongo(&answer.bytes) {
        queue.push_back(Step::Mongo);
        return;
    }
    found = known.holder.says(found, http::Answer::parse(&answer.bytes));
    for path in PATHS {
        if found.version.is_some() || found.product.is_some() && !known.holder.is_known() {
            break;
        }
        if !http::Answer::parse(&answer.bytes).is_some_and(|one| one.stays_open()) {
            let Some(again) = peer.link().await else { break };
            link = again;
        }
        answer = ask(&mut link, http::question(path, &host), ANSWER).await;
        found = found.and(std::mem::take(&mut answer.found));
        found = known.holder.says(found, http::Answer::parse(&answer.bytes));
    }
    if known.found.speaks.last().is_some_and(|word| word == "HTTP/2") {
        // Said over HTTP/1, of a server that prefers HTTP/2.
        found.speaks.retain(|word| !word.starts_with("HTTP/"));
    }
    known.add(found);
}

/// From here on, everything is asked inside.
async fn tls(peer: &mut Peer, known: &mut Known, queue: &mut VecDeque<Step>) {
    let link = match peer.spare.take() {
        Some(spare) => Some(spare),
        None => peer.plain().await,
    };
    let Some(link) = link else { return };
    let address = peer.address.ip();
    let mut offer = Offer::Http2;
    let mut handshake = tls::connect(link, offer, address.into()).await;
    if matches!(handshake, Handshake::Refused { by_offer: true, .. })
        && let Some(link) = peer.plain().await
    {
        offer = Offer::Nothing;
        handshake = tls::connect(link, offer, address.into()).await;
    }
    match handshake {
        Handshake::NoTls => {}
        Handshake::Refused { found, .. } => {
            queue.clear();
            known.add(found);
        }
        Handshake::Done { link, chosen, found, holder } => {
            known.add(found);
            known.holder = holder;
            (peer.offer, peer.spare) = (Some(offer), Some(link));
            *queue = match chosen.as_deref() {
                Some(b"h2") => [Step::Http2].into(),
                Some(b"http/1.1") => [Step::Http].into(),
                _ => steps(peer.address.port(), true).into(),
            };
        }
    }
}
