//! A Service is asked by the name that its clients use, in the clear and by TLS.

use std::time::Duration;

use anyhow::{Result, ensure};
use netdiag_tests::{Netns, Node, Pair, turn, wait};
use serde_json::Value;

use crate::{
    server::{Ca, Valid},
    web::serve,
};

fn service(pair: &Pair, name: &str, port: u16, target: u16) -> Result<()> {
    let place = pair.cluster.namespace();
    pair.cluster.apply(&format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: {place}}}, \
         spec: {{selector: {{app: server}}, ports: [{{name: main, port: {port}, targetPort: {target}}}]}}}}"
    ))
}

#[test]
#[ignore = "needs a cluster: makes a Service"]
fn a_service_answers_by_its_name_and_a_slow_one_is_told() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let place = pair.cluster.namespace();
    service(&pair, "web", 80, 8080)?;
    let _asked = serve(&Netns::of_pod(&pair.server)?, "0.0.0.0:8080")?;
    let line = format!("http {place}/svc/web:main/up");
    let run = wait::until("the node sends to the endpoint", Duration::from_secs(20), || {
        let run = pair.from_client(&line)?;
        ensure!(run.code == Some(0), "{}{}", run.stdout, run.stderr);
        Ok(run)
    })?;
    println!("{}", run.stdout);
    let run = run.says(&format!(" -> http://web.{place}.svc/up ({place}/svc/web:main, "));
    let run = run.says("\nGET -> 200 OK, HTTP/1.1, ").says("(address from the API)\n");
    let _ = run.says("\nOK       answered: 200 OK\n");
    let run = pair.from_client(&format!("http {place}/svc/web --path /slow"))?.exits(0);
    let _ = run.says("\nWARN     ND0803  slow first byte: the server took 1.");
    let pod = pair.server.target();
    let run = pair.from_client(&format!("http {pod}:8080/503"))?.exits(1);
    let _ = run.says("\nFAIL     ND0802  503 Service Unavailable: envoy's own, not the app's\n");
    let run = pair.from_client(&format!("http {pod}:8080/ -c 3 --interval 0.1"))?.exits(0);
    let run = run.says("\nGET -> 3x 200; first byte min/p50/p95/max ");
    let _ = run.says("\nOK       all 3: answered: 200 OK\n");
    let run = pair.from_client(&format!("http {pod}:8081/"))?.exits(1);
    let _ = run.says("\nFAIL     ND0602  refused by ");
    Ok(())
}

/// busybox' httpd has no such page, the other server has every one.
#[test]
#[ignore = "needs a cluster: makes a Service"]
fn each_endpoint_is_asked_in_the_services_name() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let place = pair.cluster.namespace();
    let listen = ["httpd", "-f", "-p", "8080"];
    let bare = pair.cluster.pod("bare").label("app", "server").on(Node::First);
    let _bare = bare.command(listen).start()?;
    service(&pair, "web", 80, 8080)?;
    let _asked = serve(&Netns::of_pod(&pair.server)?, "0.0.0.0:8080")?;
    let line = format!("http {place}/svc/web:80/up --each");
    let run = wait::until("both are endpoints", Duration::from_secs(20), || {
        let run = pair.from_client(&line)?;
        ensure!(run.code == Some(0), "{}{}", run.stdout, run.stderr);
        ensure!(run.stdout.contains("  pod/bare on "), "{}{}", run.stdout, run.stderr);
        ensure!(run.stdout.contains("1 of 2 endpoints: "), "{}{}", run.stdout, run.stderr);
        Ok(run)
    })?;
    println!("{}", run.stdout);
    let run = run.says("  the Service").says("  404  ").says("  200  ");
    let run = run.says("\nWARN     ND0801  1 of 2 endpoints: reached, but: 404 Not Found");
    let _ = run.says("  seen   asked directly: pod/bare\n");
    let report: Value = pair.from_client(&format!("{line} -o json"))?.exits(0).json();
    assert_eq!(report["http"]["endpoints"].as_array().map(Vec::len), Some(2), "{report:#}");
    let pod = pair.server.target();
    let run = pair.from_client(&format!("http {pod}:8080/ --each"))?.exits(2);
    assert!(run.stderr.contains("ND0030  --each: only a Service"), "{}", run.stderr);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: serves certificates"]
fn nothing_is_sent_to_a_server_whose_certificate_is_not_accepted() -> Result<()> {
    let _turn = turn::share();
    let (pair, ca) = (Pair::start()?, Ca::new()?);
    let place = pair.cluster.namespace();
    service(&pair, "pay", 443, 8443)?;
    let file = format!("--from-file=ca.crt={}", ca.path("ca.crt"));
    pair.cluster.kubectl(["create", "secret", "generic", "pay-ca", "-n", place, &file])?;
    let name = format!("pay.{place}.svc");
    let _server = ca.serve(&pair.server, 8443, &name, Valid::Now)?;
    let _expired = ca.serve(&pair.server, 8444, &name, Valid::Before)?;
    let trusted = format!("--cacert {place}/secret/pay-ca:ca.crt --http1.1");
    let line = format!("http {place}/svc/pay {trusted}");
    let run = wait::until("the node sends to the endpoint", Duration::from_secs(20), || {
        let run = pair.from_client(&line)?;
        ensure!(run.code == Some(0), "{}{}", run.stdout, run.stderr);
        Ok(run)
    })?;
    println!("{}", run.stdout);
    let run = run.says(&format!(" -> https://{name}/ ({place}/svc/pay, "));
    let _ = run.says("\nGET -> 200 ").says("\nTLS 1.3, ");
    let run = pair.from_client(&format!("http {place}/svc/pay --http1.1"))?.exits(1);
    let run = run.says("  certificate not accepted\n");
    let _ = run.says("\nFAIL     ND0704  no request was sent: issuer not among the public CAs");
    let target = pair.server.target();
    let expired = format!("http {target}:8444/ --https {trusted}");
    let run = pair.from_client(&expired)?.exits(1);
    let _ = run.says("\nFAIL     ND0701  no request was sent: the certificate expired ");
    let run = pair.from_client(&format!("{expired} -k"))?.exits(0);
    let _ = run.says("\nGET -> 200 ").says("\nWARN     ND0701  the certificate expired ");
    // And the two ports mixed up.
    let run = pair.from_client(&format!("http http://{}:8443/ --http1.1", pair.server.ip()))?;
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    Ok(())
}
