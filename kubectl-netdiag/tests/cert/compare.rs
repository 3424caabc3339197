//! `cert --compare`: a file or a Secret beside what a real server serves on loopback.

use std::path::{Path, PathBuf};

use rcgen::{Certificate, CertificateParams, DnType, KeyPair, date_time_ymd};
use serde_json::{Value, json};

use super::{Authority, Ca, base64, ca, root};
use crate::{
    canned::{Agent, Canned},
    run::{Plugin, Run},
    tls::{Running, s_server},
};

/// Certificates of one name, made one after the other by one CA.
struct Renewals {
    authority: Authority,
    middle: Ca,
    root: Ca,
    key: KeyPair,
}

impl Renewals {
    fn new() -> Self {
        let root = root("shop-root");
        let middle =
            Ca::signed_by(ca("shop-issuing-ca"), KeyPair::generate().unwrap(), &root).unwrap();
        let authority = Authority::new();
        Self { authority, middle, root, key: KeyPair::generate().unwrap() }
    }

    /// Valid since this month of 2026.
    fn of(&self, month: u8, name: &str) -> Certificate {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(2026, month, 1);
        params.not_after = date_time_ymd(2099, month, 1);
        params.signed_by(&self.key, &*self.middle).unwrap()
    }

    fn chain(&self, leaf: &Certificate) -> String {
        format!("{}{}", leaf.pem(), self.middle.pem())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        self.authority.file(name, text)
    }

    /// A server with this certificate and, behind it, these.
    fn served(&self, leaf: &Certificate, behind: Option<&str>) -> (Running, u16) {
        let of = |path: &Path| path.to_str().unwrap().to_owned();
        let certificate = of(&self.file("served.pem", &leaf.pem()));
        let key = of(&self.file("served.key", &self.key.serialize_pem()));
        let chain = behind.map(|pem| format!("-cert_chain {}", of(&self.file("behind.pem", pem))));
        s_server(&format!("-cert {certificate} -key {key} {}", chain.unwrap_or_default()))
    }

    fn compared(&self, held: &str, port: u16, flags: &str) -> Run {
        let held = self.file("held.pem", held);
        let line =
            format!("cert {} --compare 127.0.0.1:{port} --from local {flags}", held.display());
        Plugin::new(&line).run()
    }
}

#[track_caller]
fn says(run: Run, code: i32, lines: &[&str]) {
    let run = run.exits(code);
    for line in lines {
        assert!(run.stdout.contains(line), "{line}\n{run:#?}");
    }
}

#[test]
fn what_is_served_as_it_is_kept_is_well() {
    let renewals = Renewals::new();
    let leaf = renewals.of(3, "checkout.shop.svc");
    let (_server, port) = renewals.served(&leaf, Some(&renewals.middle.pem()));
    let run = renewals.compared(&renewals.chain(&leaf), port, "").exits(0);
    let lines: Vec<_> = run.stdout.lines().collect();
    assert!(lines[0].ends_with(&format!(" -> 127.0.0.1:{port}")), "{run:#?}");
    assert!(lines[1].ends_with("held.pem: 2 certificates"), "{run:#?}");
    let columns: Vec<_> = lines[2].split_whitespace().collect();
    assert_eq!(columns, ["#", "SUBJECT", "SERIAL", "VALID", "UNTIL", "(UTC)", "SERVED"]);
    assert!(lines[3].starts_with("0  CN=checkout.shop.svc  ") && lines[3].ends_with("  yes"));
    assert!(lines[4].starts_with("1  CN=shop-issuing-ca  ") && lines[4].ends_with("  yes"));
    assert!(run.stdout.contains("\nOK       the server serves what "), "{run:#?}");
    assert!(run.stdout.ends_with("held.pem holds\n"), "{run:#?}");
}

#[test]
fn an_older_a_newer_and_a_foreign_certificate_are_told_apart() {
    let renewals = Renewals::new();
    let of = |month| renewals.of(month, "checkout.shop.svc");
    let (old, new) = (of(3), of(6));
    let seen = |held: &str, shown: &str| {
        format!(
            "held.pem's is valid since 2026-{held}-01 00:00:00, the one served since 2026-{shown}-01 00:00:00\n"
        )
    };
    let (_server, port) = renewals.served(&old, Some(&renewals.middle.pem()));
    let newer = "held.pem holds a newer certificate than the one served\n";
    says(
        renewals.compared(&renewals.chain(&new), port, ""),
        1,
        &["ND0710", newer, &seen("06", "03")],
    );
    let (_server, port) = renewals.served(&new, Some(&renewals.middle.pem()));
    let older = "FAIL     ND0710  the server serves a newer certificate than ";
    says(renewals.compared(&renewals.chain(&old), port, ""), 1, &[older, &seen("03", "06")]);
    let twin = "FAIL     ND0710  the server serves another certificate than ";
    says(renewals.compared(&renewals.chain(&of(6)), port, ""), 1, &[twin, &seen("06", "06")]);
    let foreign = renewals.of(6, "cart.shop.svc");
    let words = "FAIL     ND0710  the server serves a certificate for somebody else than ";
    let served = "  seen   served: CN=checkout.shop.svc, of CN=shop-issuing-ca\n";
    says(renewals.compared(&renewals.chain(&foreign), port, ""), 1, &[words, served]);
    let turned = format!("{}{}", renewals.middle.pem(), new.pem());
    says(renewals.compared(&turned, port, ""), 1, &["the server serves certificate 1 of "]);
}

