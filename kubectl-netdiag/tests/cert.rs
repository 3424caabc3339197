//! `cert`: a file, stdin, a Secret; the words for what is wrong with each.

#[path = "cert/compare.rs"]
mod compare;
#[path = "cert/flaws.rs"]
mod flaws;
#[path = "cert/keys.rs"]
mod keys;
#[path = "cert/openssl.rs"]
mod openssl;
#[path = "cert/zoo.rs"]
mod zoo;

use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    canned::{Agent, Canned, status},
    run::{Plugin, Run},
};

/// A root, a CA below it and a server's certificate, written as files.
struct Authority {
    directory: TempDir,
    root: String,
    middle: String,
    leaf: String,
    key: String,
}

type Ca = CertifiedIssuer<'static, KeyPair>;

fn ca(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn root(name: &str) -> Ca {
    Ca::self_signed(ca(name), KeyPair::generate().unwrap()).unwrap()
}

impl Authority {
    fn new() -> Self {
        let root = root("shop-root");
        let middle =
            Ca::signed_by(ca("shop-issuing-ca"), KeyPair::generate().unwrap(), &root).unwrap();
        let mut params = CertificateParams::new(vec!["checkout.shop.svc".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "checkout.shop.svc");
        let key = KeyPair::generate().unwrap();
        let issuer: &Issuer<'_, KeyPair> = &middle;
        let leaf = params.signed_by(&key, issuer).unwrap().pem();
        Self {
            directory: TempDir::new().unwrap(),
            root: root.pem(),
            middle: middle.pem(),
            leaf,
            key: key.serialize_pem(),
        }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn chain(&self) -> String {
        format!("{}{}", self.leaf, self.middle)
    }

    /// Runs `cert` of a file of this text, with these flags; `ROOT` is the root's file.
    fn cert(&self, text: &str, flags: &str) -> Run {
        let file = self.file("given.pem", text);
        let root = self.file("root.pem", &self.root);
        let flags = flags.replace("ROOT", &root.to_string_lossy());
        Plugin::new(&format!("cert {} {flags}", file.display())).run()
    }
}

#[track_caller]
fn verdict(run: Run, code: i32, line: &str) {
    let run = run.exits(code);
    assert!(run.stdout.contains(line), "{line}\n{run:#?}");
}

#[test]
fn a_chain_to_a_root_that_was_given_is_accepted() {
    let authority = Authority::new();
    let flags = "--cacert ROOT --servername checkout.shop.svc";
    let run = authority.cert(&authority.chain(), flags).exits(0);
    let lines: Vec<_> = run.stdout.lines().collect();
    assert!(lines[0].ends_with("given.pem: 2 certificates"), "{run:#?}");
    let columns: Vec<_> = lines[1].split_whitespace().collect();
    assert_eq!(columns, ["#", "SUBJECT", "ISSUER", "VALID", "UNTIL", "(UTC)", "LEFT", "KEY"]);
    assert!(
        lines[2].starts_with("0  CN=checkout.shop.svc  CN=shop-issuing-ca  4096-01-01 00:00:00")
    );
    assert_eq!(lines[4], "good for checkout.shop.svc");
    let ok = "OK       strict clients accept it: chain to CN=shop-root (";
    assert!(lines[6].starts_with(ok) && lines[6].ends_with("name, dates, keys good"), "{run:#?}");
}

#[test]
fn each_flaw_of_a_chain_has_its_word() {
    let authority = Authority::new();
    let (root, middle, leaf) = (&authority.root, &authority.middle, &authority.leaf);
    let private = "WARN     ND0704  issuer not among the public CAs (Mozilla's list); clients need CN=shop-root";
    verdict(authority.cert(&authority.chain(), ""), 0, private);
    verdict(authority.cert(&format!("{leaf}{middle}{root}"), ""), 0, private);
    let missing = "FAIL     ND0706  the chain ends at CN=checkout.shop.svc: the certificate of its issuer, \
        CN=shop-issuing-ca, is missing";
    verdict(authority.cert(leaf, "--ca-file ROOT"), 1, missing);
    let included = "WARN     ND0708  the chain holds its root, CN=shop-root, which no client needs";
    verdict(authority.cert(&format!("{leaf}{middle}{root}"), "--ca-file ROOT"), 0, included);
    let order = "FAIL     ND0707  the first certificate is a CA's (CN=shop-issuing-ca)";
    verdict(authority.cert(&format!("{middle}{leaf}"), "--ca-file ROOT"), 1, order);
    let name = "FAIL     ND0703  the certificate is not for chekout.shop.svc; the nearest is \
        DNS:checkout.shop.svc";
    let flags = "--ca-file ROOT --servername chekout.shop.svc";
    verdict(authority.cert(&authority.chain(), flags), 1, name);
    verdict(
        authority.cert(root, ""),
        0,
        "OK       a CA certificate: dates, keys and signatures good",
    );
}

#[test]
fn stdin_and_der_are_read_too() {
    let authority = Authority::new();
    let fed = Plugin::new("cert -").fed(authority.chain().as_bytes()).exits(0);
    assert!(fed.stdout.starts_with("stdin: 2 certificates\n"), "{fed:#?}");
    let json = Plugin::new("cert - -o json").fed(authority.leaf.as_bytes()).exits(0).stdout;
    let document: Value = serde_json::from_str(&json).unwrap();
    let one = &document["cert"]["certificates"][0];
    assert_eq!(document["kind"], "CertReport");
    assert_eq!(one["subject"], "CN=checkout.shop.svc");
    assert_eq!(one["names"], json!(["DNS:checkout.shop.svc"]));
    assert_eq!((&one["key"], &one["version"]), (&json!("EC P-256"), &json!(3)));
}

#[test]
fn what_holds_no_certificate_is_an_error() {
    let authority = Authority::new();
    let said = |text: &str| authority.cert(text, "").exits(2).stderr;
    assert!(said("").contains("given.pem: nothing in it\n"));
    assert!(said("hello").contains("neither PEM (-----BEGIN CERTIFICATE-----) nor DER\n"));
    let key = said(&authority.key);
    assert!(key.contains("no certificate in it\n  seen   a private key\n"), "{key}");
    let half = &authority.leaf[..authority.leaf.len() / 2];
    assert!(said(half).contains("has no END line: the file is cut off\n"));
    let missing = Plugin::new("cert nosuch.pem").run().exits(2).stderr;
    assert!(missing.starts_with("error    ND0020  read nosuch.pem: No such file"), "{missing}");
    let both = Plugin::new("cert - --ca-file -").run().exits(2).stderr;
    assert!(both.contains("cannot both be stdin"), "{both}");
}

#[test]
fn one_bad_block_does_not_hide_the_others() {
    let authority = Authority::new();
    let bad = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let run = authority.cert(&format!("{}{bad}", authority.chain()), "").exits(1);
    assert!(run.stdout.contains("given.pem: 2 certificates\n"), "{run:#?}");
    assert!(run.stdout.contains("\n0  CN=checkout.shop.svc "), "{run:#?}");
    assert!(run.stdout.contains("\nFAIL     ND0721  certificate 2"), "{run:#?}");
    let roots = authority.file("roots.pem", &format!("{}{bad}", authority.root));
    let flags = format!("--ca-file {}", roots.display());
    let refused = authority.cert(&authority.chain(), &flags).exits(2).stderr;
    assert!(refused.contains("certificate 1"), "{refused}");
}

fn of_secret(line: &str, data: &Value) -> Run {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "data": data,
        "metadata": {"name": "web-tls", "namespace": "shop", "resourceVersion": "90412"}});
    let path = "/api/v1/namespaces/shop/secrets/web-tls";
    let canned = Canned::with(Agent::Says(Vec::new()), [(path, 200, secret)]);
    Plugin::new(line).kubeconfig(&canned.kubeconfig()).run()
}

fn base64(text: &str) -> String {
    data_encoding::BASE64.encode(text.as_bytes())
}

#[test]
fn a_secret_is_read_by_its_usual_key() {
    let authority = Authority::new();
    let data = json!({"tls.crt": base64(&authority.chain()), "ca.crt": base64(&authority.root),
        "tls.key": base64(&authority.key)});
    let run = of_secret("cert shop/secret/web-tls", &data).exits(0);
    let head = "shop/secret/web-tls:tls.crt (resourceVersion 90412): 2 certificates, tls.key belongs to \
        certificate 0\n";
    assert!(run.stdout.starts_with(head), "{run:#?}");
    let next = "  next   kubectl netdiag cert shop/secret/web-tls:tls.crt --ca-file \
        shop/secret/web-tls:ca.crt\n";
    assert!(run.stdout.contains(next), "{run:#?}");
    let line = "cert shop/secret/web-tls --ca-file shop/secret/web-tls:ca.crt";
    let ok = "chain to CN=shop-root (shop/secret/web-tls:ca.crt), dates, keys good\n";
    verdict(of_secret(line, &data), 0, ok);
    for line in
        ["-v", "-o json", "-o wide -vv"].map(|flags| format!("cert shop/secret/web-tls {flags}"))
    {
        let run = of_secret(&line, &data).exits(0);
        let secret = authority.key.lines().nth(1).unwrap();
        assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "{line}");
    }
}

