//! `GET /v1/about`: which agent this is and what it found of itself at start. Needs no token: who
//! can forward a port to the agent can read its pod as well.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Untrusted;

/// What an agent says of itself.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    pub version: Untrusted,
    pub node: Untrusted,
    /// The agent pod's name.
    pub agent: Untrusted,
    pub kernel: Untrusted,
    /// The node's clock, as it answered.
    pub now_at: Timestamp,
    pub started_at: Timestamp,
    /// Names of the probes it knows.
    pub probes: Vec<Untrusted>,
    /// What the self-test at start found missing; empty when all is well.
    pub problems: Vec<Problem>,
}

/// One thing that keeps the agent from part of its work.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    pub kind: ProblemKind,
    /// What was tried and what the kernel said.
    pub message: Untrusted,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ProblemKind {
    /// A capability of the broker is not there.
    MissingCapability,
    /// The capabilities are there, yet a security module (AppArmor, SELinux, Yama, Landlock) refuses.
    SecurityModule,
    /// Landlock or seccomp cannot be used on this kernel; the agent goes on without that layer.
    SandboxUnavailable,
    /// front and broker do not reach each other.
    BrokerUnreachable,
    #[serde(other)]
    Unknown,
}
