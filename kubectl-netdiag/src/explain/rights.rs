//! ND0010 to ND0014: who may do what, and how much of it.

use super::{Entry, Raised};
use crate::finding::Code;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: Code(10),
        title: "Not allowed: RBAC denies the probe",
        raised: Raised::Error,
        what_it_is: "The agent asks the API server (SubjectAccessReview) whether the ServiceAccount of \
            your token may create pods/PROBE in the source's namespace, or nodes/PROBE, in API group \
            netdiag.dev. The answer was no.",
        what_you_see: "The right, the namespace, whom you act as, and the command by which an \
            administrator gives it. Nothing was sent.",
        how_it_comes: "The namespace's netdiag-user has a smaller bundle of rights; a source in a \
            namespace that is not yours; --from node/NAME, which needs rights on nodes; an interval \
            below 0.2 s, which needs fast-ping; a metadata address, which needs a right of its own.",
        be_sure: "kubectl netdiag doctor lists what you may. kubectl auth can-i and kubectl create role \
            do not work for these: they look the resource up, and it is virtual.",
        how_to_mend: "An administrator runs the line after admin, or lists the namespace with its \
            rights under tenants of the chart.",
        looks_like_it: "ND0011 you may not even mint the token; ND0013 no source was named and the \
            default is not yours.",
        raised_by: "ping, trace, dns, doctor",
    },
    Entry {
        code: Code(11),
        title: "Not allowed: you may not mint the token",
        raised: Raised::Error,
        what_it_is: "Your own credentials are never sent to an agent. The plugin mints a short-lived \
            token of ServiceAccount netdiag-user in the source's namespace, or netdiag-operator in the \
            agents' namespace (TokenRequest), and you may do neither.",
        what_you_see: "Which ServiceAccount, and the command by which an administrator allows it.",
        how_it_comes: "You are not among the users of that tenant in the chart's values, or the \
            namespace has no netdiag-user.",
        be_sure: "kubectl auth can-i create serviceaccounts/netdiag-user --subresource=token -n \
            NAMESPACE; kubectl get serviceaccount netdiag-user -n NAMESPACE.",
        how_to_mend: "An administrator binds ClusterRole netdiag-mint in that namespace, or lists you \
            under tenants or operators of the chart.",
        looks_like_it: "ND0010 the token was minted, but its rights do not reach; ND0012 you may not \
            reach the agents.",
        raised_by: "ping, trace, dns, doctor",
    },
    Entry {
        code: Code(12),
        title: "A right of Kubernetes itself is missing",
        raised: Raised::Error,
        what_it_is: "The plugin reads pods, nodes and Services with your own rights, and reaches the \
            agents by port-forward. One of these is denied.",
        what_you_see: "kubectl's own words: Error from server (Forbidden), with resource and verb; in \
            doctor SKIP, since it may be meant.",
        how_it_comes: "A user with rights in one namespace only; reach for the agents' namespace \
            (ClusterRole netdiag-reach) not given; nodes not readable.",
        be_sure: "kubectl auth can-i VERB RESOURCE -n NAMESPACE, for what the error names.",
        how_to_mend: "An administrator runs the line after admin. What you cannot read is left out of \
            the words around a verdict, where that is possible.",
        looks_like_it: "ND0010 netdiag's own rights; ND0020 there is no such object, for who may ask.",
        raised_by: "ping, trace, dns, doctor, version",
    },
    Entry {
        code: Code(13),
        title: "From where?",
        raised: Raised::Error,
        what_it_is: "A probe starts somewhere. Without --from and NETDIAG_FROM it starts on a node other \
            than the target's, which needs rights on nodes that you lack.",
        what_you_see: "The same command with a pod of yours as the source. A pod is never picked \
            silently: policies may treat each differently.",
        how_it_comes: "You are a tenant of some namespaces, not an operator of the cluster.",
        be_sure: "kubectl netdiag doctor shows rights on pods and on nodes side by side.",
        how_to_mend: "Name the pod whose view matters by --from pod/NAME, or once for all: export \
            NETDIAG_FROM=NAMESPACE/pod/NAME. --from local probes from this machine.",
        looks_like_it: "ND0010 a source was named and is not allowed; ND0001 no node has an agent.",
        raised_by: "ping, trace, dns",
    },
    Entry {
        code: Code(14),
        title: "The agent has too much to do",
        raised: Raised::Error,
        what_it_is: "An agent runs so many probes at the same time: of all callers, of one \
            ServiceAccount, of one token; and takes so many requests a second.",
        what_you_see: "429 after a wait of up to 2 s, and when to ask again.",
        how_it_comes: "A loop around netdiag; many people with one ServiceAccount; probes without a \
            count that nobody stopped.",
        be_sure: "The agent's audit lines, kubectl logs -n netdiag -c front of that agent: one line \
            at the start and one at the end of every probe.",
        how_to_mend: "Put several targets into one command; stop what runs without end; raise limits of \
            the chart.",
        looks_like_it: "ND0040 one request that is too big; ND0006 an agent that was killed.",
        raised_by: "ping, trace, dns",
    },
];
