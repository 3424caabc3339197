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
        raised_by: "ping, trace, diagnose, connect, tls, http",
    },
    Entry {
        code: Code(102),
        title: "Endpoints of a Service are not ready",
        raised: Raised::Fail,
        what_it_is: "The selector matches pods, but none of them is Ready (FAIL), or some are not \
            (WARN): no node sends anything to those.",
        what_you_see: "As with no endpoint at all: rejected at once by the client's node, or \
            silence.",
        how_it_comes: "A readinessProbe that fails: wrong port or path, too short a timeout, a \
            dependency that is gone; pods that are still starting or already ending.",
        be_sure: "kubectl describe pod of one of them: the events name the probe and its answer.",
        how_to_mend: "Mend what the probe says, or the probe.",
        looks_like_it: "ND0101 no pod matches.",
        raised_by: "ping, trace, diagnose, connect, tls, http",
    },
    Entry {
        code: Code(103),
        title: "A Service leads to a port that nobody listens on",
        raised: Raised::Fail,
        what_it_is: "The Service sends to a port of its pods where no process listens, while \
            another port of them does listen.",
        what_you_see: "Connections are refused by the pods themselves, at once, on every data \
            plane; the pods are Ready if their probe asks another port.",
        how_it_comes: "targetPort was left behind when the application changed its port; port and \
            targetPort were confused; the port comes from a variable that is not set.",
        be_sure: "kubectl netdiag sockets POD -l -p shows what listens there, and which process.",
        how_to_mend: "Set the Service's targetPort to the port that listens, or the application's \
            port to the targetPort.",
        looks_like_it: "ND0601 it listens on 127.0.0.1 only; ND0602 nothing is known of its \
            sockets; a listener that opens late, minutes after the start.",
        raised_by: "ping, diagnose",
    },
    Entry {
        code: Code(104),
        title: "A targetPort by name that the pods do not declare",
        raised: Raised::Fail,
        what_it_is: "The Service's targetPort is a name, and the pods' containers declare no port \
            of that name, so that the endpoint has no port at all.",
        what_you_see: "As without endpoints: rejected at once by the client's node (kube-proxy), \
            or silence. The EndpointSlice lists the pods, but not the port.",
        how_it_comes: "The container port was renamed or has no name; a typing error; some pods \
            are of another version, which names it differently.",
        be_sure: "kubectl get endpointslices -l kubernetes.io/service-name=NAME -o yaml: the \
            ports are empty.",
        how_to_mend: "Give the container port that name, or name its number in the Service.",
        looks_like_it: "ND0101 there are no endpoints; ND0103 the number is wrong.",
        raised_by: "ping, trace, diagnose",
    },
    Entry {
        code: Code(106),
        title: "externalTrafficPolicy Local, and no endpoint on that node",
        raised: Raised::Warn,
        what_it_is: "What comes to a node from outside (its node port, the load balancer's \
            address) is sent to the node's own endpoints only, and this node has none that is \
            ready.",
        what_you_see: "Silence at this node's port, and connections at that of a node with an \
            endpoint. Clients inside often get through everywhere: kube-proxy takes them for \
            clients of the ClusterIP.",
        how_it_comes: "It is what the policy is for: the client's address is kept, and nothing \
            crosses to another node. A load balancer that asks healthCheckNodePort leaves such \
            nodes out; one that does not loses connections.",
        be_sure: "Ask the same node port of a node with an endpoint, and the load balancer for the \
            nodes that it holds to be well.",
        how_to_mend: "A health check on healthCheckNodePort, an endpoint on every node, or \
            externalTrafficPolicy: Cluster, which hides the client's address.",
        looks_like_it: "ND0201 the node's rules are missing or stale; a firewall before the node \
            ports.",
        raised_by: "ping, diagnose",
    },
    Entry {
        code: Code(107),
        title: "internalTrafficPolicy Local, and no endpoint on the client's node",
        raised: Raised::Fail,
        what_it_is: "The Service sends clients in the cluster only to endpoints of their own \
            node, and there is none on this one.",
        what_you_see: "Silence (kube-proxy drops), from this node only; the same Service works \
            from nodes that have an endpoint.",
        how_it_comes: "internalTrafficPolicy: Local is meant for agents that run on every node; \
            here they do not: a Deployment, a nodeSelector, a taint.",
        be_sure: "kubectl get endpointslices -o wide shows the nodes of the endpoints.",
        how_to_mend: "internalTrafficPolicy: Cluster, or an endpoint on every node (a DaemonSet). \
            trafficDistribution prefers the own node without dropping.",
        looks_like_it: "ND0201 the node's rules are stale; a NetworkPolicy.",
        raised_by: "ping, diagnose",
    },
];
