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
        raised_by: "ping, diagnose",
    },
    Entry {
        code: Code(302),
        title: "Silence: no reply, and nobody says why",
        raised: Raised::Fail,
        what_it_is: "Echoes or SYNs left the source and nothing came back: no reply and no ICMP \
            error. Somebody dropped them, or the replies, without a word.",
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
        raised_by: "ping, diagnose, connect, tls",
    },
    Entry {
        code: Code(303),
        title: "The path ends: nobody answers beyond a hop",
        raised: Raised::Fail,
        what_it_is: "Routers answer up to a hop, then neither another hop nor the target does. \
            What was sent is lost behind that hop, or its answers are.",
        what_you_see: "The last hop that answers, whose it is, and how often the rest was asked. \
            A hop in the middle that does not answer while later ones do is no fault.",
        how_it_comes: "Behind the target's own node: a NetworkPolicy or the pod itself drops. \
            Between two nodes: an overlay port or a cloud's security group drops, or a route to \
            the pod range is missing there. Behind the first hop: the source's own policy.",
        be_sure: "Trace the target from its own node: if it is reached there, what lies between \
            the nodes drops. Trace by another protocol (-T, -U, -I): what passes by one and not \
            by another is a rule.",
        how_to_mend: "Admit the source in the policy; give the last hop a route to the target; \
            open the overlay's port (VXLAN 8472 or 4789, Geneve 6081, WireGuard 51820) both ways.",
        looks_like_it: "ND0304 somebody says no; ND0312 the packets go round; ND0313 the path is \
            longer than was asked; a target that drops one protocol only.",
        raised_by: "trace",
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
        raised_by: "ping, trace, connect, tls",
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
        raised_by: "ping, trace, scan, connect, tls",
    },
    Entry {
        code: Code(306),
        title: "MTU black hole: large packets vanish",
        raised: Raised::Fail,
        what_it_is: "Small packets arrive and larger ones are lost, and nobody sends the ICMP \
            error that would tell the sender to send smaller ones.",
        what_you_see: "The largest size that passes to each hop, the hop at which it shrinks, and \
            how often one byte more was sent in vain.",
        how_it_comes: "A tunnel (VXLAN takes 50 bytes, WireGuard 60 to 80) whose cost is not \
            taken off the MTU of the pods; a link with a smaller MTU; a firewall that drops all \
            ICMP.",
        be_sure: "kubectl netdiag trace TARGET --mtu in both directions. curl connects and then \
            hangs, small answers arrive: that is how clients see it.",
        how_to_mend: "Set the MTU of the network plugin to what passes, and restart the pods; or \
            raise the MTU of the link; or let ICMP type 3 code 4 (IPv6: packet too big) pass.",
        looks_like_it: "ND0303 small packets do not arrive either. A smaller MTU that is \
            announced by ICMP is no fault: the verdict is OK and says so.",
        raised_by: "trace",
    },
    Entry {
        code: Code(309),
        title: "Ended before it did what was asked",
        raised: Raised::Unknown,
        what_it_is: "The probe ended early, and not by your own choice, or so early that nothing can be \
            said: WARN if all that was seen is well, UNKNOWN if nothing was seen.",
        what_you_see: "After how many echoes, and why: the source pod ended, the agent's limit on \
            duration was reached, the agent is being stopped, the deadline passed.",
        how_it_comes: "A pod that is replaced by a rollout; an agent that is updated; a deadline shorter \
            than the wait for one reply.",
        be_sure: "kubectl get pod NAME of the source; kubectl netdiag doctor for the agents.",
        how_to_mend: "Ask again, from the pod that took its place.",
        looks_like_it: "ND0006 the stream broke off and nobody said why; ND0021 the pod had no network \
            from the start.",
        raised_by: "ping, diagnose, trace, dns, connect, tls",
    },
    Entry {
        code: Code(310),
        title: "Rewritten on the way: the target sees another source",
        raised: Raised::Warn,
        what_it_is: "The connection works, but the address that the target sees is not the client's: \
            something between them does source NAT.",
        what_you_see: "sent and arrived, each with both addresses, MSS and TTL, as the client's kernel \
            and a listener of ours in the target's namespace had them.",
        how_it_comes: "Masquerading: kube-proxy for traffic that it cannot tell from outside traffic \
            (masquerade-all, a clusterCIDR that is missing or wrong), the CNI's own SNAT between nodes \
            or subnets, an ip-masq-agent that does not know the pod range, a mesh's sidecar at the target \
            (then it is 127.0.0.6).",
        be_sure: "The same from another node and from a pod of the same node: who rewrites is whom all \
            rewritten paths share.",
        how_to_mend: "Take the pod ranges out of what is masqueraded (nonMasqueradeCIDRs, clusterCIDR, \
            the CNI's natOutgoing). Until then admit the node's address instead of the pod's label.",
        looks_like_it: "ND0302 nothing arrives, for a policy admits neither; ND0314 somebody else \
            answers in the target's place.",
        raised_by: "connect --listen",
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
    Entry {
        code: Code(312),
        title: "Loop: the packets go round",
        raised: Raised::Fail,
        what_it_is: "The same routers answer again and again: each sends the packet on to the \
            next, and the last back to the first, until its TTL ends.",
        what_you_see: "The routers of the round and the hop at which it begins. Clients get \
            silence or TTL exceeded.",
        how_it_comes: "Two nodes that each think the other has the pod range: a node was \
            replaced, its routes were not; a default route back to where it came from, for an \
            address that is gone.",
        be_sure: "kubectl get nodes -o wide and the podCIDR of each; the routes of the nodes in \
            the round to the target's address.",
        how_to_mend: "Mend the route of the one that should deliver; restart the network plugin \
            of that node.",
        looks_like_it: "ND0303 nobody answers any more; ND0313 a long path without a round.",
        raised_by: "trace",
    },
    Entry {
        code: Code(313),
        title: "Not finished: the path is longer than was asked",
        raised: Raised::Unknown,
        what_it_is: "Every hop that was asked answered, and none of them was the target.",
        what_you_see: "Routers up to the last TTL, with no silence behind them.",
        how_it_comes: "A path of more hops than -m allows; a target that many routers away; a \
            loop whose routers answer by changing addresses.",
        be_sure: "The same with a larger -m.",
        how_to_mend: "Nothing is wrong by this alone.",
        looks_like_it: "ND0312 the same routers come round.",
        raised_by: "trace",
    },
    Entry {
        code: Code(314),
        title: "Answered by somebody else than the one that listens",
        raised: Raised::Fail,
        what_it_is: "A connection or an answer came, but a listener of ours in the target's namespace, on \
            that very port, saw nothing of it.",
        what_you_see: "connected, and no arrival at the other end.",
        how_it_comes: "A transparent proxy or a load balancer that takes every connection; a DNAT rule or \
            a hostPort that sends this port elsewhere; two hosts with the same address.",
        be_sure: "kubectl netdiag trace TARGET:PORT -T: the hop that answers is who takes it. connect \
            without --listen shows what it says first.",
        how_to_mend: "Take the rule away, or the second owner of the address.",
        looks_like_it: "ND0609 the source's own mesh proxy takes it; ND0310 it arrives, with another \
            source.",
        raised_by: "connect --listen",
    },
];
