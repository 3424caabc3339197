//! ND01..: Services and their endpoints.

use super::{Entry, Raised};
use crate::finding::Code;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: Code(101),
        title: "A Service has no endpoints",
        raised: Raised::Fail,
        what_it_is: "No pod stands behind the Service: its EndpointSlices are empty, and a \
            connection to its address has nowhere to go.",
        what_you_see: "kube-proxy (iptables, nftables): the client's node rejects at once (ICMP \
            port unreachable); curl and nc say \"Connection refused\". Elsewhere: silence or a \
            reset.",
        how_it_comes: "A selector that matches no pod: a label renamed in the Deployment and not \
            in the Service, a typing error, the wrong namespace; a Deployment scaled to 0; no \
            selector and no EndpointSlice written by hand.",
        be_sure: "kubectl get pods -n NAMESPACE -l SELECTOR finds nothing; without -l there are \
            pods.",
        how_to_mend: "Make selector and labels agree: change the Service's selector (a \
            Deployment's own is immutable).",
        looks_like_it: "ND0102 pods match but are not ready; ND0304 a rule rejects, endpoints or \
            not.",
        raised_by: "connect, tls",
    },
    Entry {
        code: Code(102),
        title: "None of a Service's endpoints is ready",
        raised: Raised::Fail,
        what_it_is: "The selector matches pods, but none of them is Ready, so no node sends \
            anything to them.",
        what_you_see: "As with no endpoint at all: rejected at once by the client's node, or \
            silence.",
        how_it_comes: "A readinessProbe that fails: wrong port or path, too short a timeout, a \
            dependency that is gone; pods that are still starting or already ending.",
        be_sure: "kubectl describe pod of one of them: the events name the probe and its answer.",
        how_to_mend: "Mend what the probe says, or the probe.",
        looks_like_it: "ND0101 no pod matches.",
        raised_by: "connect, tls",
    },
];
