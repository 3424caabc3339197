//! ND09..: by design.

use super::{Entry, Raised};
use crate::finding::Code;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: Code(901),
        title: "An echo to a Service's address tells nothing about the Service",
        raised: Raised::Note,
        what_it_is: "A ClusterIP is no host: it exists in rules that rewrite TCP, UDP and SCTP to the \
            Service's ports. An ICMP echo has no port, so no rule takes it to a pod.",
        what_you_see: "kube-proxy with iptables: silence, or what a router says of an unknown address. \
            With nftables: port unreachable at once. With IPVS: an answer of the node itself, or port \
            unreachable. Other data planes: any of these.",
        how_it_comes: "By design; nothing is wrong.",
        be_sure: "kubectl get endpointslices -n NAMESPACE -l kubernetes.io/service-name=NAME lists what \
            stands behind it.",
        how_to_mend: "Ping the pods behind it, each by its name. Whether the Service works only a \
            connection to one of its ports tells.",
        looks_like_it: "ND0302 and ND0304, if the address was typed and not the Service's name.",
        raised_by: "ping",
    },
    Entry {
        code: Code(902),
        title: "A headless Service is a name for its pods",
        raised: Raised::Note,
        what_it_is: "With clusterIP: None there is no address of the Service. Its name resolves to the \
            addresses of its ready pods, and whoever pings it pings one of them.",
        what_you_see: "The pods, each with its address and whether it is ready.",
        how_it_comes: "By design, mostly for StatefulSets; nothing is wrong.",
        be_sure: "kubectl get service NAME -n NAMESPACE shows None as its CLUSTER-IP.",
        how_to_mend: "Ping the pod that matters, by its name.",
        looks_like_it: "A Service whose selector matches nothing has no addresses either.",
        raised_by: "ping, diagnose",
    },
    Entry {
        code: Code(903),
        title: "An ExternalName Service is a name of somebody else's host",
        raised: Raised::Note,
        what_it_is: "Such a Service is a CNAME in the cluster's DNS and nothing else: no address, no \
            pods, no rules. An echo goes to that host, which is mostly outside the cluster.",
        what_you_see: "The name it stands for.",
        how_it_comes: "By design; nothing is wrong.",
        be_sure: "kubectl get service NAME -n NAMESPACE -o jsonpath='{.spec.externalName}'.",
        how_to_mend: "Ping that host by its own name, from the pod that uses it.",
        looks_like_it: "A certificate that does not name the Service: clients use the name they typed.",
        raised_by: "ping",
    },
];
