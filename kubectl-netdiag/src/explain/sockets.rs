//! ND06..: sockets and listeners.

use super::{Entry, Raised};
use crate::finding::Code;

pub(super) const ENTRIES: &[Entry] = &[Entry {
    code: Code(609),
    title: "Connected to the source's own mesh proxy",
    raised: Raised::Unknown,
    what_it_is: "The connection was taken by a proxy in the source's own pod (a service \
            mesh's sidecar), so what answered is not the target and the path behind it was not \
            seen.",
    what_you_see: "The other end of the connection is in the source's own socket table, with \
            a process of the source.",
    how_it_comes: "A mesh redirects the pod's outgoing TCP to its proxy, which opens a \
            connection of its own, perhaps later, perhaps to elsewhere.",
    be_sure: "Trace by echoes (-I) or from the pod's node: a mesh redirects neither.",
    how_to_mend: "By design of the mesh; nothing is wrong by this alone.",
    looks_like_it: "The target is the source itself.",
    raised_by: "trace",
}];
