//! ND05..: names.

use super::{Entry, Raised};
use crate::finding::Code;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: Code(501),
        title: "The name does not exist",
        raised: Raised::Fail,
        what_it_is: "NXDOMAIN: a server that was asked says that there is no such name, of whatever \
            type. On a walk it is said for every name of the search list and for the name itself.",
        what_you_see: "NXDOMAIN in every row, and the names that were really asked. Clients say \
            \"Name or service not known\" or \"no such host\".",
        how_it_comes: "A typing error; a Service of another namespace named without it; a Service that \
            is gone; a cluster's name asked from a node, whose nameservers do not know it.",
        be_sure: "kubectl get svc -A lists what there is; a name of the cluster is \
            SERVICE.NAMESPACE.svc.cluster.local.",
        how_to_mend: "Use the name with its namespace: checkout.shop, or the whole of it with a dot at \
            its end.",
        looks_like_it: "ND0510 the name exists, without a record of that type; ND0505 the server could \
            not find out; ND0020 there is no such object.",
        raised_by: "dns",
    },
    Entry {
        code: Code(502),
        title: "No answer",
        raised: Raised::Fail,
        what_it_is: "No server answered: each was silent, rejected the query by ICMP, refused the \
            connection, or nothing could be sent.",
        what_you_see: "Which server was asked how often and for how long, and who rejected. Clients say \
            \"Temporary failure in name resolution\" after timeout times attempts.",
        how_it_comes: "CoreDNS is down or not ready; a NetworkPolicy that does not admit UDP and TCP 53 \
            to it; stale Service rules on the node; a nameserver of resolv.conf that is gone.",
        be_sure: "--every-server asks the pods behind the Service one by one; the same from the node \
            tells the pod's policy from the path.",
        how_to_mend: "Rejected: the Service has no ready endpoint, so look at CoreDNS. Silence from one \
            source only: its policy or its node. Silence from all: CoreDNS or the path to it.",
        looks_like_it: "ND0503 one of several servers is silent; ND0505 the server answers that it \
            cannot.",
        raised_by: "dns",
    },
    Entry {
        code: Code(503),
        title: "One of the servers does not answer",
        raised: Raised::Fail,
        what_it_is: "Another server answers, but every query that meets the silent one waits for the \
            timeout first. FAIL of --every-server; WARN where a lookup had to go on to the next.",
        what_you_see: "Lookups that take 5 s now and then (timeout in resolv.conf), and are right \
            in the end.",
        how_it_comes: "One CoreDNS pod that hangs or whose node is cut off, while it is still an \
            endpoint; a first nameserver in resolv.conf that is gone.",
        be_sure: "dns NAME --every-server, from two nodes: what is silent from both is the server.",
        how_to_mend: "Restart that CoreDNS pod, or look at its node; take the dead nameserver out of the \
            resolv.conf (dnsConfig of the pod, or the kubelet's resolvConf).",
        looks_like_it: "ND0502 none answers; ND0504 a name of the search list costs the time.",
        raised_by: "dns",
    },
    Entry {
        code: Code(504),
        title: "The search list costs time",
        raised: Raised::Warn,
        what_it_is: "A name that is not the one meant is asked first, because the name has fewer dots \
            than ndots, and nobody answers for it.",
        what_you_see: "A row of silence under a name with a domain of the search list, and then the \
            answer under the name itself.",
        how_it_comes: "ndots:5 of every pod; a search domain of the node, inherited by the pods, whose \
            servers cannot be reached.",
        be_sure: "The name with a dot at its end is answered at once.",
        how_to_mend: "Write names outside the cluster with a dot at their end; set ndots in the pod's \
            dnsConfig; take the dead domain out of the node's resolv.conf.",
        looks_like_it: "ND0503 the server itself is silent, for every name.",
        raised_by: "dns",
    },
    Entry {
        code: Code(505),
        title: "The server fails or refuses",
        raised: Raised::Fail,
        what_it_is: "SERVFAIL: the server could not find out. REFUSED: it does not answer this source, \
            or is not there for that name. Or it knows others only, and does not ask them.",
        what_you_see: "The code, and the server's own reason where it gives one (EDE). Clients say \
            \"Temporary failure in name resolution\" or \"server misbehaving\".",
        how_it_comes: "CoreDNS cannot reach the servers that it forwards to; a zone whose DNSSEC is \
            broken; a server that is lame for the zone; an access list.",
        be_sure: "+cd asks without the server's DNSSEC check: an answer then means a broken signature. \
            +trace shows the zone's own servers.",
        how_to_mend: "Look at the forward line of the Corefile and at CoreDNS's log; mend the zone.",
        looks_like_it: "ND0508 the signatures were checked here and are broken; ND0502 nobody answers.",
        raised_by: "dns",
    },
    Entry {
        code: Code(506),
        title: "The servers disagree",
        raised: Raised::Fail,
        what_it_is: "Servers that should say the same of a name do not. What a client gets depends on \
            which it meets.",
        what_you_see: "Each server's answer; the order of records does not count.",
        how_it_comes: "A CoreDNS pod that lost its watch of the API and has old records; a nameserver of \
            another network in resolv.conf; a zone that one server has not transferred.",
        be_sure: "Ask again after the record's TTL: a cache agrees then.",
        how_to_mend: "Restart the CoreDNS pod that differs; never mix nameservers that know different \
            names: a libc takes the first answer, and NXDOMAIN is one.",
        looks_like_it: "ND0507 all agree, and the API says otherwise.",
        raised_by: "dns",
    },
    Entry {
        code: Code(507),
        title: "DNS and the API disagree",
        raised: Raised::Fail,
        what_it_is: "The answer for a Service's name is not what the Service has: its ClusterIP, its \
            ready endpoints where it is headless, its externalName.",
        what_you_see: "Both, and the Service's resourceVersion.",
        how_it_comes: "A Service that was deleted and made anew while CoreDNS did not hear of it; a \
            rewrite or hosts plugin in the Corefile; NodeLocal DNSCache with an old answer.",
        be_sure: "--every-server tells a stale pod from a stale cache; wait 30 s, as long as CoreDNS \
            caches.",
        how_to_mend: "Restart the CoreDNS pods that are stale; look at the Corefile.",
        looks_like_it: "ND0506 only some of the servers say so.",
        raised_by: "dns",
    },
    Entry {
        code: Code(508),
        title: "DNSSEC: the chain of trust is broken",
        raised: Raised::Fail,
        what_it_is: "From the trust anchor down, one link does not hold: a signature that is missing, \
            expired or wrong, or a key that its parent does not vouch for. UNKNOWN where it cannot be \
            told.",
        what_you_see: "Every link with its proof, and at which name and why it breaks.",
        how_it_comes: "A key that was rolled without its DS; a zone that was not signed anew in time; a \
            clock that is wrong; an answer that was forged or rewritten on the way.",
        be_sure: "The same from another source: a resolver that rewrites answers is near one of them.",
        how_to_mend: "It is the zone's owner's to mend. --trust-anchor for a private root.",
        looks_like_it: "ND0505 SERVFAIL: a server that validates says no more than that.",
        raised_by: "dns",
    },
    Entry {
        code: Code(509),
        title: "Answers that did not belong, or are none",
        raised: Raised::Warn,
        what_it_is: "Packets came that are not the answer to what was asked (another id, question, \
            address or cookie), that contradict themselves, or that cannot be read. FAIL where nothing \
            else came.",
        what_you_see: "How many, and what did not fit. They were not used.",
        how_it_comes: "Somebody guesses: spoofed answers; a late answer of an earlier query; a device \
            that answers from another address; NXDOMAIN for AAAA where A exists, by a server that errs.",
        be_sure: "Ask again over TCP (+tcp), which cannot be answered from aside.",
        how_to_mend: "Find who answers: the same from the node, and by --every-server.",
        looks_like_it: "ND0505 an answer that belongs, and says no.",
        raised_by: "dns",
    },
    Entry {
        code: Code(510),
        title: "The name exists, without such a record",
        raised: Raised::Fail,
        what_it_is: "NOERROR with an empty answer: other types exist under that name, or names below it.",
        what_you_see: "no data in the row of that name. Clients say \"No address associated with \
            hostname\".",
        how_it_comes: "AAAA asked of a Service that has IPv4 only; a headless Service without ready \
            pods; a domain that has mail only; a namespace's name taken for a Service's.",
        be_sure: "dns NAME ANY shows what there is, where the server tells.",
        how_to_mend: "Ask for a type that is there; of a headless Service, see why no pod is ready.",
        looks_like_it: "ND0501 the name itself does not exist.",
        raised_by: "dns",
    },
];
