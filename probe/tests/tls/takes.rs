//! What a server takes, beside nmap's ssl-enum-ciphers.

use std::collections::BTreeSet;

use netdiag_wire::tls::{TlsReport, TlsRequest};

use super::{ask, openssl::Servers};

/// Versions and their suites.
type Taken = BTreeSet<(String, String)>;

fn ours(report: &TlsReport) -> Taken {
    let suites = report.versions.iter().flat_map(|taken| {
        taken.suites.iter().map(|suite| (taken.version.to_string(), suite.to_string()))
    });
    suites.collect()
}

/// `|   TLSv1.2: ` and below it `|       TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 (secp256r1) - A`.
fn theirs(servers: &Servers, port: u16) -> Taken {
    let port = port.to_string();
    let arguments = ["-n", "-Pn", "--script", "ssl-enum-ciphers", "-p", &port, "127.0.0.1"];
    let output = servers.namespace.output("nmap", &arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    let (mut taken, mut version) = (Taken::new(), String::new());
    for line in text.lines() {
        let words = line.trim_start_matches(['|', '_', ' ']).trim_end();
        if let Some(named) =
            words.strip_suffix(":").filter(|word| word.contains("v1") || word.contains("SSLv"))
        {
            version = named.replace("TLSv", "TLS ").replace("SSLv3", "SSL 3.0");
        } else if let Some((suite, _)) =
            words.split_once(" (").filter(|_| words.starts_with("TLS_"))
        {
            // What nmap calls the suites of TLS 1.3, which name no key exchange.
            taken.insert((version.clone(), suite.replace("TLS_AKE_WITH_", "TLS_")));
        }
    }
    taken
}

fn scan(servers: &Servers, port: u16) -> TlsReport {
    let mut request = TlsRequest::to("127.0.0.1", port);
    request.scan = true;
    ask(&servers.namespace, &request)
}

#[test]
fn every_version_and_suite_that_nmap_finds_and_no_other() {
    let mut servers = Servers::new();
    let all = "-cipher ALL:COMPLEMENTOFALL:@SECLEVEL=0";
    for (port, kind, flags) in [
        (4431, "rsa", String::new()),
        (4432, "ec", String::new()),
        (4433, "rsa", "-tls1_3".into()),
        (4434, "rsa", format!("-tls1 {all}")),
        (4435, "rsa", format!("-tls1_1 {all}")),
        (4436, "rsa", format!("-no_tls1_3 {all}")),
        (4437, "rsa", "-tls1_2 -cipher AES128-SHA".into()),
        (4438, "rsa", "-tls1_2 -cipher DHE-RSA-AES256-GCM-SHA384".into()),
        (4439, "ec", "-tls1_2 -curves P-521".into()),
        (4440, "rsa", "-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256".into()),
    ] {
        servers.start(port, kind, &flags);
        let (report, theirs) = (scan(&servers, port), theirs(&servers, port));
        assert!(!theirs.is_empty(), "nmap found nothing on {port}");
        assert_eq!(ours(&report), theirs, "{port}: openssl s_server {flags}");
    }
}

#[test]
fn groups_are_those_that_the_server_was_given() {
    let mut servers = Servers::new();
    for (port, flags, version, groups) in [
        (4451, "-tls1_3 -curves X25519:P-256", "TLS 1.3", &["x25519", "secp256r1"][..]),
        (
            4452,
            "-tls1_3 -curves P-521:X448:ffdhe2048",
            "TLS 1.3",
            &["secp521r1", "x448", "ffdhe2048"],
        ),
        (
            4453,
            "-tls1_2 -curves P-384:brainpoolP256r1",
            "TLS 1.2",
            &["secp384r1", "brainpoolP256r1"],
        ),
    ] {
        servers.start(port, "rsa", flags);
        let report = scan(&servers, port);
        let taken =
            report.versions.iter().find(|taken| taken.version.as_bytes() == version.as_bytes());
        let found: BTreeSet<String> =
            taken.unwrap().groups.iter().map(ToString::to_string).collect();
        let given: BTreeSet<String> = groups.iter().map(ToString::to_string).collect();
        assert_eq!(found, given, "{flags}");
    }
}

#[test]
fn the_order_is_the_servers_or_the_clients() {
    let mut servers = Servers::new();
    servers.start(4461, "rsa", "-tls1_2");
    servers.start(4462, "rsa", "-tls1_2 -serverpref");
    let own_order = |port| scan(&servers, port).versions[3].own_order;
    assert_eq!((own_order(4461), own_order(4462)), (Some(false), Some(true)));
}