#[test]
fn a_secret_that_cannot_serve_says_why() {
    let keys = json!({"password": base64("x"), "user": base64("y")});
    let stderr = of_secret("cert shop/secret/web-tls", &keys).exits(2).stderr;
    let line = "error    ND0020  shop/secret/web-tls has neither tls.crt nor ca.crt: say which key, \
        shop/secret/web-tls:KEY\n  seen   its keys: password, user\n";
    assert_eq!(stderr, line);
    let stderr = of_secret("cert shop/secret/web-tls:tls.pem", &keys).exits(2).stderr;
    assert!(stderr.contains("shop/secret/web-tls has no key tls.pem\n"), "{stderr}");
    let forbidden = status(403, "Forbidden", "secrets \"web-tls\" is forbidden");
    let path = "/api/v1/namespaces/shop/secrets/web-tls";
    let canned = Canned::with(Agent::Says(Vec::new()), [(path, 403, forbidden)]);
    let run = Plugin::new("cert shop/secret/web-tls").kubeconfig(&canned.kubeconfig()).run();
    let stderr = run.exits(2).stderr;
    let line = "error    ND0012  not allowed to read shop/secret/web-tls\n";
    assert!(stderr.starts_with(line) && stderr.contains("verb get on secrets"), "{stderr}");
}