#[test]
fn another_chain_behind_the_same_certificate_is_a_warning() {
    let renewals = Renewals::new();
    let leaf = renewals.of(3, "checkout.shop.svc");
    let held = renewals.chain(&leaf);
    let (_server, port) = renewals.served(&leaf, None);
    let warn = "WARN     ND0710  the server serves the certificate of ";
    let missing = "  seen   not served: CN=shop-issuing-ca\n";
    says(renewals.compared(&held, port, ""), 0, &[warn, missing]);
    let both = format!("{}{}", renewals.middle.pem(), renewals.root.pem());
    let (_server, port) = renewals.served(&leaf, Some(&both));
    says(renewals.compared(&held, port, ""), 0, &[warn, "  seen   served besides: CN=shop-root\n"]);
}

#[test]
fn json_has_what_is_kept_what_is_served_and_how_they_stand() {
    let renewals = Renewals::new();
    let (old, new) = (renewals.of(3, "a.shop.svc"), renewals.of(6, "a.shop.svc"));
    let (_server, port) = renewals.served(&old, None);
    let run = renewals.compared(&renewals.chain(&new), port, "-o json").exits(1);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (&document["kind"], &document["source"]["kind"]),
        (&json!("CertReport"), &json!("local"))
    );
    assert_eq!(document["cert"]["certificates"][0]["notBefore"], "2026-06-01T00:00:00Z");
    assert_eq!(document["compared"]["outcome"], "otherCertificate");
    assert_eq!(document["compared"]["served"][0]["notBefore"], "2026-03-01T00:00:00Z");
    assert_eq!(document["tls"]["port"], port);
    assert_eq!(document["findings"][0]["code"], "ND0710");
}

#[test]
fn a_secret_is_compared_too_and_its_key_is_not_forgotten() {
    let renewals = Renewals::new();
    let leaf = renewals.of(3, "checkout.shop.svc");
    let (_server, port) = renewals.served(&leaf, Some(&renewals.middle.pem()));
    let other = KeyPair::generate().unwrap().serialize_pem();
    let of = |key: &str| {
        let data = json!({"tls.crt": base64(&renewals.chain(&leaf)), "tls.key": base64(key)});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "data": data,
            "metadata": {"name": "web-tls", "namespace": "shop", "resourceVersion": "90412"}});
        let path = "/api/v1/namespaces/shop/secrets/web-tls";
        let canned = Canned::with(Agent::Says(Vec::new()), [(path, 200, secret)]);
        let line = format!("cert shop/secret/web-tls --compare 127.0.0.1:{port} --from local");
        Plugin::new(&line).kubeconfig(&canned.kubeconfig()).run()
    };
    let ok = "OK       the server serves what shop/secret/web-tls:tls.crt holds\n";
    says(of(&renewals.key.serialize_pem()), 0, &[ok, ", tls.key belongs to certificate 0\n"]);
    let fail = "FAIL     ND0717  tls.key does not belong to the certificate\n";
    says(of(&other), 1, &[fail]);
}

#[test]
fn what_serves_nothing_is_said_as_tls_says_it() {
    let renewals = Renewals::new();
    let leaf = renewals.of(3, "checkout.shop.svc").pem();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let run = renewals.compared(&leaf, port, "").exits(1);
    assert!(run.stdout.contains("FAIL     ") && run.stdout.contains("refused"), "{run:#?}");
    assert!(!run.stdout.contains("ND0710"), "{run:#?}");
}

#[test]
fn what_goes_only_with_a_server_is_refused_without_one() {
    for (flags, why) in [
        ("--from local", "go with --compare"),
        ("--starttls smtp", "--compare"),
        ("--compare 127.0.0.1", "a port is missing"),
        ("--compare 127.0.0.1:443 -6", "-6 was given"),
        ("--compare 127.0.0.1:443 --showcerts", "--compare does not go with --showcerts"),
    ] {
        let refused = Plugin::new(&format!("cert nosuch.pem {flags}")).run().exits(2);
        assert!(refused.stderr.contains(why), "{flags}: {}", refused.stderr);
    }
}
