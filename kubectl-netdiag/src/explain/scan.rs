//! ND06..: what a scan finds.

use super::{Entry, Raised};
use crate::finding::Code;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: Code(604),
        title: "A port is declared, or led to, and nobody listens",
        raised: Raised::Warn,
        what_it_is: "A container declares the port, or a Service sends to it, but the pod refuses it: \
            no process listens there, or only on 127.0.0.1.",
        what_you_see: "Clients of that Service see connection refused, at once. The scan says closed \
            (rst), and the pod's socket table has no listener for the port.",
        how_it_comes: "The program listens on another port than its manifest says, has a feature \
            (metrics, say) switched off, has not got so far yet, or binds to localhost.",
        be_sure: "Without the right to see the pod's sockets the refusal alone speaks: a rule of the \
            node may refuse in the pod's name. Scan from the pod's own node then.",
        how_to_mend: "Make program and manifest agree: its listen address and port, the \
            containerPort, the Service's targetPort.",
        looks_like_it: "ND0606 it listens and cannot be reached from there. Right after its start a \
            pod may simply not listen yet.",
        raised_by: "scan",
    },
    Entry {
        code: Code(605),
        title: "A port is open and declared nowhere",
        raised: Raised::Warn,
        what_it_is: "The pod takes connections on a port that none of its containers declares and no \
            Service leads to. Declaring is documentation only: the port is open all the same.",
        what_you_see: "open (syn-ack), with - under DECLARED and LED TO BY.",
        how_it_comes: "Debugging and admin ports (pprof, JMX, Envoy's admin), a sidecar's ports, a \
            default of the program that nobody knew, or a program that nobody wanted.",
        be_sure: "The process beside it says whose port it is.",
        how_to_mend: "If it is meant, declare it; if not, bind it to 127.0.0.1, switch it off, or \
            keep others out by a NetworkPolicy.",
        looks_like_it: "A proxy that takes every port of the pod makes all of them look open.",
        raised_by: "scan",
    },
    Entry {
        code: Code(606),
        title: "A port listens, yet cannot be reached from the source",
        raised: Raised::Warn,
        what_it_is: "By the pod's own socket table a process listens on the port, and yet what was \
            sent there from the source got silence or an ICMP error.",
        what_you_see: "filtered, with silence or with who rejected, beside the name of the process.",
        how_it_comes: "A NetworkPolicy or a firewall drops it on the way; a rule in the pod's own \
            namespace (a mesh's sidecar has such) does; an accept queue is full.",
        be_sure: "Scan from the pod's own node, which policies commonly do not hold back: open from \
            there means that something on the way drops.",
        how_to_mend: "Where it is a policy, admit the source and the port.",
        looks_like_it: "ND0604 nobody listens. ND0616 nothing at all answers.",
        raised_by: "scan",
    },
    Entry {
        code: Code(616),
        title: "No answer to a scan",
        raised: Raised::Unknown,
        what_it_is: "None of the ports (or addresses) answered with anything: no SYN-ACK, no RST, no \
            datagram, no ICMP error.",
        what_you_see: "filtered (silence) for all, or open|filtered where UDP was asked: a service \
            that is not spoken to in its own protocol stays silent too.",
        how_it_comes: "A policy or firewall that drops, a host that is down, an address that nobody \
            has.",
        be_sure: "Ping the target: a reply means that somebody is there and the ports are filtered. \
            For UDP, the socket table of the target says what listens.",
        how_to_mend: "Admit the source where a policy drops; else find out where the path ends: trace.",
        looks_like_it: "ND0302 silence of a ping. A target that refuses is ND0617.",
        raised_by: "scan",
    },
    Entry {
        code: Code(617),
        title: "No port is open, but somebody is there",
        raised: Raised::Warn,
        what_it_is: "None of the ports that were asked is open, and some were refused (RST, or port \
            unreachable): a host is there and nobody listens on them.",
        what_you_see: "closed (rst) for all of them, or for all but those that are filtered.",
        how_it_comes: "The service is down or listens on another port; the wrong target was scanned.",
        be_sure: "-p- asks all 65,535 ports, of a pod or node that is named as such.",
        how_to_mend: "Start the service, or ask for the port that it has.",
        looks_like_it: "ND0616 nothing answers. A firewall that rejects with RST looks like this.",
        raised_by: "scan",
    },
    Entry {
        code: Code(619),
        title: "A scan was ended before it had asked everything",
        raised: Raised::Unknown,
        what_it_is: "The scan was stopped by Ctrl-C, its deadline or a limit. What was found until \
            then is shown; of the rest nothing is known.",
        what_you_see: "not finished after N of M ports, K open so far.",
        how_it_comes: "A slow lane (200 probes a second) and many ports, or silence, which must be \
            waited for.",
        be_sure: "The header says how fast the scan was allowed to be.",
        how_to_mend: "Ask for fewer ports, give it more time (--deadline), or name the target as \
            the pod or node that it is: with the right scan over it there is no limit.",
        looks_like_it: "ND0006 the agent ended in the middle.",
        raised_by: "scan",
    },
];
