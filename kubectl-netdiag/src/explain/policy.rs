//! ND04..: NetworkPolicies.

use super::{Entry, Raised};
use crate::finding::Code;

pub(super) const ENTRIES: &[Entry] = &[Entry {
    code: Code(401),
    title: "A NetworkPolicy keeps the source out",
    raised: Raised::Fail,
    what_it_is: "NetworkPolicies select the endpoint (ingress) or the source (egress), and none of \
        their rules admits this connection. What no policy selects is free; what one selects needs \
        a rule that admits it.",
    what_you_see: "Silence, as most engines drop; a few reject. Other pods, and the endpoint's own \
        node, get through.",
    how_it_comes: "A default-deny policy and no rule for this client; a rule whose labels or \
        namespace the client does not have; a rule for the Service's port where the pod's is meant; \
        a client on the host network, which no pod selector matches.",
    be_sure: "The node of the endpoint is asked too, since no policy holds it back: it connects. \
        kubectl describe netpol shows the rules, kubectl get pod --show-labels the client's labels.",
    how_to_mend: "Add a rule that admits the client's labels (and its namespace's) on the pod's \
        port, or give the client the label that is asked for.",
    looks_like_it: "ND0302 a pod or a path that is dead: then its own node gets no answer either; \
        policies of Calico, Cilium or a cloud's firewall, which the API of NetworkPolicies does not \
        show.",
    raised_by: "ping, diagnose",
}];
