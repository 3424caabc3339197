//! ND06..: sockets and listeners.

use super::{Entry, Raised};
use crate::finding::Code;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: Code(601),
        title: "A port listens on loopback only",
        raised: Raised::Warn,
        what_it_is: "The process listens on 127.0.0.1 or ::1 alone, so nobody outside of the pod \
            reaches it, and yet a Service sends to that port or the pod declares it.",
        what_you_see: "Connections from other pods and through the Service are refused at once; \
            kubectl port-forward and a curl inside of the pod work, as they come over loopback.",
        how_it_comes: "A framework's default (development servers, many Java and Node tools), \
            --host localhost, HOST=127.0.0.1, a debug or admin port that was never meant for others.",
        be_sure: "sockets -l -p shows the address and the process. Behind a mesh's sidecar it may be \
            meant so: the sidecar takes the connection and goes on over loopback.",
        how_to_mend: "Let the process listen on 0.0.0.0 (and ::), or on the pod's own address from \
            the downward API (status.podIP). If it is not meant for others, take the port out of the \
            Service.",
        looks_like_it: "A port that nobody listens on is refused as well, but has no row here.",
        raised_by: "ping, diagnose, sockets",
    },
    Entry {
        code: Code(602),
        title: "Refused: nobody listens on the port",
        raised: Raised::Fail,
        what_it_is: "The SYN was answered with RST (a datagram with port unreachable, by the \
            target itself): the host is there, the path is, and no socket takes it. A rule with \
            REJECT can answer in the target's name.",
        what_you_see: "refused after the time of one round trip, and over how many routers the \
            RST came, where a raw socket could be had. Over none, with a pod on another node: a \
            rule on the source's own node said it.",
        how_it_comes: "The process is not started, or crashed; it listens on another port, or on \
            127.0.0.1 only; a Service's targetPort is not the container's; a rule rejects with \
            tcp-reset.",
        be_sure: "Look at the listening sockets of the target's own namespace: kubectl netdiag \
            sockets POD -l.",
        how_to_mend: "Start the process, or make port and address agree; admit the client in the \
            rule.",
        looks_like_it: "curl and nc say \"Connection refused\" also where a router or a filter \
            rejected it by ICMP (ND0304): there nothing of the target answered.",
        raised_by: "ping, diagnose, connect, tls",
    },
    Entry {
        code: Code(603),
        title: "An accept queue is full",
        raised: Raised::Fail,
        what_it_is: "The kernel completes connections and queues them until the process accepts them. \
            More wait than the queue's limit, so the kernel throws away what would complete the next one.",
        what_you_see: "Clients hang for 1, 3, 7 s and then connect, or time out: silence, not a \
            refusal. ListenOverflows and ListenDrops rise. Pings and the pod's other ports are well.",
        how_it_comes: "The process does not accept: it hangs, waits for a lock or a database, is held \
            by its CPU limit, or has used up its threads or descriptors. Or the limit is too low for \
            bursts: the smaller of listen()'s backlog and net.core.somaxconn.",
        be_sure: "sockets -l --watch shows whether the queue drains. ACCEPT QUEUE is waiting/limit; one \
            more than the limit fits. A queue that stays full means a process that hangs.",
        how_to_mend: "A process that hangs: look at it (stack, CPU throttling, open descriptors), and \
            let a liveness probe restart it. Bursts: a larger backlog in the process, more replicas.",
        looks_like_it: "Silence by a policy: then the queue is empty. Half-open connections that \
            pile up before the queue: ND0612.",
        raised_by: "sockets",
    },
    Entry {
        code: Code(607),
        title: "A process listens for one protocol family only",
        raised: Raised::Fail,
        what_it_is: "The process in the pod listens on every address of IPv6 and takes no IPv4, or \
            the other way round, and the Service sends to the pod's address of the other family.",
        what_you_see: "Connections by the one family are refused by the pod, by the other they are \
            well; clients that try both (happy eyeballs) do not notice.",
        how_it_comes: "A listener on [::] with IPV6_V6ONLY (net.ipv6.bindv6only, Go's tcp6), or on \
            0.0.0.0 in a dual-stack cluster whose Service prefers IPv6.",
        be_sure: "kubectl netdiag sockets POD -l: the local address is [::] or 0.0.0.0, and there is \
            no second line for the port.",
        how_to_mend: "Listen on both families, or give the Service the ipFamilies that the process \
            has.",
        looks_like_it: "ND0601 it listens on the loopback only; ND0103 another port listens.",
        raised_by: "ping, diagnose",
    },
    Entry {
        code: Code(609),
        title: "Connected to the source's own mesh proxy",
        raised: Raised::Unknown,
        what_it_is: "The connection was taken by a proxy in the source's own pod (a service \
                mesh's sidecar), so what answered is not the target and the path behind it was not \
                seen.",
        what_you_see: "The other end of the connection is in the source's own socket table, with \
                a process of the source.",
        how_it_comes: "A mesh redirects the pod's outgoing TCP to its proxy, which opens a \
                connection of its own, perhaps later, perhaps to elsewhere.",
        be_sure: "Trace by echoes (-I) or from the pod's node: a mesh redirects neither.",
        how_to_mend: "By design of the mesh; nothing is wrong by this alone.",
        looks_like_it: "The target is the source itself.",
        raised_by: "trace, connect, tls",
    },
    Entry {
        code: Code(610),
        title: "UDP silence: open or filtered, which is not known",
        raised: Raised::Unknown,
        what_it_is: "A datagram was sent and nothing came back, neither an answer nor port \
            unreachable. A server that does not care to answer looks like one that never got it.",
        what_you_see: "How many bytes were sent and how long was waited.",
        how_it_comes: "Most UDP servers answer only what they understand, some nothing at all \
            (statsd, syslog); a policy that drops; a pod that is gone behind a Service.",
        be_sure: "Look at the sockets of the target (kubectl netdiag sockets POD -l -u), or send \
            what it does answer (--send).",
        how_to_mend: "Nothing is wrong by this alone.",
        looks_like_it: "ND0602 port unreachable came back: nobody listens. ND0302 silence on TCP, \
            where it does prove something.",
        raised_by: "ping, trace, diagnose, connect",
    },
    Entry {
        code: Code(611),
        title: "Sent data is not acknowledged",
        raised: Raised::Warn,
        what_it_is: "A connection stands, but what this end sent is not acknowledged and was sent \
            again several times, each time after twice the wait. A SYN counts as well.",
        what_you_see: "The application hangs in a read or a write; SEND-Q does not shrink. After some \
            15 minutes (net.ipv4.tcp_retries2) the kernel gives up with a timeout.",
        how_it_comes: "The other end is gone without a goodbye (node lost, pod moved, address reused); \
            a firewall or a NAT forgot the connection; a policy was set meanwhile; large packets \
            vanish at a link with a smaller MTU while small ones pass.",
        be_sure: "Trace to the peer by TCP; trace --mtu tells whether it is a matter of size. Whether \
            the peer still knows the connection, its own table shows.",
        how_to_mend: "Gone peers: keepalives in the client, TCP_USER_TIMEOUT. MTU: lower the pods' to \
            what the path takes. Forgotten connections: keepalives more often than the firewall's limit.",
        looks_like_it: "A peer that reads too slowly: then all is acknowledged and its window is 0, \
            the timer is zero window. A single lost packet is resent once and forgotten.",
        raised_by: "sockets",
    },
    Entry {
        code: Code(625),
        title: "The peer takes no more: its window is closed",
        raised: Raised::Warn,
        what_it_is: "All that was sent is acknowledged, and the other end lets no more come: its \
            receive buffer is full, as its process does not read. The path is well.",
        what_you_see: "The application hangs in a write; SEND-Q stays; the kernel asks from time to \
            time whether there is room (timer zero window).",
        how_it_comes: "The peer's process is stopped, overloaded, waits for a lock or for something \
            behind it; or it never meant to read what this end sends.",
        be_sure: "The peer's own table: its RECV-Q on that connection is full and does not shrink \
            (kubectl netdiag sockets PEER -p).",
        how_to_mend: "Look at the process that does not read: CPU throttling, a full queue, a \
            deadlock. Write timeouts in this end let it notice.",
        looks_like_it: "ND0611 nothing is acknowledged: then the path or the peer is gone.",
        raised_by: "sockets",
    },
    Entry {
        code: Code(612),
        title: "Many half-open connections",
        raised: Raised::Warn,
        what_it_is: "Clients sent SYNs, this end answered, and the third part of the handshake does not \
            come. They pile up in state SYN-RECV.",
        what_you_see: "New connections get slow, or are only made by SYN cookies \
            (TcpExt TCPReqQFullDoCookies), or are dropped (TCPReqQFullDrop).",
        how_it_comes: "The answers are lost on their way back: an asymmetric route, a policy or a \
            firewall that knows one direction. A flood of SYNs. A scan that never completes.",
        be_sure: "Who they come from, sockets -t --state syn-recv shows: known pods mean a lost way \
            back, thousands of strange addresses a flood.",
        how_to_mend: "A way back that is lost: trace from here to one of those addresses. A flood: at \
            the load balancer; SYN cookies (net.ipv4.tcp_syncookies) keep the port usable.",
        looks_like_it: "ND0603 the handshake is complete and the process does not accept.",
        raised_by: "sockets",
    },
    Entry {
        code: Code(613),
        title: "Connections in TIME-WAIT use up the ports",
        raised: Raised::Warn,
        what_it_is: "The end that closes first keeps its local port for 60 s, in TIME-WAIT. Very many \
            connections to one address and port are kept so.",
        what_you_see: "Nothing at first. Towards 28,000 connect fails with EADDRNOTAVAIL (\"cannot \
            assign requested address\"), at the rate of some 470 new connections a second.",
        how_it_comes: "A client that opens a connection for each request: no keep-alive, no pool, a \
            pool that is too small, HTTP/1.0 or \"Connection: close\".",
        be_sure: "sockets -t --state time-wait --peer ADDRESS:PORT lists them; twice with some time \
            between tells the rate.",
        how_to_mend: "Reuse connections. net.ipv4.tcp_tw_reuse lets a client take such a port again \
            after a second; a wider net.ipv4.ip_local_port_range only moves the wall.",
        looks_like_it: "On the listening side TIME-WAIT costs little: all share the listener's port.",
        raised_by: "sockets",
    },
    Entry {
        code: Code(614),
        title: "Connections in CLOSE-WAIT are never closed",
        raised: Raised::Warn,
        what_it_is: "The other end said goodbye; the process here has not closed its side. The kernel \
            waits for it without end.",
        what_you_see: "Descriptors and memory grow until accept or open fails with \"too many open \
            files\".",
        how_it_comes: "A leak in the application: a response that is not read to its end, a pool that \
            does not notice, an error path without a close. Or a process that hangs.",
        be_sure: "sockets -t --state close-wait -p names the process; the same ports a minute later are \
            a leak, other ones only a slow close.",
        how_to_mend: "In the process. A restart helps until it has leaked as much again.",
        looks_like_it: "FIN-WAIT-2 is the same seen from the other end.",
        raised_by: "sockets",
    },
    Entry {
        code: Code(615),
        title: "The socket table is not complete",
        raised: Raised::Unknown,
        what_it_is: "Sockets may be missing from what was shown, so what is not there proves nothing.",
        what_you_see: "How many are known, and why there may be more.",
        how_it_comes: "The table changed each time the kernel wrote it, which takes tens of thousands \
            of sockets that come and go; it is larger than a report holds; or the look was ended early.",
        be_sure: "Look again, at fewer: -t, --state, --port and --peer leave out the rest.",
        how_to_mend: "Nothing is wrong by this alone.",
        looks_like_it: "A cell with ? is a right that is missing (SKIP says which).",
        raised_by: "sockets",
    },
    Entry {
        code: Code(618),
        title: "A connection broke that had begun",
        raised: Raised::Fail,
        what_it_is: "The connection was there and bytes may have passed; then the peer reset it, or \
                acknowledged nothing any more.",
        what_you_see: "How much was sent and received before. What was under way is lost.",
        how_it_comes: "The process crashed or closed with unread data; a proxy, firewall or load \
                balancer ran out of patience with a silent connection and forgot it; a Service's \
                endpoint ended.",
        be_sure: "Once more: always after the same time speaks for somebody's idle timeout, always \
                after the same bytes for the server.",
        how_to_mend: "Read the server's log at that time; keep the connection alive below the \
                timeout.",
        looks_like_it: "A peer that closes in order is an end and no break.",
        raised_by: "connect",
    },
    Entry {
        code: Code(621),
        title: "A port that comes and goes",
        raised: Raised::Fail,
        what_it_is: "Of many attempts (--count, --for) some were taken and some not.",
        what_you_see: "How often each outcome was seen, and when first and last.",
        how_it_comes: "One bad endpoint of several behind a Service: a fixed share fails. A \
            process that restarts, a node that is being changed: all fail for a while. A full \
            accept queue or connection table: silence now and then.",
        be_sure: "A Service: the same for each of its pods. One pod: kubectl netdiag sockets POD \
            -l shows its accept queue, kubectl get pod its restarts.",
        how_to_mend: "What the failing part is: the bad endpoint, the restart, the queue.",
        looks_like_it: "ND0301 echoes are lost as well: then the path is ill, not the port.",
        raised_by: "connect",
    },
    Entry {
        code: Code(622),
        title: "A port cannot be had",
        raised: Raised::Error,
        what_it_is: "Somebody in that network namespace has the port already, or it is privileged there: \
            nothing can listen on it, or be sent from it (connect -p).",
        what_you_see: "Who has it, by address and uid; or the first port that needs no privilege.",
        how_it_comes: "The application itself listens there; another netdiag listen runs; a hostNetwork \
            pod or a service of the node has it.",
        be_sure: "sockets TARGET -l -p names the process.",
        how_to_mend: "Take another port. Below net.ipv4.ip_unprivileged_port_start (often 1024) the agent \
            cannot listen: it has no NET_BIND_SERVICE, on purpose.",
        looks_like_it: "An address that the namespace does not have is ND0030.",
        raised_by: "listen, connect",
    },
    Entry {
        code: Code(623),
        title: "Nobody came to the listener",
        raised: Raised::Unknown,
        what_it_is: "netdiag listened on the port, and until the end nobody connected (TCP) or sent \
            anything (UDP).",
        what_you_see: "How long it listened. The client sees silence, or a rejection from somebody on \
            the way.",
        how_it_comes: "The client was not started or asks elsewhere; a policy, a filter or a missing \
            route stops it before it arrives.",
        be_sure: "connect POD:PORT --from CLIENT while it listens: its outcome says where it ends.",
        how_to_mend: "As the client's outcome says.",
        looks_like_it: "A connection that arrives from another address than the client's was rewritten \
            on the way: that is listed, with the address as it came.",
        raised_by: "listen",
    },
    Entry {
        code: Code(624),
        title: "Connected, but TLS could not begin",
        raised: Raised::Fail,
        what_it_is: "The TCP connection was made; what the server said then is no TLS handshake that \
            this side can finish. The certificate was not looked at: it is no reason for this.",
        what_you_see: "The reason, as the TLS library or the server's alert has it.",
        how_it_comes: "The port speaks no TLS, or only after STARTTLS; the server knows only versions \
            below TLS 1.2; it wants a name (SNI) that it serves, or a client certificate.",
        be_sure: "Without --tls: what does the server say? A banner or silence is no TLS.",
        how_to_mend: "Ask the port that speaks TLS, by the name that the server serves.",
        looks_like_it: "A reset in the middle of the handshake may be a firewall that reads SNI.",
        raised_by: "connect --tls",
    },
];
