//! Which messages belong to a question; the others are counted and not used.

use super::super::{
    message::{Message, Parsed},
    options::{CLIENT_COOKIE, COOKIE},
    query::Query,
};

/// Why a message is not used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::dns) enum Discard {
    Id,
    Question,
    Source,
    NoResponse,
    Cookie,
}

/// `ids` are those of the tries so far.
pub(in crate::dns) fn accept(query: &Query, ids: &[u16], bytes: &[u8]) -> Result<Parsed, Discard> {
    let parsed = Message::parse(bytes).ok_or(Discard::NoResponse)?;
    let header = parsed.message.header;
    if !header.flags.qr {
        return Err(Discard::NoResponse);
    }
    if !ids.contains(&header.id) {
        return Err(Discard::Id);
    }
    if !is_of(query, &parsed) {
        return Err(Discard::Question);
    }
    match has_cookie(query, &parsed.message) {
        true => Ok(parsed),
        false => Err(Discard::Cookie),
    }
}

/// A server that does not understand a question may leave it out, and so may one that sends
/// nothing but a broken message: those are accepted as refusals, never as answers.
fn is_of(query: &Query, parsed: &Parsed) -> bool {
    match &parsed.message.question[..] {
        [question] => question.is_same(&query.asked),
        [] => !parsed.has_question || parsed.message.rcode() != 0,
        _ => false,
    }
}

/// The client's part must be as it was sent, if there is any (RFC 7873, section 5.3).
fn has_cookie(query: &Query, message: &Message) -> bool {
    let Some(sent) = query.cookie.as_deref().and_then(|sent| sent.get(..CLIENT_COOKIE)) else {
        return true;
    };
    let options = message.opt.iter().flat_map(|opt| &opt.options);
    let mut cookies = options.filter(|(code, _)| *code == COOKIE);
    cookies.all(|(_, cookie)| cookie.starts_with(sent))
}