#[test]
fn a_key_of_another_certificate_is_a_failure() {
    let (authority, other) = (Authority::new(), Authority::new());
    let data = json!({"tls.crt": base64(&authority.chain()), "tls.key": base64(&other.key)});
    let run = of_secret("cert shop/secret/web-tls", &data).exits(1);
    let line = "FAIL     ND0717  tls.key does not belong to the certificate\n";
    assert!(run.stdout.contains(line), "{run:#?}");
    let together = format!("{}{}", authority.leaf, authority.key);
    let run = authority.cert(&together, "").exits(0);
    assert!(run.stdout.contains("1 certificate, the private key in it belongs to certificate 0\n"));
    let odd =
        format!("{}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", authority.leaf);
    let run = authority.cert(&odd, "").exits(0);
    assert!(run.stdout.contains("the private key in it cannot be read\n"), "{run:#?}");
}

#[test]
fn showcerts_prints_what_other_tools_read() {
    let authority = Authority::new();
    let chain = authority.chain();
    let both = format!("text\n{chain}{}", authority.key);
    let run = authority.cert(&both, "--showcerts").exits(0);
    let plain = |text: &str| text.replace('\r', "").trim().to_owned();
    assert_eq!(plain(&run.stdout), plain(&chain));
    assert_eq!(run.stderr, "");
    let refused = authority.cert(&chain, "--showcerts -o json").exits(2);
    assert!(refused.stderr.contains("--showcerts prints PEM and takes no -o"), "{refused:#?}");
}

#[test]
fn a_bag_of_pkcs_7_is_opened() {
    let authority = Authority::new();
    let chain = authority.file("chain.pem", &authority.chain());
    let folder = authority.directory.path();
    for form in ["PEM", "DER"] {
        let words = ["crl2pkcs7", "-nocrl", "-outform", form, "-certfile"];
        let bag = zoo::openssl(folder, words.into_iter().chain([chain.to_str().unwrap()]));
        let run = Plugin::new("cert -").fed(&bag).exits(0);
        assert!(run.stdout.starts_with("stdin: 2 certificates\n"), "{form}: {run:#?}");
    }
    let der = zoo::openssl(folder, ["x509", "-in", "chain.pem", "-outform", "DER"]);
    let run = Plugin::new("cert -").fed(&der).exits(0);
    assert!(run.stdout.starts_with("stdin: 1 certificate\n"), "{run:#?}");
}

#[test]
fn what_is_hostile_is_refused_and_cannot_steer_a_terminal() {
    let blocks = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n".repeat(100_000);
    let nested = b"\x30\x84\x00\x0f\x00\x00".repeat(100_000);
    let endless = b"\x30\x80".repeat(100_000);
    let large = [b"\x30\x84".to_vec(), vec![b'x'; 17 << 20]].concat();
    for (input, why) in [
        (blocks.into_bytes(), "100000 certificates, of which 10000 can be read"),
        (nested, "certificate 0 cannot be decoded"),
        (endless, "certificate 0 cannot be decoded"),
        (large, "larger than 16 MiB"),
        ("-----BEGIN A-----".repeat(100_000).into_bytes(), "has no END line"),
        (b"-----BEGIN \x1b[2J-----".to_vec(), "block 1 (\"\\u{1b}[2J\") has no END line"),
    ] {
        let stderr = Plugin::new("cert -").fed(&input).exits(2).stderr;
        assert!(stderr.contains(why) && !stderr.contains('\x1b'), "{why}: {stderr}");
    }
    let authority = Authority::new();
    let file = authority.file("leaf.pem", &authority.leaf);
    let words = ["x509", "-outform", "DER", "-in", file.to_str().unwrap()];
    let der = zoo::openssl(authority.directory.path(), words);
    for length in (1..der.len()).step_by(7) {
        Plugin::new("cert - -v").fed(&der[..length]).exits(2);
    }
}
