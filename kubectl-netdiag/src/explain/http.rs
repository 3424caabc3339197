//! ND08..: HTTP.

use super::{Entry, Raised};
use crate::finding::Code;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: Code(801),
        title: "The server answers with a 4xx",
        raised: Raised::Warn,
        what_it_is: "The server was reached and speaks HTTP; it does not want this request. With \
            --expect: the status is another one than was expected (FAIL).",
        what_you_see: "The status, who says so as far as a field tells, and for some statuses the field \
            that explains it (www-authenticate, allow, retry-after).",
        how_it_comes: "A path or a Host that the server or the ingress does not know (404), missing \
            credentials (401), a policy of the mesh or the app (403), a method that is not taken (405), a \
            rate limit (429).",
        be_sure: "Ask the pod itself with the Host that clients send: http pod/NAME:PORT/PATH -H 'Host: \
            NAME'. The same status there: it is the app's.",
        how_to_mend: "Mend the request, or the route that should have matched. --expect 404 makes it well.",
        looks_like_it: "ND0804 a 400 that means TLS; ND0810 a 421.",
        raised_by: "http",
    },
    Entry {
        code: Code(802),
        title: "The server answers with a 5xx",
        raised: Raised::Fail,
        what_it_is: "The request was taken, and failed. Whose failure it is, is said only where a field \
            proves it: l5d-proxy-error, Kong's latencies, Envoy's x-envoy-upstream-service-time.",
        what_you_see: "The status; 'envoy's own, not the app's' where Envoy answers without having heard a \
            server behind it; 'a gateway's' for 502 and 504, which say so by their meaning.",
        how_it_comes: "The app failed (500). A proxy has no healthy endpoint (503), got no answer in time \
            (504) or a bad one (502): the app listens on another port, speaks another HTTP version, wants \
            TLS, or closes idle connections before the proxy does.",
        be_sure: "Ask the endpoints themselves: http pod/NAME:PORT. Well there: look at the proxy and the \
            way between; failing there: read the app's log.",
        how_to_mend: "As the cause has it: readiness, targetPort, protocol of the port, timeouts.",
        looks_like_it: "ND0805 no answer at all.",
        raised_by: "http",
    },
    Entry {
        code: Code(803),
        title: "Slow first byte",
        raised: Raised::Warn,
        what_it_is: "From the request to the first byte of the answer it took more than a second, ten times \
            as long as the connection and more than half of the whole.",
        what_you_see: "The server's share and the network's.",
        how_it_comes: "The app works long, waits for a database, a lock, a DNS lookup of its own (5 s are a \
            resolver's timeout), or for CPU (throttling).",
        be_sure: "--count 20: is it always so? Compare the endpoints, each by its pod.",
        how_to_mend: "In the app, or its limits; the network is not it.",
        looks_like_it: "ND0302 and ND0301 lost packets make connections slow, not first bytes alone.",
        raised_by: "http",
    },
    Entry {
        code: Code(804),
        title: "HTTP in the clear to a port that wants TLS",
        raised: Raised::Fail,
        what_it_is: "The answer to a plain request is a record of TLS, or a 400 that says HTTPS.",
        what_you_see: "curl: 'Received HTTP/0.9 when not allowed', or 400 'The plain HTTP request was sent \
            to HTTPS port' (nginx), 'Client sent an HTTP request to an HTTPS server' (Go).",
        how_it_comes: "The scheme in the client's URL, or an ingress's backend protocol, does not fit the \
            port.",
        be_sure: "tls TARGET:PORT completes a handshake.",
        how_to_mend: "https in the URL; for ingress-nginx the annotation backend-protocol: HTTPS.",
        looks_like_it: "ND0730 the opposite: TLS to a port in the clear.",
        raised_by: "http",
    },
    Entry {
        code: Code(805),
        title: "Connected, asked, and no answer",
        raised: Raised::Fail,
        what_it_is: "The server took the connection and the request, and closed or reset it before its head \
            was whole.",
        what_you_see: "curl: (52) Empty reply from server, or (56) Recv failure: Connection reset by peer.",
        how_it_comes: "The app crashed on the request; it speaks another protocol; a proxy without a \
            server behind it; an idle connection that was closed at the same moment.",
        be_sure: "Twice: a crash shows in the pod's restarts. tls TARGET:PORT: does it want TLS?",
        how_to_mend: "As the cause has it.",
        looks_like_it: "ND0811 nothing came, and nobody closed; ND0807 what came is no HTTP.",
        raised_by: "http",
    },
    Entry {
        code: Code(806),
        title: "The answer's body was cut short",
        raised: Raised::Fail,
        what_it_is: "The head promised more than came: fewer bytes than Content-Length, a chunked body \
            without its last chunk, a reset in the middle.",
        what_you_see: "curl: (18) transfer closed with N bytes remaining to read.",
        how_it_comes: "The app died or was ended while it wrote; a proxy's timeout or buffer limit; a \
            Content-Length of the text before it was compressed or encoded.",
        be_sure: "The same count of bytes each time is a wrong length or a limit; another one each time is \
            a death or a timeout.",
        how_to_mend: "In the app or the proxy's limits.",
        looks_like_it: "ND0306 an MTU black hole stops large answers without closing them.",
        raised_by: "http",
    },
    Entry {
        code: Code(807),
        title: "What answers is not HTTP",
        raised: Raised::Fail,
        what_it_is: "Bytes came back that are no HTTP, or break its rules: a field without a name, two \
            lengths that differ, a status that is no number.",
        what_you_see: "The first line of what was said.",
        how_it_comes: "Another protocol's port; a server written by hand.",
        be_sure: "connect TARGET:PORT shows a banner; scan -A names the protocol.",
        how_to_mend: "Ask another port, or mend the server: proxies refuse such answers too (502).",
        looks_like_it: "ND0804 TLS came back; ND0809 HTTP/2 came back.",
        raised_by: "http",
    },
    Entry {
        code: Code(808),
        title: "Redirects that lead nowhere",
        raised: Raised::Fail,
        what_it_is: "A redirect leads back to where it came from, there are more than --max-redirs, or \
            Location is no URL.",
        what_you_see: "Each hop, and where it would go on.",
        how_it_comes: "TLS ends at a proxy, the app sees http and redirects to https for ever: the proxy does \
            not send X-Forwarded-Proto, or the app does not read it; two rules that contradict each other.",
        be_sure: "-H 'X-Forwarded-Proto: https' to the pod itself: no redirect then.",
        how_to_mend: "Let the proxy say the scheme and the app believe it.",
        looks_like_it: "A login that needs cookies redirects in circles here: none are kept.",
        raised_by: "http",
    },
    Entry {
        code: Code(809),
        title: "Another version of HTTP is wanted",
        raised: Raised::Fail,
        what_it_is: "The server speaks HTTP/2 alone and was asked in HTTP/1.1, or the other way round, or \
            it refused the request with an error of HTTP/2.",
        what_you_see: "The version that was spoken and asked, or the error's name (RFC 9113, section 7).",
        how_it_comes: "A gRPC port behind a proxy that speaks HTTP/1.1 to it; appProtocol or the port's name \
            (grpc-, http2-) is missing.",
        be_sure: "--h2c asks in HTTP/2, --grpc-health asks gRPC's health service.",
        how_to_mend: "Tell the proxy the protocol: appProtocol: kubernetes.io/h2c, the port's name, the \
            ingress's annotation.",
        looks_like_it: "ND0804 TLS is wanted.",
        raised_by: "http",
    },
    Entry {
        code: Code(810),
        title: "421: not this server's host",
        raised: Raised::Fail,
        what_it_is: "The server says that it does not answer for this name over this connection.",
        what_you_see: "421 Misdirected Request.",
        how_it_comes: "SNI and Host differ; a connection that was made for one name is used for another \
            (HTTP/2 coalescing, a wildcard certificate for two gateways).",
        be_sure: "The same URL alone, with no -H Host: well, then it is the name.",
        how_to_mend: "Separate certificates for separate gateways, or routes on both.",
        looks_like_it: "ND0703 the certificate is for other names.",
        raised_by: "http",
    },
    Entry {
        code: Code(811),
        title: "No answer in time",
        raised: Raised::Fail,
        what_it_is: "Connected and asked; then silence, a head that does not end, or a body that does not.",
        what_you_see: "How far it came.",
        how_it_comes: "The app hangs or waits for somebody who hangs; all its threads are taken; a stream \
            that has no end by design.",
        be_sure: "sockets pod/NAME -l: is the accept queue full? connect alone is quick?",
        how_to_mend: "In the app; --deadline TIME waits longer.",
        looks_like_it: "ND0302 no connection. ND0306 large answers are lost on the way.",
        raised_by: "http",
    },
    Entry {
        code: Code(812),
        title: "The answer's head is too long",
        raised: Raised::Fail,
        what_it_is: "More than 16,384 bytes or 100 fields before the body.",
        what_you_see: "Proxies say 502 (nginx: upstream sent too big header), Node.js HPE_HEADER_OVERFLOW.",
        how_it_comes: "Cookies and tokens that grow; a redirect loop that adds parameters.",
        be_sure: "-I -v with fewer cookies.",
        how_to_mend: "Shorter cookies, or larger buffers in every proxy on the way.",
        looks_like_it: "ND0805 the head is cut off.",
        raised_by: "http",
    },
    Entry {
        code: Code(813),
        title: "More bytes than the answer's length says",
        raised: Raised::Warn,
        what_it_is: "Behind the end of the answer, by its own Content-Length, more bytes came.",
        what_you_see: "curl: Excess found writing body.",
        how_it_comes: "A Content-Length in characters instead of bytes; two answers to one request; HEAD \
            answered with a body.",
        be_sure: "--body: is the end missing?",
        how_to_mend: "Mend the length: on a connection that is kept, the next answer is read wrong.",
        looks_like_it: "ND0806 fewer bytes than promised.",
        raised_by: "http",
    },
    Entry {
        code: Code(814),
        title: "The proxy gave no connection",
        raised: Raised::Fail,
        what_it_is: "The proxy of --proxy was reached, and did not connect to the server (CONNECT).",
        what_you_see: "Its status: 407 wants credentials, 403 forbids the host or port, 502 and 503 did not \
            reach it.",
        how_it_comes: "A rule of the proxy; a name that only the cluster resolves.",
        be_sure: "Without --proxy: does the server answer?",
        how_to_mend: "Admit the host there, or leave it out of the proxy (NO_PROXY).",
        looks_like_it: "ND0602 the proxy itself refuses.",
        raised_by: "http",
    },
    Entry {
        code: Code(815),
        title: "No upgrade to WebSocket",
        raised: Raised::Fail,
        what_it_is: "The answer to the upgrade is another status than 101, or a 101 without the proof.",
        what_you_see: "The status and who says it.",
        how_it_comes: "A proxy that drops Upgrade (nginx without proxy_set_header Upgrade), a path without \
            WebSocket, HTTP/2 between.",
        be_sure: "--websocket to the pod itself.",
        how_to_mend: "Let the proxy pass Upgrade and Connection on.",
        looks_like_it: "ND0801 the path or the Host is not known.",
        raised_by: "http",
    },
    Entry {
        code: Code(816),
        title: "gRPC's health check is not SERVING",
        raised: Raised::Fail,
        what_it_is: "grpc.health.v1.Health/Check answered something else, or nobody answered as gRPC.",
        what_you_see: "NOT_SERVING, a grpc-status, or the status of what is no gRPC.",
        how_it_comes: "The server says of itself that it is ill; the health service is not registered \
            (UNIMPLEMENTED); a service's name that it does not know (NOT_FOUND).",
        be_sure: "--grpc-health=NAME asks for one service, --grpc-health for the whole server.",
        how_to_mend: "As the server's log has it.",
        looks_like_it: "ND0809 no HTTP/2 there.",
        raised_by: "http",
    },
    Entry {
        code: Code(817),
        title: "The body is not packed as its head says",
        raised: Raised::Fail,
        what_it_is: "Content-Encoding names gzip or deflate, and the body cannot be unpacked so.",
        what_you_see: "curl --compressed: (61) Error while processing content unencoding.",
        how_it_comes: "A proxy that adds the field or packs twice; a body that was cut off.",
        be_sure: "Without --compressed: does --body begin with 1f 8b?",
        how_to_mend: "One place that packs.",
        looks_like_it: "ND0806 the body is cut short.",
        raised_by: "http",
    },
];
