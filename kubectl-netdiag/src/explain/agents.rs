//! ND0001 to ND0007: agents and the way to them.

use super::{Entry, Raised};
use crate::finding::Code;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: Code(1),
        title: "No agent on the node, or none that is ready",
        raised: Raised::Fail,
        what_it_is: "Every probe is sent by the netdiag agent of the source's own node. On this node \
            there is no agent pod, or it is not Ready.",
        what_you_see: "Nothing can be sent from that node or from its pods; the rest of the cluster is \
            not concerned. The error names the node and what the API says of the agent's pod.",
        how_it_comes: "A taint that the DaemonSet does not tolerate; a nodeSelector; a node that is \
            NotReady or just joined; an image that cannot be pulled; a CNI that cannot start pods there.",
        be_sure: "kubectl get pods -n netdiag -o wide shows one agent a node; kubectl describe pod of \
            the one that is not Ready says why.",
        how_to_mend: "Add the taint to the chart's tolerations (by default all are tolerated) and \
            helm upgrade; mend the node; until then probe from another node with --from node/NAME.",
        looks_like_it: "ND0005 the agent is there, but cannot enter pods; ND0012 you may not list the \
            agents' pods; agents in another namespace (--agent-namespace).",
        raised_by: "ping, trace, dns, doctor",
    },
    Entry {
        code: Code(2),
        title: "The API server does not answer",
        raised: Raised::Error,
        what_it_is: "The plugin asks the API server what the target is and reaches the agent through \
            it. It could not be reached, or it could not be asked by the agent.",
        what_you_see: "The address that was tried and what this machine's kernel, TLS or the server \
            said. Nothing was sent to the target.",
        how_it_comes: "A wrong or old kubeconfig context; a VPN that is down; an expired client \
            certificate or credential plugin; a control plane that is down.",
        be_sure: "kubectl get --raw /readyz with the same context and flags.",
        how_to_mend: "Make kubectl itself work first. --from local probes from this machine without a \
            cluster; on a node, root can run: netdiag-agent local ping ADDRESS.",
        looks_like_it: "ND0001 the API server answers, but the node has no agent; ND0006 it answered at \
            first and the stream broke off later.",
        raised_by: "ping, trace, dns, doctor, version",
    },
    Entry {
        code: Code(3),
        title: "Plugin and agent are of different releases",
        raised: Raised::Warn,
        what_it_is: "Plugin and agent understand each other across one minor release. An older agent \
            refuses what it does not know; a newer one may tell things that this plugin cannot name.",
        what_you_see: "A warning with both versions; an error only if what was asked for is what the \
            agent does not know.",
        how_it_comes: "A plugin updated before the chart, the chart before the plugin, or a rollout of \
            the DaemonSet that is still going on.",
        be_sure: "kubectl netdiag version lists the plugin and every agent.",
        how_to_mend: "helm upgrade the chart to the plugin's release, or install the plugin of the \
            agents' release; leave out the option that the older one does not know.",
        looks_like_it: "ND0030 a value that no release takes.",
        raised_by: "ping, trace, dns, doctor, version",
    },
    Entry {
        code: Code(4),
        title: "A pod that poses as an agent",
        raised: Raised::Error,
        what_it_is: "A pod has the agents' labels, yet it does not belong to the agents' DaemonSet, \
            has another ServiceAccount or runs on another node. It gets no token and no request.",
        what_you_see: "The pod's name and what of it is not as it must be.",
        how_it_comes: "A pod made by hand with copied labels; an agent left over from an installation \
            by other means; somebody who collects tokens.",
        be_sure: "kubectl get pods -n netdiag -o yaml: the agents' ownerReferences name DaemonSet \
            netdiag with its UID.",
        how_to_mend: "Find out who made the pod before deleting it. The agents' namespace should hold \
            nothing else, and nobody but administrators should create pods in it.",
        looks_like_it: "ND0001 no agent at all; an agent of a second installation: choose it by \
            --agent-namespace.",
        raised_by: "ping, trace, dns, doctor",
    },
    Entry {
        code: Code(5),
        title: "The agent lacks what it needs on its node",
        raised: Raised::Fail,
        what_it_is: "The agent runs, yet something keeps it from entering pods' network namespaces or \
            from opening sockets: a capability that is missing, or a security module that refuses.",
        what_you_see: "EACCES or EPERM and the call that got it. All probes from pods of that node \
            fail; those from other nodes work.",
        how_it_comes: "A policy engine that strips capabilities; AppArmor or SELinux in spite of the \
            chart's settings; Yama's ptrace_scope 3.",
        be_sure: "kubectl logs -n netdiag of that agent pod, container broker: its self-test at the \
            start says what is missing. kubectl netdiag doctor node/NAME repeats it.",
        how_to_mend: "Let the agents' namespace run privileged (Pod Security: enforce=privileged), \
            exempt it from the policy engine, and leave the chart's security settings in place.",
        looks_like_it: "ND0001 no agent at all; ND0010 the agent could, but you may not.",
        raised_by: "ping, trace, dns, doctor",
    },
    Entry {
        code: Code(6),
        title: "Cut off in the middle",
        raised: Raised::Error,
        what_it_is: "The stream of events ended without its last line, or went silent for longer than \
            a heartbeat takes. What was seen before is printed, and no verdict is made of it.",
        what_you_see: "The lines until then, how many echoes were sent and answered, and who ended.",
        how_it_comes: "The agent was restarted, evicted or killed for want of memory; its node died; \
            the API server or the kubelet between it and you was restarted; a VPN went down.",
        be_sure: "kubectl get pods -n netdiag -o wide: restarts and age of that agent; kubectl netdiag \
            doctor node/NAME.",
        how_to_mend: "Ask again. If the agent is killed for memory, raise resources.broker.limits.memory \
            of the chart: every running probe counts there.",
        looks_like_it: "ND0309 the agent itself ended the probe and said why; ND0007 it answered with \
            something that is not its protocol.",
        raised_by: "ping, trace, dns",
    },
    Entry {
        code: Code(7),
        title: "The agent's answer breaks the protocol",
        raised: Raised::Error,
        what_it_is: "What came back is no event stream of netdiag: not JSON, a line beyond 64 KiB, \
            events in an order that cannot be, an answer of another node's agent.",
        what_you_see: "What was expected and what came; bytes of the answer only in quotes and escaped.",
        how_it_comes: "A release that is far older or newer; a proxy that answers in the agent's place; \
            an agent that is not what it says it is; a defect of netdiag.",
        be_sure: "kubectl netdiag version compares the releases.",
        how_to_mend: "Bring plugin and agents to the same release. If it stays, report it with the \
            error and the agent's log.",
        looks_like_it: "ND0003 the releases differ but understand each other; ND0006 the stream only \
            ended too early.",
        raised_by: "ping, trace, dns, doctor, version",
    },
];
