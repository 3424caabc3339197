//! The servers, what we say of each, and whether OpenSSL's strict client goes on.

/// What answers.
pub(crate) enum Server {
    /// `openssl s_server` with these flags.
    Tls(&'static str),
    /// No TLS: these bytes, and the end.
    Says(&'static [u8]),
}

pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// By its name in `certificates.rs`.
    pub(crate) certificate: &'static str,
    pub(crate) server: Server,
    /// Of ours; none: `--servername shop.test`.
    pub(crate) flags: &'static str,
    /// Verdict and codes, worst first.
    pub(crate) ours: &'static str,
    pub(crate) openssl: bool,
}

const fn of(name: &'static str, ours: &'static str, openssl: bool) -> Case {
    Case { name, certificate: name, server: Server::Tls(""), flags: "", ours, openssl }
}

const fn server(
    name: &'static str,
    flags: &'static str,
    ours: &'static str,
    openssl: bool,
) -> Case {
    Case { name, certificate: "good", server: Server::Tls(flags), flags: "", ours, openssl }
}

const fn says(name: &'static str, said: &'static [u8], ours: &'static str) -> Case {
    Case { name, certificate: "", server: Server::Says(said), flags: "", ours, openssl: false }
}

const WEAK: &str = "-cipher ALL:@SECLEVEL=0";
const ALL: &str = "-cipher ALL:@SECLEVEL=0 -no_tls1_3";

pub(crate) const CASES: &[Case] = &[
    of("good", "ok", true),
    of("good by EC P-384", "ok", true),
    of("good by RSA 2048", "ok", true),
    of("good by Ed25519", "ok", true),
    // OpenSSL wants two labels behind the asterisk; Go and browsers go by the list of public suffixes.
    of("good by a wildcard", "ok", false),
    of("good among 200 names", "ok", true),
    of("ESC in its name", "ok", true),
    // Longer than any client reads.
    of("among 10,000 names", "fail ND0732 ND0703", false),
    of("good with constraints kept", "ok", true),
    of("good for servers alone", "ok", true),
    of("a wildcard of another level", "fail ND0703", false),
    of("an address alone", "fail ND0703", false),
    of("another name", "fail ND0703", false),
    of("a name with a typing error", "fail ND0703", false),
    // OpenSSL still reads the CN.
    of("no name", "fail ND0712", true),
    of("a mesh's identity", "fail ND0703", false),
    of("expired", "fail ND0701", false),
    of("not yet valid", "fail ND0702", false),
    of("an expired intermediate", "fail ND0701", false),
    of("expires soon", "warn ND0719", true),
    of("self-signed", "fail ND0705", false),
    Case {
        flags: "--servername shop.test --ca-file {dir}/self-signed.pem",
        name: "self-signed and trusted",
        certificate: "self-signed",
        server: Server::Tls(""),
        ours: "ok",
        openssl: true,
    },
    of("of an unknown CA", "fail ND0704", false),
    of("an intermediate is missing", "fail ND0706", false),
    of("in the wrong order", "warn ND0707", true),
    of("with another's certificate", "warn ND0707", true),
    of("the root included", "warn ND0708", true),
    Case { server: Server::Tls(WEAK), ..of("RSA 1024", "fail ND0709", false) },
    Case { server: Server::Tls(WEAK), ..of("signed with SHA-1", "fail ND0711", false) },
    Case { server: Server::Tls(WEAK), ..of("signed with MD5", "fail ND0711", false) },
    of("version 1", "fail ND0713", false),
    of("beyond a path length", "fail ND0714", false),
    of("signed by no CA", "fail ND0714", false),
    of("against name constraints", "fail ND0715", false),
    of("for clients alone", "fail ND0716", false),
    of("the CA's key changed", "fail ND0718", false),
    of("an unknown critical extension", "fail ND0720", false),
    server("TLS 1.2 alone", "-tls1_2", "ok", true),
    server("TLS 1.3 alone", "-tls1_3", "ok", true),
    server("TLS 1.0 alone", "-tls1 -cipher ALL:@SECLEVEL=0", "fail ND0735", false),
    server("TLS 1.1 alone", "-tls1_1 -cipher ALL:@SECLEVEL=0", "fail ND0735", false),
    Case {
        certificate: "good by RSA 2048",
        ..server("no forward secrecy", "-tls1_2 -cipher AES128-SHA", "warn ND0735", true)
    },
    server("P-521 alone", "-tls1_2 -curves P-521", "warn ND0735", true),
    server("every suite", ALL, "ok", true),
    server("HelloRetryRequest", "-tls1_3 -curves P-384", "ok", true),
    server("a client certificate wanted", "-verify 1", "ok", true),
    server("a client certificate demanded, 1.3", "-Verify 1 -tls1_3", "fail ND0733", false),
    server("a client certificate demanded, 1.2", "-Verify 1 -tls1_2", "fail ND0733", false),
    Case {
        certificate: "another name",
        ..server(
            "another certificate without a name",
            "-servername shop.test -cert2 {dir}/by-the-root.pem -key2 {dir}/by-the-root.key",
            "ok",
            true,
        )
    },
    Case {
        flags: "--servername shop.test --alpn h2",
        ..server("ALPN chosen", "-alpn h2", "ok", true)
    },
    Case {
        flags: "--servername shop.test --alpn http/1.1",
        ..server("ALPN of others", "-alpn h2", "fail ND0731", true)
    },
    server("stapled: good", "-status_file {dir}/good.ocsp", "ok", true),
    // OpenSSL asks for a staple only with -status, and then prints it and goes on.
    server("stapled: revoked", "-status_file {dir}/revoked.ocsp", "fail ND0722", true),
    server("stapled: unknown", "-status_file {dir}/unknown.ocsp", "warn ND0723", true),
    server("stapled by another", "-status_file {dir}/by-another.ocsp", "warn ND0723", true),
    server("stapled of another", "-status_file {dir}/of-another.ocsp", "warn ND0723", true),
    says("HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n", "fail ND0730"),
    says("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", "fail ND0730"),
    says("SMTP", b"220 mail.test ESMTP\r\n", "fail ND0730"),
    says("closed", b"", "fail ND0732"),
    says("an alert", &[21, 3, 3, 0, 2, 2, 112], "fail ND0731"),
    says("a record cut off", &[22, 3, 3, 0, 99, 2, 0], "fail ND0732"),
];
