//! The contract between `kubectl-netdiag` and the agent: requests, events, reports and errors.
//!
//! Values only: nothing here opens a socket or knows Kubernetes' API. A request refuses fields it
//! does not know and leaves out those at their default, so an older agent refuses only what was
//! really asked of it; events accept unknown fields and end in an `Unknown` variant, so an older
//! plugin reads a newer agent.

pub mod about;
pub mod connect;
pub mod dns;
pub mod error;
pub mod facts;
pub mod fate;
pub mod frame;
pub mod http;
pub mod listen;
pub mod ping;
pub mod scan;
pub mod sockets;
pub mod source;
pub mod stream;
pub mod tls;
pub mod trace;
pub mod untrusted;

pub use about::About;
pub use error::{ErrorBody, ErrorCode, MissingRight};
pub use fate::{IcmpError, IcmpMeaning, SendRefusal};
pub use source::{Family, Request, Source};
pub use stream::{EndReason, Event, Line};
pub use untrusted::Untrusted;

/// Group and version of every document that `-o json` prints.
pub const API_VERSION: &str = "netdiag.dev/v1alpha1";

/// API group of the virtual resources that SubjectAccessReviews name (`pods/ping`, `nodes/ping`).
pub const API_GROUP: &str = "netdiag.dev";

/// Prefix of a token's audience; the agent pod's UID follows, so a token serves one agent.
pub const AUDIENCE_PREFIX: &str = "netdiag.dev/agent/";

/// Port on 127.0.0.1 of the agent pod's own namespace; reached by port-forward only.
pub const AGENT_PORT: u16 = 9443;

/// Longest line of an event stream, in bytes; a longer one is a protocol error.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// The agent writes at least one line in this time, be it a heartbeat.
pub const HEARTBEAT: std::time::Duration = std::time::Duration::from_secs(10);

/// Longest name of a host (RFC 1035, in presentation form without the last dot).
pub(crate) const MAX_HOST_BYTES: usize = 253;

/// Whether a text has 1 to `most` bytes; else the refusal, named with the field.
pub(crate) fn check_bytes(field: &str, bytes: usize, most: usize) -> Result<(), String> {
    match (1..=most).contains(&bytes) {
        true => Ok(()),
        false => Err(format!("{field}: {bytes} bytes, must be 1 to {most}")),
    }
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
