//! Certificates with one flaw each, which openssl makes, and the word for it.

use std::path::Path;

use tempfile::TempDir;

use super::zoo::openssl;
use crate::run::{Plugin, Run};

const NAMES: &str = "subjectAltName=DNS:web.shop.svc";

/// Below `root`, with these extensions, a key by genpkey's words and further words.
fn issued(folder: &Path, name: &str, by: &str, extensions: &str, key: &str, words: &str) {
    let file = |name: &str, end: &str| format!("{name}.{end}");
    let (own, request, made) = (file(name, "key"), file(name, "csr"), file(name, "crt"));
    let generate = ["genpkey", "-out", &own, "-algorithm"];
    openssl(folder, generate.into_iter().chain(key.split(' ')));
    let subject = format!("/CN={name}");
    openssl(folder, ["req", "-new", "-key", &own, "-out", &request, "-subj", &subject]);
    std::fs::write(folder.join("extensions"), extensions.replace("; ", "\n")).unwrap();
    let (ca, ca_key) = (file(by, "crt"), file(by, "key"));
    let sign = [
        "x509", "-req", "-in", &request, "-out", &made, "-CA", &ca, "-CAkey", &ca_key, "-days",
        "90",
    ];
    let with = if extensions.is_empty() { "" } else { "-extfile extensions" };
    openssl(
        folder,
        sign.into_iter().chain(with.split_whitespace()).chain(words.split_whitespace()),
    );
}

const EC: &str = "EC -pkeyopt ec_paramgen_curve:P-256";

fn authority(folder: &Path, name: &str, extensions: &str) {
    let key = format!("{name}.key");
    let made = format!("{name}.crt");
    let subject = format!("/CN={name}");
    openssl(folder, ["genpkey", "-out", &key, "-algorithm"].into_iter().chain(EC.split(' ')));
    let words = ["req", "-x509", "-key", &key, "-out", &made, "-subj", &subject, "-days", "365"];
    let extensions = extensions.split("; ").filter(|one| !one.is_empty());
    openssl(folder, words.into_iter().chain(extensions.flat_map(|one| ["-addext", one])));
}

fn judged(folder: &Path, chain: &str, flags: &str) -> Run {
    let files = chain.split(' ').map(|name| folder.join(format!("{name}.crt")));
    let text: String = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let root = folder.join("root.crt");
    let line = format!("cert - --servername web.shop.svc --ca-file {} {flags}", root.display());
    Plugin::new(&line).fed(text.as_bytes())
}

#[track_caller]
fn has(run: Run, code: i32, line: &str) {
    let run = run.exits(code);
    assert!(run.stdout.contains(line), "{line}\n{run:#?}");
}

#[test]
fn each_flaw_that_openssl_can_make_has_its_word() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    authority(folder, "root", "");
    let leaf = |name: &str, extensions: &str, key: &str, words: &str| {
        issued(folder, name, "root", extensions, key, words);
    };
    leaf("good", NAMES, EC, "");
    has(judged(folder, "good", ""), 0, "OK       strict clients accept it: chain to CN=root (");
    leaf("short", NAMES, "RSA -pkeyopt rsa_keygen_bits:1024", "");
    has(
        judged(folder, "short", ""),
        1,
        "FAIL     ND0709  the key of the certificate is too short: RSA 1024",
    );
    leaf("weak", NAMES, EC, "-sha1");
    has(
        judged(folder, "weak", ""),
        1,
        "FAIL     ND0711  the certificate is signed with ecdsa-with-SHA1",
    );
    leaf("nameless", "basicConstraints=CA:FALSE", EC, "");
    has(
        judged(folder, "nameless", ""),
        1,
        "FAIL     ND0712  no subjectAltName; CN=nameless is not looked at",
    );
    leaf("old", "", EC, "");
    has(judged(folder, "old", ""), 1, "FAIL     ND0713  the certificate is of version 1, not 3");
    let client = format!("{NAMES}; extendedKeyUsage=clientAuth");
    leaf("client", &client, EC, "");
    has(judged(folder, "client", ""), 1, "FAIL     ND0716  the certificate is not for servers");
    leaf("critical", &format!("{NAMES}; 1.2.3.4=critical,DER:05:00"), EC, "");
    has(
        judged(folder, "critical", ""),
        1,
        "FAIL     ND0720  the certificate has a critical extension that clients do not know: 1.2.3.4",
    );
}

#[test]
fn a_chain_that_a_ca_may_not_make_is_told() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    authority(folder, "root", "");
    let ca = |name: &str, by: &str, more: &str| {
        let extensions = format!("basicConstraints=critical,CA:TRUE{more}");
        issued(folder, name, by, &extensions, EC, "");
    };
    ca("narrow", "root", ",pathlen:0");
    ca("below", "narrow", "");
    issued(folder, "deep", "below", NAMES, EC, "");
    let line = "FAIL     ND0714  CN=narrow allows 0 CAs below it (pathlen) and has 1";
    has(judged(folder, "deep below narrow", ""), 1, line);
    issued(folder, "server", "root", NAMES, EC, "");
    issued(folder, "under", "server", NAMES, EC, "");
    let line = "FAIL     ND0714  CN=server signed one below it and is no CA (basicConstraints)";
    has(judged(folder, "under server", ""), 1, line);
    ca("mute", "root", "; keyUsage=cRLSign");
    issued(folder, "unsigned", "mute", NAMES, EC, "");
    let line =
        "FAIL     ND0714  CN=mute signed one below it and may not (keyUsage lacks keyCertSign)";
    has(judged(folder, "unsigned mute", ""), 1, line);
    ca("payments", "root", "; nameConstraints=permitted;DNS:pay.svc");
    issued(folder, "foreign", "payments", NAMES, EC, "");
    let line = "FAIL     ND0715  CN=payments may not vouch for DNS:web.shop.svc (nameConstraints)";
    has(judged(folder, "foreign payments", ""), 1, line);
    ca("excluding", "root", "; nameConstraints=excluded;DNS:shop.svc");
    issued(folder, "excluded", "excluding", NAMES, EC, "");
    let line = "FAIL     ND0715  CN=excluding may not vouch for DNS:web.shop.svc";
    has(judged(folder, "excluded excluding", ""), 1, line);
    issued(folder, "old", "root", NAMES, EC, "");
    authority(folder, "root", "");
    let line =
        "FAIL     ND0718  CN=old is not signed by the CN=root that is here: same name, another key";
    has(judged(folder, "old", ""), 1, line);
    authority(folder, "alone", NAMES);
    let line = "FAIL     ND0705  self-signed: CN=alone vouches for itself alone";
    has(judged(folder, "alone", ""), 1, line);
}
