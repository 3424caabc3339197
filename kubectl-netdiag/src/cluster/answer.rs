//! What becomes of a request to the API server, other than what was asked for.

use std::{error::Error, io, time::Duration};

use kube::core::Status;

use crate::{
    code,
    finding::{Failure, Label},
};

/// No answer, or an answer that is a refusal.
#[derive(Clone, Debug)]
pub(crate) enum Unanswered {
    /// The API server answered with a status: kubectl's `Error from server (Reason)`.
    Status(Box<Status>),
    /// It could not be reached, or what it said was not understood.
    Broken {
        server: String,
        cause: String,
    },
    Silence {
        server: String,
        after: Duration,
    },
}

impl Unanswered {
    pub(super) fn new(server: &str, error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Status(status.clone()),
            other => Self::Broken { server: server.to_owned(), cause: root_cause(other) },
        }
    }

    pub(crate) fn is_forbidden(&self) -> bool {
        self.has_code(403)
    }

    pub(crate) fn is_not_found(&self) -> bool {
        self.has_code(404)
    }

    fn has_code(&self, code: u16) -> bool {
        matches!(self, Self::Status(status) if status.code == code)
    }

    /// As kubectl says it.
    pub(crate) fn said(&self) -> Label {
        Label::Seen(match self {
            Self::Status(status) => {
                format!("Error from server ({}): {}", status.reason, status.message)
            }
            Self::Broken { cause, .. } => cause.clone(),
            Self::Silence { after, .. } => format!("no answer within {after:?}"),
        })
    }

    /// The block of a refusal while `doing` something that needs no rights of netdiag's own.
    pub(crate) fn failure(&self, doing: &str) -> Failure {
        match self {
            Self::Status(status) if status.code == 403 => {
                Failure::new(code::MISSING_RIGHT, format!("not allowed to {doing}"))
                    .with(self.said())
            }
            Self::Status(status) if status.code == 401 => {
                let message = "the API server does not know you: the credentials are not accepted";
                Failure::new(code::API_SERVER, message).with(self.said())
            }
            Self::Status(_) => {
                let message = format!("the API server would not {doing}");
                Failure::new(code::API_SERVER, message).with(self.said())
            }
            Self::Broken { server, cause } => no_answer(server, cause),
            Self::Silence { server, after } => {
                no_answer(server, &format!("silence for {} s", after.as_secs_f64()))
            }
        }
    }
}

fn no_answer(server: &str, cause: &str) -> Failure {
    let break_glass =
        "--from local works without it; on a node, as root: netdiag-agent local ping ...";
    Failure::new(code::API_SERVER, format!("API server {server} does not answer: {cause}"))
        .with(Label::Note(break_glass.into()))
}

/// The innermost cause in words; libraries wrap it in what says nothing (`client error (Connect)`).
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match innermost.downcast_ref::<io::Error>() {
        Some(error) => io_words(error),
        None => innermost.to_string(),
    }
}

/// `connection refused`, without the number that Rust puts behind it.
pub(super) fn io_words(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = words.chars();
    let first = letters.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}
