//! ND02..: what a node does with a Service's address.

use super::{Entry, Raised};
use crate::finding::Code;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: Code(201),
        title: "A Service's rules on a node are missing or stale",
        raised: Raised::Fail,
        what_it_is: "Asked through the Service's address, connections fail; asked directly from \
            the same place, every endpoint answers. What lies between is the node's rules for \
            Services.",
        what_you_see: "Silence, or a rejection, from one node or from all; some connections \
            succeed where the rules name endpoints that are gone beside ones that live.",
        how_it_comes: "kube-proxy is dead, hangs or is cut off from the API server; somebody \
            flushed its rules; another program's rules stand before them; a replacement of \
            kube-proxy that does not know this Service.",
        be_sure: "Ask from another node: if it works there, it is this node's rules. kube-proxy's \
            log and its last sync tell why.",
        how_to_mend: "Restart kube-proxy on that node (delete its pod); it writes all rules anew.",
        looks_like_it: "ND0107 internalTrafficPolicy Local; ND0204 a pod that asks itself; \
            endpoints that changed seconds ago.",
        raised_by: "ping, trace, diagnose",
    },
    Entry {
        code: Code(204),
        title: "A pod does not reach itself through its own Service",
        raised: Raised::Fail,
        what_it_is: "The source is an endpoint of the Service, and connections that the Service \
            sends back to it are lost (hairpin).",
        what_you_see: "From that pod a share of the connections is silent, as large as its share \
            of the endpoints; from everywhere else all is well.",
        how_it_comes: "The bridge's port does not send packets back to where they came from \
            (hairpin_mode 0) and nobody masquerades them.",
        be_sure: "On the node: cat /sys/class/net/VETH/brport/hairpin_mode of that pod's veth.",
        how_to_mend: "hairpinMode: true in the CNI's bridge configuration, or masquerading of \
            what goes back to its sender.",
        looks_like_it: "ND0201 stale rules: then other pods of the node see it too.",
        raised_by: "ping, diagnose",
    },
];
