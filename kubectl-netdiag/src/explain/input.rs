//! ND0020 to ND0040: objects, values and bounds.

use super::{Entry, Raised};
use crate::finding::Code;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: Code(20),
        title: "No such object",
        raised: Raised::Error,
        what_it_is: "The API server has no object of that kind and name in that namespace, or a bare \
            word is no host name that the source can resolve.",
        what_you_see: "The kind, the name, the namespace, and names that are near.",
        how_it_comes: "A typing error; another namespace or context; a pod of a Deployment that was \
            replaced in the meantime; a bare word where pod/NAME was meant.",
        be_sure: "kubectl get KIND NAME -n NAMESPACE.",
        how_to_mend: "[NAMESPACE/]KIND/NAME with KIND pod, node or svc; three segments always name \
            the namespace.",
        looks_like_it: "ND0021 the pod exists, but without a network; ND0012 you may not read it.",
        raised_by: "ping, trace, dns, doctor",
    },
    Entry {
        code: Code(21),
        title: "The pod has no network",
        raised: Raised::Error,
        what_it_is: "A pod's network exists while its sandbox does. Before it is scheduled and started, \
            and after it completed or was evicted, there is nothing to send from or to.",
        what_you_see: "The pod's phase and since when.",
        how_it_comes: "A Job's pod that completed; a pod that waits for a node, a volume or an image; a \
            sandbox that the CNI cannot set up.",
        be_sure: "kubectl get pod NAME -o wide; kubectl describe pod NAME for its events.",
        how_to_mend: "Choose a running pod. Of a pending pod, its events say what it waits for.",
        looks_like_it: "ND0309 the pod ended while it was being used; ND0020 it is not there at all.",
        raised_by: "ping, trace, dns",
    },
    Entry {
        code: Code(30),
        title: "A value that cannot be",
        raised: Raised::Error,
        what_it_is: "An argument is not of the form that it must have, is out of its bounds, or does not \
            go together with another.",
        what_you_see: "The flag, the value and the bound. Nothing was asked or sent.",
        how_it_comes: "A typing error; a unit that is missing or too much; a flag of another tool.",
        be_sure: "kubectl netdiag COMMAND --help lists flags and bounds.",
        how_to_mend: "Give a value within the bounds.",
        looks_like_it: "ND0031 the flag exists, but it is kubectl's here; ND0040 a bound of the agent.",
        raised_by: "every command",
    },
    Entry {
        code: Code(31),
        title: "A classic tool's flag that is kubectl's here",
        raised: Raised::Error,
        what_it_is: "kubectl's global flags keep their meaning: -n is the namespace, -s the server, -v \
            with a number the log level. A value that can only be meant the classic way is caught.",
        what_you_see: "The flag that was typed and the one that was meant.",
        how_it_comes: "Fingers that know ping -s 1400 or ping -n.",
        be_sure: "kubectl options lists kubectl's flags.",
        how_to_mend: "ping's -s is --size. Every other short flag of ping is the same here.",
        looks_like_it: "ND0030 a value that means nothing either way.",
        raised_by: "every command",
    },
    Entry {
        code: Code(40),
        title: "Beyond a limit of the agent",
        raised: Raised::Error,
        what_it_is: "The request is well-formed, but the agent does not do as much in one go.",
        what_you_see: "The bound and what was asked for.",
        how_it_comes: "More than 128 targets; an interval, a size or a duration beyond what this agent \
            allows.",
        be_sure: "The chart's values, limits.",
        how_to_mend: "Ask for less, or in several commands; an administrator may raise the limit.",
        looks_like_it: "ND0014 the agent is busy; ND0030 a value that no agent takes; ND0010 allowed \
            with a further right.",
        raised_by: "ping, trace, dns",
    },
];
