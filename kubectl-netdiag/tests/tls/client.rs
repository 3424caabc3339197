//! `--cert` and `--key` against servers that ask for a client certificate.

use std::fs;

use super::{certificates::Served, run, s_server};
use crate::run::{Plugin, Run};

/// The clients' files are those of servers' certificates, with the chain behind.
struct Clients {
    served: Served,
}

impl Clients {
    fn new() -> Self {
        let clients = Self { served: Served::new() };
        let (own, _) = clients.served.files("for clients alone");
        let chain = clients.served.chain("for clients alone").unwrap();
        let whole = [own, chain].map(|path| fs::read_to_string(path).unwrap()).concat();
        fs::write(clients.served.path("client.pem"), whole).unwrap();
        let (_, key) = clients.served.files("for clients alone");
        let (plain, encrypted) =
            (clients.served.path("client.key"), clients.served.path("encrypted.key"));
        fs::copy(&key, &plain).unwrap();
        run(&format!("pkey -in {plain} -aes256 -passout pass:secret -out {encrypted}"));
        clients
    }

    /// Ours, of a server with these flags.
    fn ask(&self, server: &str, certificate: &str, key: &str) -> Run {
        let certificate = format!("--cert {}", self.served.path(certificate));
        let line = format!("--servername shop.test {certificate} --key {}", self.served.path(key));
        self.run(server, |port| format!("tls 127.0.0.1:{port} {line}"))
    }

    /// As [`Self::ask`], by http; without a file without a certificate.
    fn get(&self, server: &str, files: Option<(&str, &str)>) -> Run {
        let own = files.map(|(certificate, key)| {
            format!("--cert {} --key {}", self.served.path(certificate), self.served.path(key))
        });
        let own = own.unwrap_or_default();
        self.run(server, |port| {
            format!("http https://shop.test:{port}/ --connect-to ::127.0.0.1:{port} {own}")
        })
    }

    fn run(&self, server: &str, line: impl Fn(u16) -> String) -> Run {
        let (chain, own) = self.served.files("by the root");
        let root = self.served.path("root.pem");
        let (_running, port) = s_server(&format!(
            "-cert {chain} -key {own} -CAfile {root} -verify_return_error {server}"
        ));
        Plugin::new(&format!("{} --from local --cacert {root}", line(port))).run()
    }
}

#[test]
fn a_client_is_taken_by_its_certificate_and_key_which_stays_here() {
    let clients = Clients::new();
    for version in ["-tls1_3", "-tls1_2"] {
        let run = clients.ask(&format!("-Verify 3 {version}"), "client.pem", "client.key");
        assert_eq!(run.code, Some(0), "{version}: {run:?}");
        assert!(run.stdout.contains("a client certificate asked for and sent"), "{run:?}");
        assert!(run.stdout.contains("the key stays here"), "{run:?}");
    }
    let run = clients.ask("", "client.pem", "client.key");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("no client certificate was asked for"), "{run:?}");
}

#[test]
fn a_certificate_of_another_ca_is_refused_and_the_servers_own_is_judged() {
    let clients = Clients::new();
    for version in ["-tls1_3", "-tls1_2"] {
        let server = format!("-Verify 3 {version}");
        let run = clients.ask(&server, "self-signed.pem", "self-signed.key");
        assert_eq!(run.code, Some(1), "{version}: {run:?}");
        assert!(run.stdout.contains("FAIL     ND0738"), "{version}: {run:?}");
        let whose = "it takes those of CN=shop-root";
        assert!(run.stdout.contains(whose), "{version}: {run:?}");
    }
}

/// With TLS 1.3 the refusal comes behind the handshake, where the request is already on its way.
#[test]
fn http_says_of_a_refused_client_what_tls_says() {
    let clients = Clients::new();
    for version in ["-tls1_3", "-tls1_2"] {
        let server = format!("-Verify 3 {version}");
        let run = clients.get(&server, Some(("client.pem", "client.key")));
        assert_eq!(run.code, Some(0), "{version}: {run:?}");
        let run = clients.get(&server, Some(("self-signed.pem", "self-signed.key")));
        assert_eq!(run.code, Some(1), "{version}: {run:?}");
        assert!(run.stdout.contains("FAIL     ND0738"), "{version}: {run:?}");
        assert!(run.stdout.contains("alert unknown_ca (48)"), "{version}: {run:?}");
        let run = clients.get(&server, None);
        assert!(run.stdout.contains("FAIL     ND0733"), "{version}: {run:?}");
        assert!(run.stdout.contains("none was sent"), "{version}: {run:?}");
    }
}

#[test]
fn files_that_cannot_show_a_client_are_told_before_anything_is_sent() {
    let clients = Clients::new();
    for (certificate, key, why) in [
        ("client.pem", "self-signed.key", "not the key of CN=shop.test, --cert "),
        ("client.pem", "encrypted.key", "the key is encrypted; openssl pkey -in FILE"),
        ("client.pem", "client.pem", "no private key in PEM"),
        ("client.key", "client.key", "no certificate in it"),
        ("client.pem", "nowhere", "No such file"),
        ("nowhere", "client.key", "No such file"),
    ] {
        let run = clients.ask("", certificate, key);
        assert_eq!(run.code, Some(2), "{key}: {run:?}");
        assert!(run.stderr.contains(why), "{key}: {run:?}");
        assert!(run.stdout.is_empty(), "{key}: {run:?}");
    }
    let run = Plugin::new("tls 127.0.0.1:1 --from local --cert x.pem").run();
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("--key"), "{run:?}");
}
