//! `cert --compare`: a Secret beside what a pod serves, before and after it was renewed.

use anyhow::Result;
use netdiag_tests::{Pair, turn};

use crate::server::{Ca, Valid};

const PORT: u16 = 8443;

/// Keeps these files, of a certificate and of its key, in a Secret.
fn secret(pair: &Pair, name: &str, (certificate, key): &(String, String)) -> Result<()> {
    let place = pair.cluster.namespace();
    let words = ["create", "secret", "tls", name, "-n", place, "--cert", certificate, "--key", key];
    pair.cluster.kubectl(words).map(drop)
}

#[test]
#[ignore = "needs a cluster: serves a certificate and keeps it in a Secret"]
fn what_is_served_is_what_the_secret_holds_or_it_is_not() -> Result<()> {
    let _turn = turn::share();
    let (pair, ca) = (Pair::start()?, Ca::new()?);
    let place = pair.cluster.namespace();
    let name = format!("pay.{place}.svc");
    let (served, renewed) = (ca.files(&name, Valid::Now)?, ca.files(&name, Valid::Now)?);
    secret(&pair, "pay-tls", &served)?;
    secret(&pair, "renewed-tls", &renewed)?;
    let _served = ca.start(&pair.server, PORT, served, &[])?;
    let trusted = format!("--ca-file {} --servername {name}", ca.path("ca.crt"));
    let target = format!("{}:{PORT}", pair.server.target());
    let line = |held: &str| format!("cert {place}/secret/{held} --compare {target} {trusted}");
    let same = pair.from_client(&line("pay-tls"))?.exits(0);
    println!("{}", same.stdout);
    let _ = same.says("\nOK       ");
    let other = pair.from_client(&line("renewed-tls"))?.exits(1);
    println!("{}", other.stdout);
    let _ = other.says("\nFAIL     ND0710  ");
    let _expired = ca.serve(&pair.server, PORT + 1, &name, Valid::Before)?;
    let old = format!("{}:{}", pair.server.target(), PORT + 1);
    let old = pair.from_client(&line("renewed-tls").replace(&target, &old))?.exits(1);
    let _ = old.says("\nFAIL     ND0710  ");
    let nobody = format!("cert {place}/secret/pay-tls --compare {}:8999", pair.server.target());
    let nobody = pair.from_client(&nobody)?;
    assert_ne!(nobody.code, Some(0), "{}", nobody.stdout);
    Ok(())
}
