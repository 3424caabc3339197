//! ND07..: certificates.

use super::{Entry, Raised};
use crate::finding::Code;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: Code(701),
        title: "A certificate has expired",
        raised: Raised::Fail,
        what_it_is: "The certificate's validity (notAfter) is over.",
        what_you_see: "curl: certificate has expired; Go: x509: certificate has expired or is not yet \
            valid; browsers: ERR_CERT_DATE_INVALID.",
        how_it_comes: "Nobody renewed it: cert-manager cannot reach its issuer, a manual one was \
            forgotten; or it was renewed and the server still serves the old one.",
        be_sure: "kubectl netdiag cert of the Secret: is that one newer than what is served? Compare \
            clocks: a machine that is ahead sees everything expire.",
        how_to_mend: "Renew it; where the Secret is newer already, let the pods read it again.",
        looks_like_it: "ND0702 not yet valid; ND0719 it expires soon.",
        raised_by: "cert",
    },
    Entry {
        code: Code(702),
        title: "A certificate is not yet valid",
        raised: Raised::Fail,
        what_it_is: "The certificate's validity (notBefore) has not begun.",
        what_you_see: "The same words as for an expired one: most clients have one message for both.",
        how_it_comes: "A clock that is slow, here or at the client; a certificate made on a machine whose \
            clock is fast; one made for a later day.",
        be_sure: "date -u here and on the nodes; kubectl netdiag doctor compares the clocks.",
        how_to_mend: "Mend the clock; else wait, or have it made anew.",
        looks_like_it: "ND0701 it has expired.",
        raised_by: "cert",
    },
    Entry {
        code: Code(703),
        title: "A certificate is not for this name",
        raised: Raised::Fail,
        what_it_is: "None of the subject alternative names is the host that the client asked for; a \
            wildcard stands for one label, and CN counts no more.",
        what_you_see: "curl: no alternative certificate subject name matches; Go: certificate is valid \
            for A, not B.",
        how_it_comes: "A Service is called by a short or longer name than was thought of (checkout, \
            checkout.shop.svc); an address is used and only names are in it; another virtual \
            host's certificate, since no SNI was sent.",
        be_sure: "The names are in the line good for; compare them with the one that the client \
            uses.",
        how_to_mend: "Add the name (dnsNames of the Certificate), or call it by one that is there.",
        looks_like_it: "ND0712 it has no names at all.",
        raised_by: "cert",
    },
    Entry {
        code: Code(704),
        title: "A certificate's issuer is not among the trusted CAs",
        raised: Raised::Warn,
        what_it_is: "The chain is in order, and ends at a CA that is not in the list: Mozilla's, or \
            --ca-file's (then it is a FAIL).",
        what_you_see: "curl: unable to get local issuer certificate; Go: certificate signed by unknown \
            authority; Java: PKIX path building failed.",
        how_it_comes: "A private CA, as clusters have: clients must be given its certificate. With --ca- \
            file: the wrong file, or a CA that was made anew.",
        be_sure: "kubectl netdiag cert with --ca-file secret/NAME:ca.crt.",
        how_to_mend: "Give the clients the CA's certificate (a ConfigMap, trust-manager), or use a \
            public CA.",
        looks_like_it: "ND0705 nobody but itself signed it; ND0706 a certificate between is missing; \
            ND0718 same name, other key.",
        raised_by: "cert",
    },
    Entry {
        code: Code(705),
        title: "A certificate is self-signed",
        raised: Raised::Fail,
        what_it_is: "The certificate was signed by its own key: no CA vouches for it.",
        what_you_see: "curl: self-signed certificate; Go: certificate signed by unknown authority.",
        how_it_comes: "An ingress controller's or chart's default; openssl req -x509; a controller that \
            found no Secret and made one.",
        be_sure: "Issuer and subject are the same in the table, and there is one row.",
        how_to_mend: "Have a CA sign it; or give clients this very certificate to trust, which must be \
            done again with each renewal.",
        looks_like_it: "ND0704 a chain that merely is private.",
        raised_by: "cert",
    },
    Entry {
        code: Code(706),
        title: "A certificate between this one and its root is missing",
        raised: Raised::Fail,
        what_it_is: "The issuer is no root, so its certificate has to come with the server's, and does \
            not.",
        what_you_see: "Browsers are well, since they fetch or remember it; curl, Go and Java are not: \
            unable to get local issuer certificate.",
        how_it_comes: "tls.crt holds the server's certificate alone: cert.pem was taken instead of \
            fullchain.pem.",
        be_sure: "The table ends at a certificate whose issuer is in no row.",
        how_to_mend: "Put the issuer's certificate behind the server's, in the same file.",
        looks_like_it: "ND0704 the whole chain is there and private.",
        raised_by: "cert",
    },
    Entry {
        code: Code(707),
        title: "A chain is out of order",
        raised: Raised::Warn,
        what_it_is: "Each certificate should be signed by the next (RFC 5246, 7.4.2). Some do not \
            belong to the chain, or stand elsewhere. A FAIL where a CA's comes first.",
        what_you_see: "Most clients sort them; some, strict or old, refuse. A server whose first \
            certificate is a CA's does not start: key values mismatch.",
        how_it_comes: "Files put together in the wrong order; a bundle of CAs behind the certificate.",
        be_sure: "SUBJECT and ISSUER of the table: each issuer is the next row's subject.",
        how_to_mend: "Server's certificate first, then its issuer, and so on; leave out the others.",
        looks_like_it: "ND0706 one is missing.",
        raised_by: "cert",
    },
    Entry {
        code: Code(708),
        title: "A chain holds its own root",
        raised: Raised::Warn,
        what_it_is: "The last certificate signed itself. A client trusts its own copy or none: what the \
            server sends of it is not looked at.",
        what_you_see: "Nothing fails; each handshake carries a kilobyte for nothing.",
        how_it_comes: "ca.crt was put behind tls.crt.",
        be_sure: "SUBJECT and ISSUER of the last row are the same.",
        how_to_mend: "Leave it out of what the server sends.",
        looks_like_it: "ND0705 it is the only certificate.",
        raised_by: "cert",
    },
    Entry {
        code: Code(709),
        title: "A key is too short",
        raised: Raised::Fail,
        what_it_is: "RSA or DSA below 2,048 bits, or a curve below 224: breakable, and refused.",
        what_you_see: "OpenSSL: EE certificate key too weak; browsers: \
            ERR_SSL_WEAK_SERVER_AUTH_EPHEMERAL_DH_KEY and the like; rustls: BadSignature.",
        how_it_comes: "An old script or appliance.",
        be_sure: "KEY of the table.",
        how_to_mend: "Make a new key: EC P-256, or RSA with 2,048 bits.",
        looks_like_it: "ND0711 the signature is weak.",
        raised_by: "cert",
    },
    Entry {
        code: Code(710),
        title: "A server does not serve what the Secret holds",
        raised: Raised::Fail,
        what_it_is: "cert --compare: the certificate of the Secret or file, and the one that the server \
            showed in a handshake just now, are two. A WARN where only the CAs behind it differ.",
        what_you_see: "The Secret was renewed and clients still say that the certificate has expired.",
        how_it_comes: "The server read the file when it started and not since; a subPath mount, which \
            is never renewed; another Secret is mounted; a proxy or ingress in front serves its \
            own.",
        be_sure: "The serials in the table; when the pod's containers started, beside the beginning of \
            the newer certificate.",
        how_to_mend: "Let the server read it again (kubectl rollout restart, or its reload); mount the \
            Secret without subPath.",
        looks_like_it: "ND0701 the Secret's own has expired; ND0703 another virtual host's, for want \
            of SNI.",
        raised_by: "cert --compare",
    },
    Entry {
        code: Code(711),
        title: "A certificate is signed by a weak digest",
        raised: Raised::Fail,
        what_it_is: "The signature is by MD5 or SHA-1, with which others can be forged.",
        what_you_see: "Go: x509: cannot verify signature: insecure algorithm SHA1-RSA; OpenSSL: CA md too \
            weak.",
        how_it_comes: "An old CA; an old openssl.cnf (default_md).",
        be_sure: "-o wide has the SIGNATURE.",
        how_to_mend: "Have it signed anew by SHA-256; where the CA is old, the CA too.",
        looks_like_it: "A root's own signature is never looked at and raises nothing.",
        raised_by: "cert",
    },
    Entry {
        code: Code(712),
        title: "A certificate names no host",
        raised: Raised::Fail,
        what_it_is: "It has no subjectAltName. The CN of the subject counted once; Go since 1.15, \
            browsers since 2017 do not look at it.",
        what_you_see: "Go: certificate relies on legacy Common Name field, use SANs instead.",
        how_it_comes: "openssl req without -addext subjectAltName=DNS:NAME.",
        be_sure: "The line good for is missing.",
        how_to_mend: "Have it made anew with subjectAltName.",
        looks_like_it: "ND0703 there are names, and others.",
        raised_by: "cert",
    },
    Entry {
        code: Code(713),
        title: "A certificate is of version 1",
        raised: Raised::Fail,
        what_it_is: "Without extensions: it names no host, and whether it is a CA cannot be said.",
        what_you_see: "rustls: UnsupportedCertVersion; Go refuses it as a CA and for want of names.",
        how_it_comes: "openssl x509 -req without -extfile or -copy_extensions.",
        be_sure: "openssl x509 -text says Version: 1 (0x0).",
        how_to_mend: "Have it made anew with subjectAltName, which makes it version 3.",
        looks_like_it: "ND0712 version 3, and no names either.",
        raised_by: "cert",
    },
    Entry {
        code: Code(714),
        title: "An issuer may not sign certificates",
        raised: Raised::Fail,
        what_it_is: "A certificate of the chain signed another one, and says of itself that it is no \
            CA, that its key does not sign certificates, or that fewer CAs may follow \
            (pathlen).",
        what_you_see: "OpenSSL: invalid CA certificate, path length constraint exceeded; Go: too many \
            intermediates for path length constraint.",
        how_it_comes: "A certificate signed by a server's key; a CA below one with pathlen:0.",
        be_sure: "kubectl netdiag cert -v: basicConstraints and keyUsage.",
        how_to_mend: "Have the CA's certificate made with CA:TRUE, keyCertSign and a pathlen that is \
            large enough.",
        looks_like_it: "ND0713 version 1 cannot say so.",
        raised_by: "cert",
    },
    Entry {
        code: Code(715),
        title: "A CA vouches for a name that it may not",
        raised: Raised::Fail,
        what_it_is: "nameConstraints of a CA permit some domains or networks, or exclude some, and a \
            name of the certificate is outside.",
        what_you_see: "OpenSSL: permitted subtree violation; Go: a root or intermediate certificate is \
            not authorized to sign for this name.",
        how_it_comes: "A CA for shop.svc signed for pay.svc.",
        be_sure: "The line seen lists what is permitted and excluded.",
        how_to_mend: "Have it signed by another CA, or the CA's constraints widened.",
        looks_like_it: "ND0703 the certificate is not for the name.",
        raised_by: "cert",
    },
    Entry {
        code: Code(716),
        title: "A certificate is not for servers",
        raised: Raised::Fail,
        what_it_is: "extendedKeyUsage is there and has neither serverAuth nor any.",
        what_you_see: "OpenSSL: unsuitable certificate purpose; Go: certificate specifies an incompatible \
            key usage.",
        how_it_comes: "A client's certificate (clientAuth) was given to a server.",
        be_sure: "kubectl netdiag cert -v: extendedKeyUsage.",
        how_to_mend: "Have it made with server auth (usages of cert-manager's Certificate).",
        looks_like_it: "ND0714 a CA's key may not sign.",
        raised_by: "cert",
    },
    Entry {
        code: Code(717),
        title: "A private key does not belong to the certificate beside it",
        raised: Raised::Fail,
        what_it_is: "tls.key of the Secret, or the key in the same file, is not the one that the \
            certificate was made for.",
        what_you_see: "nginx, Go, Envoy do not start, or keep the old one: key values mismatch; \
            private key does not match public key.",
        how_it_comes: "Half of a renewal was copied; the certificate of another request; a CA's \
            certificate stands first in tls.crt.",
        be_sure: "openssl pkey -pubout of the key and openssl x509 -pubkey of the certificate differ.",
        how_to_mend: "Put the key that belongs to it there, or have a certificate made for this key.",
        looks_like_it: "ND0707 the first certificate is a CA's.",
        raised_by: "cert",
    },
    Entry {
        code: Code(718),
        title: "A signature is of another key than the issuer's",
        raised: Raised::Fail,
        what_it_is: "A certificate of the issuer's name is here, and its key did not make the \
            signature.",
        what_you_see: "OpenSSL: certificate signature failure; Go: crypto/rsa: verification error, \
            possibly because of ... while trying to verify candidate authority certificate.",
        how_it_comes: "The CA was made anew under its old name: what the old one signed is still about, \
            or the clients still have the old one.",
        be_sure: "Compare the authority's and the subject's key identifiers: cert -v.",
        how_to_mend: "Have the certificate signed anew, or give the clients the new CA.",
        looks_like_it: "ND0704 no certificate of the issuer's name is here.",
        raised_by: "cert",
    },
    Entry {
        code: Code(719),
        title: "A certificate expires soon",
        raised: Raised::Warn,
        what_it_is: "Less than a tenth of its validity is left, and less than 30 days.",
        what_you_see: "Nothing yet.",
        how_it_comes: "Renewal does not work: cert-manager renews when a third is left.",
        be_sure: "kubectl describe certificate, where cert-manager made it.",
        how_to_mend: "Renew it now.",
        looks_like_it: "ND0701 it has expired.",
        raised_by: "cert",
    },
    Entry {
        code: Code(720),
        title: "A certificate has a critical extension that nobody knows",
        raised: Raised::Fail,
        what_it_is: "Critical means: refuse what you do not understand (RFC 5280, 4.2).",
        what_you_see: "Go: x509: unhandled critical extension; OpenSSL: unhandled critical extension.",
        how_it_comes: "A private or very new extension; a known one that cannot be decoded.",
        be_sure: "kubectl netdiag cert -v lists the extensions.",
        how_to_mend: "Have it made without, or not critical.",
        looks_like_it: "ND0714 a known one that forbids.",
        raised_by: "cert",
    },
    Entry {
        code: Code(721),
        title: "A part of the file cannot be read",
        raised: Raised::Fail,
        what_it_is: "A block has no END line, is not base64, or does not decode as a certificate; the \
            others are shown and judged.",
        what_you_see: "Which block it is, counted from 1, or which certificate, counted from 0.",
        how_it_comes: "A file that was cut off while it was copied, or lost a line; a Secret whose \
            value was encoded twice.",
        be_sure: "openssl storeutl -noout -text -certs FILE stops at the same place.",
        how_to_mend: "Make the file anew from its parts.",
        looks_like_it: "ND0717 the certificate is whole, and the key is another's.",
        raised_by: "cert",
    },
    Entry {
        code: Code(722),
        title: "The CA has revoked the certificate",
        raised: Raised::Fail,
        what_it_is: "The OCSP response that the server staples to its handshake is signed by the CA and \
            says that the certificate no longer counts.",
        what_you_see: "When and why it was revoked. Firefox: SEC_ERROR_REVOKED_CERTIFICATE; openssl \
            s_client -status prints it and goes on, curl asks only with --cert-status.",
        how_it_comes: "The key leaked, or was thought to; the name went to somebody else; a newer \
            certificate took its place (superseded), and this one is still served.",
        be_sure: "openssl s_client -status -connect HOST:PORT shows the same response.",
        how_to_mend: "Serve a new certificate with a new key.",
        looks_like_it: "ND0723 a response that does not count.",
        raised_by: "tls",
    },
    Entry {
        code: Code(723),
        title: "The OCSP response in the handshake does not count",
        raised: Raised::Warn,
        what_it_is: "The server staples a response of which clients can make nothing: too old, about \
            another certificate, signed by somebody else, a refusal, or no response at all.",
        what_you_see: "What is wrong with it. Clients that look at staples (Firefox, GnuTLS) refuse some \
            of these, and all of them for a certificate that demands one (must-staple); others go on.",
        how_it_comes: "A server that cannot reach the CA's responder any more and goes on with what it \
            has; a response file that nobody renews; a certificate that was changed without it.",
        be_sure: "openssl s_client -status -connect HOST:PORT shows the same response.",
        how_to_mend: "Let the server fetch a response anew, or staple none.",
        looks_like_it: "ND0722 it counts, and says revoked.",
        raised_by: "tls",
    },
];
