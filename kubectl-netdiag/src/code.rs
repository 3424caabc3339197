//! Codes of family 00: what keeps netdiag itself from its work. Never reused; `explain` has a text
//! for each.

pub(crate) mod certificates;

use crate::finding::Code;

/// No agent on the node, or none that is ready.
pub(crate) const NO_AGENT: Code = Code(1);
/// The API server cannot be asked.
pub(crate) const API_SERVER: Code = Code(2);
/// Plugin and agent are too far apart.
pub(crate) const SKEW: Code = Code(3);
/// A pod with the agents' labels that is none of the agents' DaemonSet.
pub(crate) const FOREIGN_AGENT: Code = Code(4);
/// The agent lacks what it needs on its node.
pub(crate) const AGENT_IMPAIRED: Code = Code(5);
/// The agent ended, or went silent, in the middle.
pub(crate) const AGENT_ENDED: Code = Code(6);
/// The agent's answer breaks the protocol.
pub(crate) const PROTOCOL: Code = Code(7);
/// The agent asked RBAC for the probe's right and was told no.
pub(crate) const NOT_ALLOWED: Code = Code(10);
/// The user may not mint the token.
pub(crate) const MAY_NOT_MINT: Code = Code(11);
/// The user lacks a right of Kubernetes' own: to read an object, to reach the agents.
pub(crate) const MISSING_RIGHT: Code = Code(12);
/// No source was named and the default is not allowed.
pub(crate) const FROM_WHERE: Code = Code(13);
/// The agent has too much to do.
pub(crate) const BUSY: Code = Code(14);
/// No object, and no host, of that name.
pub(crate) const NO_OBJECT: Code = Code(20);
/// A pod without a network: it ended, or has not begun.
pub(crate) const NO_NETWORK: Code = Code(21);
/// A value, flag or word that cannot be.
pub(crate) const BAD_VALUE: Code = Code(30);
/// A classic tool's flag that means something else here.
pub(crate) const CLASSIC_FLAG: Code = Code(31);
/// Beyond a limit of the agent.
pub(crate) const LIMIT: Code = Code(40);
/// In use, or privileged.
pub(crate) const PORT_UNAVAILABLE: Code = Code(622);
