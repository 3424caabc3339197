//! One exchange as the document has it, and what can be told of it in a word.

use netdiag_wire::{
    Untrusted,
    http::{HttpAnswer, field},
};
use serde_json::{Value, json};
use url::Url;

use super::{Exchanged, Phases, Place, Trail, secrets, write_out};
use crate::args::HttpArgs;

/// The probe's part of the document: the last request's report, and what the others came to.
pub(super) fn document(trails: &[&Trail], args: &HttpArgs) -> Value {
    let one = |exchanged: &Exchanged| exchanged.entry(args);
    let Some(last) = trails.last() else { return Value::Null };
    let mut value = one(last.last());
    let before = &last.hops[..last.hops.len() - 1];
    if !before.is_empty() {
        value["redirects"] = before.iter().map(one).collect();
    }
    if trails.len() > 1 {
        let requests = trails.iter().map(|trail| one(trail.last())).collect();
        value = json!({"requests": Value::Array(requests)});
    }
    value
}

/// Where a redirect leads.
pub(super) fn location(answer: &HttpAnswer) -> Option<&Untrusted> {
    let is_redirect = matches!(answer.status, 301 | 302 | 303 | 307 | 308);
    field(&answer.fields, "location").filter(|_| is_redirect)
}

impl Exchanged {
    /// `Location`, where this is a redirect; an error is its text, which is no URL to follow.
    pub(super) fn leads_to(&self) -> Option<Result<Place, String>> {
        let location = location(self.answer()?)?.to_string();
        let base: Url = self.ask.place.url().parse().ok()?;
        let place = base.join(&location).ok().and_then(|url| Place::of_url(&url));
        Some(place.ok_or(location))
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.report.attempts.last().is_some_and(crate::tls::is_connected)
    }

    /// What a second try may find otherwise (curl's --retry).
    pub(super) fn may_pass(&self) -> bool {
        match self.answer() {
            Some(answer) => matches!(answer.status, 408 | 429 | 500 | 502 | 503 | 504),
            None => !self.is_refused,
        }
    }

    /// `503`, `no answer`.
    pub(crate) fn outcome(&self) -> String {
        match (self.answer(), self.is_connected()) {
            (Some(answer), _) => answer.status.to_string(),
            (None, true) => "no answer".into(),
            (None, false) => "no connection".into(),
        }
    }

    /// Part of `-o json`: the agent's report, and what is made of it.
    fn entry(&self, args: &HttpArgs) -> Value {
        let mut report = self.report.clone();
        if !args.shown.show_secrets {
            secrets::hide(&mut report);
        }
        let mut value = serde_json::to_value(&report).unwrap_or_default();
        value["url"] = self.ask.place.url().into();
        value["method"] = self.ask.method.clone().into();
        value["phasesUs"] = Phases::of(&self.report).entry();
        value["curlExit"] = write_out::curl_exit(self, args.shown.fail).into();
        if let Some(answer) = self.answer() {
            value["status"] = answer.status.into();
        }
        value
    }
}
