//! `cert` on a real cluster: a kubernetes.io/tls Secret that openssl made, who may not read it, and
//! what is served beside it.

#[path = "cert/compare.rs"]
mod compare;
#[path = "tls/server.rs"]
mod server;

use std::path::Path;

use anyhow::{Result, ensure};
use netdiag_tests::{Cluster, command::command};

/// A CA and a server's certificate below it, as files.
fn made(folder: &Path) -> Result<()> {
    let ca = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -keyout ca.key \
        -out ca.crt -subj /CN=shop-root";
    let leaf = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 20 -keyout tls.key \
        -out tls.crt -subj /CN=web -addext subjectAltName=DNS:web.shop.svc -CA ca.crt -CAkey ca.key \
        -addext basicConstraints=CA:FALSE";
    for line in [ca, leaf] {
        let output =
            command("openssl").args(line.split_whitespace()).current_dir(folder).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: reads Secrets and ConfigMaps"]
fn a_secret_is_judged_by_the_ca_in_a_config_map() -> Result<()> {
    let cluster = Cluster::current()?;
    let folder = tempfile::TempDir::new()?;
    made(folder.path())?;
    let file = |name: &str| folder.path().join(name).display().to_string();
    let namespace = cluster.namespace();
    let secret = format!("{namespace}/secret/web-tls");
    let ca = format!("{namespace}/configmap/shop-ca:ca.crt");
    let tls = [
        "-n",
        namespace,
        "create",
        "secret",
        "tls",
        "web-tls",
        "--cert",
        &file("tls.crt"),
        "--key",
        &file("tls.key"),
    ];
    cluster.kubectl(tls)?;
    let from = format!("--from-file={}", file("ca.crt"));
    cluster.kubectl(["-n", namespace, "create", "configmap", "shop-ca", &from])?;

    let private = cluster.netdiag(["cert", &secret])?.exits(0);
    ensure!(
        private
            .stdout
            .starts_with(&format!("{namespace}/secret/web-tls:tls.crt (resourceVersion "))
    );
    ensure!(private.stdout.contains("WARN     ND0704  issuer not among"), "{}", private.stdout);
    let words = ["cert", &secret, "--ca-file", &ca, "--servername"];
    let good = cluster.netdiag(words.into_iter().chain(["web.shop.svc"]))?.exits(0);
    ensure!(
        good.stdout.contains("OK       strict clients accept it: chain to CN=shop-root"),
        "{}",
        good.stdout
    );
    let bad = cluster.netdiag(words.into_iter().chain(["web"]))?.exits(1);
    ensure!(
        bad.stdout.contains("FAIL     ND0703  the certificate is not for web;"),
        "{}",
        bad.stdout
    );

    let user = cluster.user("nobody", &[])?;
    let refused = cluster.netdiag_as(&user, ["cert", &secret])?.exits(2);
    let line = format!("error    ND0012  not allowed to read {namespace}/secret/web-tls\n");
    ensure!(refused.stderr.starts_with(&line), "{}", refused.stderr);
    let missing = cluster.netdiag(["cert", &format!("{namespace}/secret/nosuch")])?.exits(2);
    ensure!(missing.stderr.starts_with(&format!("error    ND0020  no {namespace}/secret/nosuch")));
    let no_key = cluster.netdiag(["cert", &format!("{secret}:tls.pem")])?.exits(2);
    ensure!(
        no_key.stderr.contains("tls.pem") && no_key.stderr.contains("tls.crt"),
        "{}",
        no_key.stderr
    );
    Ok(())
}
