//! A Service: asked for by the name that its clients use, trusted by a CA in a Secret.

use std::time::Duration;

use anyhow::{Result, ensure};
use netdiag_tests::{Pair, turn, wait};

use crate::server::{Ca, Valid};

#[test]
#[ignore = "needs a cluster: makes a Service and a Secret"]
fn a_service_goes_by_its_name_and_the_ca_of_a_secret() -> Result<()> {
    let _turn = turn::share();
    let (pair, ca) = (Pair::start()?, Ca::new()?);
    let place = pair.cluster.namespace();
    pair.cluster.apply(&format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: pay, namespace: {place}}}, \
         spec: {{selector: {{app: server}}, ports: [{{name: https, port: 443, targetPort: 8443}}]}}}}"
    ))?;
    let file = format!("--from-file=ca.crt={}", ca.path("ca.crt"));
    pair.cluster.kubectl(["create", "secret", "generic", "pay-ca", "-n", place, &file])?;
    let name = format!("pay.{place}.svc");
    let _server = ca.serve(&pair.server, 8443, &name, Valid::Now)?;
    let line = format!("tls {place}/svc/pay:https --ca-file {place}/secret/pay-ca:ca.crt");
    let run = wait::until("the node sends to the endpoint", Duration::from_secs(20), || {
        let run = pair.from_client(&line)?;
        ensure!(run.code == Some(0), "{}{}", run.stdout, run.stderr);
        Ok(run)
    })?;
    println!("{}", run.stdout);
    let run = run.says(&format!(" -> {place}/svc/pay:https (")).says(&format!("SNI {name}\n"));
    let run = run.says(&format!("good for {name}; not for pay.{place}.svc.cluster.local"));
    let _ = run.says("\nOK       strict clients accept it: chain to CN=shop-root");
    Ok(())
}
