//! What a pod's own address serves, or does not.

use anyhow::Result;
use netdiag_tests::{Node, Pair, turn};
use serde_json::Value;

use crate::server::{Ca, Valid};

#[test]
#[ignore = "needs a cluster: serves TLS in a pod"]
fn good_expired_and_misnamed_are_told_apart() -> Result<()> {
    let _turn = turn::share();
    let (pair, ca) = (Pair::start()?, Ca::new()?);
    let (to, ca_file) = (pair.server.target(), ca.path("ca.crt"));
    let _good = ca.serve(&pair.server, 8443, "shop.test", Valid::Now)?;
    let _expired = ca.serve(&pair.server, 8444, "shop.test", Valid::Before)?;
    let ask = |port: u16, name: &str, more: &str| {
        pair.from_client(&format!("tls {to}:{port} --servername {name} {more}"))
    };
    let trusted = format!("--ca-file {ca_file}");

    let run = ask(8443, "shop.test", &format!("{trusted} --alpn h2"))?.exits(0);
    println!("{}", run.stdout);
    let run = run.says("TLS 1.3, ").says(", ALPN h2; SNI shop.test\n");
    let _ = run.says("CN=shop.test").says("\nOK       strict clients accept it");

    let run = ask(8444, "shop.test", &trusted)?.exits(1);
    println!("{}", run.stdout);
    let _ = run.says("\nFAIL     ND0701  ").says("  seen   it is not a clock: ");

    let run = ask(8443, "pay.test", &trusted)?.exits(1).says("\nFAIL     ND0703  ");
    println!("{}", run.stdout);
    // A private CA that nobody named is no fault by itself.
    let run = ask(8443, "shop.test", "")?.exits(0).says("\nWARN     ND0704  ");
    println!("{}", run.stdout);

    let json: Value = ask(8443, "shop.test", &format!("{trusted} -o json"))?.exits(0).json();
    assert_eq!(json["tls"]["chain"][0]["notAfter"], "2120-01-01T00:00:00Z", "{json:#}");
    let agreed = &json["tls"]["asked"]["handshake"]["agreed"];
    assert_eq!((&agreed["version"], &agreed["alpn"]), (&"TLS 1.3".into(), &Value::Null));
    let pem = ask(8443, "shop.test", "--showcerts")?.stdout;
    assert_eq!(pem.matches("-----BEGIN CERTIFICATE-----").count(), 1, "{pem}");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: serves HTTP in a pod"]
fn a_plain_port_a_closed_one_and_a_scan() -> Result<()> {
    let _turn = turn::share();
    let (pair, ca) = (Pair::start()?, Ca::new()?);
    let plain = pair.cluster.pod("plain").on(Node::Second);
    let plain = plain.command(["httpd", "-f", "-p", "8080", "-h", "/tmp"]).start()?;
    let run = pair.from_client(&format!("tls {}:8080", plain.target()))?.exits(1);
    println!("{}", run.stdout);
    let _ = run.says("\nFAIL     ND0730  ").says(" speaks no TLS but HTTP on this port");

    let run = pair.from_client(&format!("tls {}:8445", pair.server.target()))?.exits(1);
    let _ = run.says("refused after ").says("\nFAIL     ND0602  ");

    let _server = ca.serve(&pair.server, 8443, "shop.test", Valid::Now)?;
    let run = pair.from_client(&format!("tls {}:8443 --scan", pair.server.target()))?.exits(0);
    println!("{}", run.stdout);
    let _ = run.says("TLS 1.3  TLS_AES_256_GCM_SHA384").says("SSL 3.0: not taken");
    Ok(())
}
