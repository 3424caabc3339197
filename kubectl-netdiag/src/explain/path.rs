//! ND03..: path and packets.

use super::{Entry, Raised};
use crate::finding::Code;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: Code(301),
        title: "Some echoes are lost",
        raised: Raised::Warn,
        what_it_is: "The target answers, yet not every echo came back within the wait (-W). The exit \
            code is 0, as ping's; --fail-on warn makes it 1.",
        what_you_see: "Which icmp_seq were lost: a run of them is an interruption, single ones are a \
            queue or a damaged link. Late replies are counted apart and are no loss.",
        how_it_comes: "A full queue on the way or a CPU limit on packet handling; a link with errors; \
            a limit on ICMP (many devices answer only so many echoes a second); a path that changed.",
        be_sure: "Ask more often and from elsewhere: the target from its own node, and node to node. \
            Loss that is only there at -i 0.2 and not at 1 s is a limit on ICMP.",
        how_to_mend: "Where one node is common to all lossy pairs, look at its interface errors, its \
            queues and its CPU; where all pods of a node lose, at the network between the nodes.",
        looks_like_it: "ND0302 nothing comes back at all; ND0311 all comes back, but late or doubled.",
        raised_by: "ping",
    },
    Entry {
        code: Code(302),
        title: "Silence: no reply, and nobody says why",
        raised: Raised::Fail,
        what_it_is: "Echoes left the source and nothing came back: no reply and no ICMP error. \
            Somebody dropped them, or the replies, without a word.",
        what_you_see: "silence for every echo. When nothing at all came back, ping waits 3.5 s longer \
            for a router's host unreachable, which takes 3 s.",
        how_it_comes: "A NetworkPolicy or a firewall (of a cloud, a security group) that drops; a route \
            that is missing on the way back; an overlay port that is blocked between nodes; a pod that \
            hangs; a target that ignores echoes.",
        be_sure: "Ping the target from its own node: a reply there and silence here means that the path \
            or a policy drops. Silence there as well means the pod or its policy.",
        how_to_mend: "A policy: admit the source. Between two nodes: compare a pair that works, and open \
            the overlay's port (VXLAN 8472 or 4789, Geneve 6081, WireGuard 51820) both ways.",
        looks_like_it: "Echoes only are dropped, and TCP passes: then the application is well. ND0304 \
            somebody did say why. ND0901 the target is a Service's address.",
        raised_by: "ping",
    },
    Entry {
        code: Code(304),
        title: "Rejected: somebody on the way says no",
        raised: Raised::Fail,
        what_it_is: "An ICMP error came back instead of a reply. The verdict names who sent it and what \
            it means; the one who says no is not always the one at fault.",
        what_you_see: "host unreachable after 3 s: that router asked for the target's hardware address \
            and nobody answered. net unreachable: it has no route. port unreachable or prohibited: a \
            rule there. fragmentation needed: its next link takes less. TTL exceeded: too many hops.",
        how_it_comes: "A pod or node that is gone while its address is still used; a route that is \
            missing; a rule with REJECT; --df with a packet that is too long; --ttl below the number \
            of hops, or a loop.",
        be_sure: "Ping the node of the target: if that is rejected likewise, the node is gone. kubectl \
            get nodes and kubectl get pods -o wide say whether the address is still somebody's.",
        how_to_mend: "By its meaning: bring the node back; restore the route to the pod range; admit \
            the source in the rule; lower the MTU of the pods below that of the path.",
        looks_like_it: "ND0302 nobody says anything; ND0305 this host's own kernel did not send.",
        raised_by: "ping",
    },
    Entry {
        code: Code(305),
        title: "Not sent: the source's own kernel refuses",
        raised: Raised::Fail,
        what_it_is: "Nothing left the source: its kernel had no route, found the packet too long, the \
            interface down or a rule of its own in the way.",
        what_you_see: "not sent with the kernel's reason in words, at once and for every echo.",
        how_it_comes: "IPv6 to a target from a pod that has IPv4 only; a default route that is gone; \
            --df with more bytes than the MTU; an OUTPUT rule in the namespace, as a mesh makes it.",
        be_sure: "The same target from the source's node: if that is sent, the pod's own namespace is \
            the place to look.",
        how_to_mend: "Use an address of a family that the source has; restart the pod if its interface \
            was lost; ask for fewer bytes.",
        looks_like_it: "ND0304 the packet left and somebody else said no.",
        raised_by: "ping",
    },
    Entry {
        code: Code(309),
        title: "Ended before it did what was asked",
        raised: Raised::Unknown,
        what_it_is: "The ping ended early, and not by your own choice, or so early that nothing can be \
            said: WARN if all that was seen is well, UNKNOWN if nothing was seen.",
        what_you_see: "After how many echoes, and why: the source pod ended, the agent's limit on \
            duration was reached, the agent is being stopped, the deadline passed.",
        how_it_comes: "A pod that is replaced by a rollout; an agent that is updated; a deadline shorter \
            than the wait for one reply.",
        be_sure: "kubectl get pod NAME of the source; kubectl netdiag doctor for the agents.",
        how_to_mend: "Ask again, from the pod that took its place.",
        looks_like_it: "ND0006 the stream broke off and nobody said why; ND0021 the pod had no network \
            from the start.",
        raised_by: "ping",
    },
    Entry {
        code: Code(311),
        title: "Replies come late, twice, out of order or damaged",
        raised: Raised::Warn,
        what_it_is: "Every echo was answered, yet not as it should be. If every reply that came had a \
            wrong checksum, it is FAIL: nothing usable came back.",
        what_you_see: "(late ...) after the wait of -W; (duplicate); (reordered ...); (wrong data ...) \
            with the first byte that differs; corrupted: with a wrong ICMP checksum.",
        how_it_comes: "Late: full buffers or a busy CPU. Duplicate: two hosts with one address, or a \
            loop on layer 2. Reordered: several paths. Damaged: a faulty card, checksum offload of a \
            tunnel, a device that rewrites packets.",
        be_sure: "More echoes, and from another node: what stays with one node is that node's.",
        how_to_mend: "Duplicates: find who else has the address, by its hardware address on the node. \
            Damage on one node: its card, its driver, its tunnel's offload settings.",
        looks_like_it: "ND0301 some never came back.",
        raised_by: "ping",
    },
];
