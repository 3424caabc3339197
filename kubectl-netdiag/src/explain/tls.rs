//! ND073., ND074.: the handshake itself. What the certificates are worth has codes of its own.

use super::{Entry, Raised};
use crate::finding::Code;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: Code(730),
        title: "The port speaks no TLS",
        raised: Raised::Fail,
        what_it_is: "The connection was made, and what came back to the ClientHello is no record of \
            TLS: another protocol answers there, in the clear.",
        what_you_see: "The first line of what was said. curl says \"wrong version number\", Go \
            \"first record does not look like a TLS handshake\", Java \"Unsupported or unrecognized \
            SSL message\".",
        how_it_comes: "The plain port instead of the TLS one; a Service's targetPort that leads to the \
            plain port; a proxy that ends TLS before; a protocol that begins in the clear and changes \
            to TLS when asked (SMTP, IMAP, PostgreSQL).",
        be_sure: "connect TARGET:PORT shows what is said first. With --starttls the protocol's own way \
            to TLS is taken.",
        how_to_mend: "Ask the port that speaks TLS, or speak plainly to this one; let port name, \
            targetPort and the client's scheme agree.",
        looks_like_it: "ND0732 nothing at all came back.",
        raised_by: "tls",
    },
    Entry {
        code: Code(731),
        title: "The server refuses the handshake",
        raised: Raised::Fail,
        what_it_is: "The server answered with a fatal alert: it speaks TLS, but not with a client that \
            offers this. No certificate is the reason: the client takes any.",
        what_you_see: "The alert by its name. protocol_version: no version in common. \
            handshake_failure: no suite or group in common, or no certificate for the name. \
            unrecognized_name: no such SNI. no_application_protocol: none of --alpn.",
        how_it_comes: "A server that takes only TLS 1.0, or only suites that were given up; a host name \
            that its configuration does not have; a client that sends none.",
        be_sure: "--scan lists what it takes; --servername asks by another name; what it shows in the \
            clear (TLS 1.2 and older) is listed where there is any.",
        how_to_mend: "Let both sides have a version, a suite and a name in common.",
        looks_like_it: "ND0733 it wants a client certificate. A firewall that reads SNI may send alerts \
            of its own.",
        raised_by: "tls",
    },
    Entry {
        code: Code(732),
        title: "The handshake broke off",
        raised: Raised::Fail,
        what_it_is: "Connected, and then no end of the handshake: the other side closed, reset, fell \
            silent, or said what no TLS is allowed to say.",
        what_you_see: "Which of these, after how long, and whether a byte of TLS had come before.",
        how_it_comes: "A proxy without a backend; a firewall that drops or resets by the name in the \
            ClientHello; a path that loses large packets (post-quantum ClientHellos are larger than \
            one packet); a server that hangs; one that knows neither the name nor an alert for it.",
        be_sure: "Another name (--servername, --no-servername) tells a filter by name; trace --mtu tells \
            lost large packets; --tls1.2 sends a smaller hello.",
        how_to_mend: "As the cause has it: admit the name, mend the path MTU, give the proxy a backend.",
        looks_like_it: "ND0730 something other than TLS came back. ND0302 no connection at all.",
        raised_by: "tls",
    },
    Entry {
        code: Code(733),
        title: "The server demands a client certificate",
        raised: Raised::Fail,
        what_it_is: "Mutual TLS: the server asked for a certificate, was shown none, and refused. With \
            TLS 1.3 it refuses only after the handshake, so that clients see it with their first read.",
        what_you_see: "The alert, certificate_required with TLS 1.3, bad_certificate or \
            handshake_failure before. The server's own certificate was shown and is judged beside it.",
        how_it_comes: "By design of an API (kubelet, etcd) or of a mesh in strict mode, whose sidecars \
            alone have certificates.",
        be_sure: "The names of the CAs that it accepts are shown with -v, where it says them; --cert and \
            --key show it one.",
        how_to_mend: "Ask with a certificate of a CA that the server trusts; in a mesh, from a pod with \
            a sidecar.",
        looks_like_it: "ND0731 nothing was asked for.",
        raised_by: "tls",
    },
    Entry {
        code: Code(734),
        title: "The protocol does not change to TLS",
        raised: Raised::Fail,
        what_it_is: "STARTTLS was asked for in the protocol's own words, and the server said no, does \
            not offer it, or speaks another protocol.",
        what_you_see: "The first line of what it said.",
        how_it_comes: "TLS is not configured (PostgreSQL: ssl = off, MySQL: no certificate); a \
            middlebox takes STARTTLS out of the greeting; the wrong --starttls for this port.",
        be_sure: "connect TARGET:PORT -i shows the greeting; without --starttls TLS is spoken from the \
            first byte.",
        how_to_mend: "Configure TLS at the server; let clients refuse to go on without it, for whoever \
            takes STARTTLS away reads what follows.",
        looks_like_it: "ND0730 the port is in the clear, and TLS was spoken from the first byte.",
        raised_by: "tls",
    },
    Entry {
        code: Code(735),
        title: "Only what today's clients no longer speak",
        raised: Raised::Fail,
        what_it_is: "The server chose, or takes only, what this client does not have: versions below \
            TLS 1.2, or a key exchange that was given up.",
        what_you_see: "What it chose, and with --scan all that it takes.",
        how_it_comes: "An old server or appliance; a configuration that was never revised.",
        be_sure: "--scan, beside nmap --script ssl-enum-ciphers.",
        how_to_mend: "TLS 1.2 and 1.3 with ECDHE at the server. Lowering the client's bounds is a way for \
            days, not for years.",
        looks_like_it: "ND0731 the server refuses what the client offers.",
        raised_by: "tls",
    },
    Entry {
        code: Code(736),
        title: "A certificate that cannot be decoded",
        raised: Raised::Fail,
        what_it_is: "Among what the server showed is something that is no certificate in DER, or one that \
            breaks the rules of its encoding.",
        what_you_see: "Its place in the chain, from 0, and what is wrong with it.",
        how_it_comes: "A file that was cut off or converted by hand; software that writes its own \
            encoding; bytes that never were a certificate.",
        be_sure: "--save FILE keeps what was shown; openssl x509 -in FILE says what it makes of it.",
        how_to_mend: "Make the certificate anew, and load it as the CA wrote it.",
        looks_like_it: "ND0732 what came is not even TLS as it must be.",
        raised_by: "tls",
    },
    Entry {
        code: Code(737),
        title: "The handshake is not signed by the certificate's key",
        raised: Raised::Fail,
        what_it_is: "The server showed a certificate and signed the handshake with another key: it may \
            show it, but cannot prove that it is its own.",
        what_you_see: "The scheme of the signature. Clients say \"decrypt error\" or \"bad \
            signature\", and break off.",
        how_it_comes: "Certificate and key do not belong together; somebody in the middle shows what he \
            recorded elsewhere.",
        be_sure: "Compare the key of the Secret with its certificate.",
        how_to_mend: "Give the server the key that belongs to its certificate.",
        looks_like_it: "Keys that are too short cannot be checked here and are never said to be wrong.",
        raised_by: "tls",
    },
    Entry {
        code: Code(738),
        title: "The server refuses the client certificate",
        raised: Raised::Fail,
        what_it_is: "Mutual TLS: the server asked for a certificate, was shown that of --cert with proof \
            of its key, and said no.",
        what_you_see: "The alert by its name. unknown_ca: of a CA that it does not trust. \
            certificate_expired, certificate_revoked, bad_certificate: as they say. access_denied: a good \
            certificate of somebody who may not come in.",
        how_it_comes: "A certificate of another CA, or of the same CA before it was changed; an \
            intermediate that the client does not send; one that expired; one for servers alone.",
        be_sure: "kubectl netdiag cert FILE shows issuer and dates; the names of the CAs that the server \
            takes are shown with -v, where it says them.",
        how_to_mend: "A certificate of a CA that the server trusts, with its intermediates behind it in \
            the same file.",
        looks_like_it: "ND0733 none was shown.",
        raised_by: "tls --cert",
    },
    Entry {
        code: Code(740),
        title: "The server takes what is broken",
        raised: Raised::Fail,
        what_it_is: "Among what the server takes is a version or suite that gives no protection: no \
            encryption, nobody's signature, keys found by trying, RC4, SSL 3.0.",
        what_you_see: "Every version and suite with its grade, and the rules by name. A client of today \
            does not choose them; one in the middle may make an old client choose them.",
        how_it_comes: "\"ALL\" or \"eNULL\" in a list of ciphers; defaults of old software.",
        be_sure: "nmap --script ssl-enum-ciphers says the same.",
        how_to_mend: "Name what is allowed: TLS 1.2 with ECDHE and AEADs, TLS 1.3.",
        looks_like_it: "ND0741 weak, but not broken.",
        raised_by: "tls --scan",
    },
    Entry {
        code: Code(741),
        title: "The server takes what is weak",
        raised: Raised::Warn,
        what_it_is: "Among what the server takes is what standards have given up (TLS 1.0, 1.1, small \
            primes) or what gives recorded traffic away once a key is lost (no forward secrecy).",
        what_you_see: "Every version and suite with its grade, and the rules by name.",
        how_it_comes: "Kept for old clients, or never revised.",
        be_sure: "The server's own statistics tell whether anybody still uses them.",
        how_to_mend: "Take them out once nobody needs them.",
        looks_like_it: "ND0740 broken.",
        raised_by: "tls --scan",
    },
];
