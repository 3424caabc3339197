//! Names of Services, held against the API.

use std::time::Duration;

use anyhow::{Result, ensure};
use netdiag_tests::{Pair, lab::addresses, turn, wait};

use crate::lookup::{asked, dig, dns, report};

/// Three kinds of Service, known to CoreDNS.
fn with_services() -> Result<Pair> {
    let pair = Pair::start()?;
    let namespace = pair.cluster.namespace();
    for (name, spec) in [
        ("web", "selector: {app: server}, ports: [{port: 80}]"),
        ("crowd", "clusterIP: None, selector: {app: server}, ports: [{port: 80}]"),
        ("away", "type: ExternalName, externalName: db.example.net"),
    ] {
        pair.cluster.apply(&format!(
            "{{apiVersion: v1, kind: Service, \
             metadata: {{name: {name}, namespace: {namespace}}}, spec: {{{spec}}}}}"
        ))?;
    }
    wait::until("CoreDNS knows the endpoints", Duration::from_secs(45), || {
        for name in ["web", "crowd"] {
            let name = format!("{name}.{namespace}.svc.cluster.local.");
            let dug = dig(&pair, &format!("@{} {name} A +short", addresses::CLUSTER_DNS))?;
            ensure!(!dug.is_empty(), "no {name} yet");
        }
        Ok(())
    })?;
    Ok(pair)
}

#[test]
#[ignore = "needs a cluster: makes Services"]
fn an_answer_is_held_against_the_api() -> Result<()> {
    let _turn = turn::share();
    let pair = with_services()?;
    let namespace = pair.cluster.namespace().to_owned();
    let address =
        pair.cluster.object(["svc", "web", "-n", &namespace])?["spec"]["clusterIP"].clone();
    let address = address.as_str().unwrap_or_default();
    for (words, is) in [
        (format!("{namespace}/svc/web"), address.to_owned()),
        ("web".into(), address.to_owned()),
        (format!("web.{namespace}.svc.cluster.local."), address.to_owned()),
        (format!("{namespace}/svc/crowd"), pair.server.ip().to_string()),
    ] {
        let run = dns(&pair, &words)?.exits(0);
        println!("{}", run.stdout);
        let _ = run.says(&format!(" is {is}; ")).says("the answer agrees with the API: ");
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: makes Services"]
fn an_external_name_is_a_cname() -> Result<()> {
    let _turn = turn::share();
    let pair = with_services()?;
    let name = format!("away.{}.svc.cluster.local.", pair.cluster.namespace());
    let found = report(&pair, &format!("{name} CNAME @{}", addresses::CLUSTER_DNS), 0)?;
    let answer = &found["names"][0]["queries"][0]["message"]["answer"][0];
    assert_eq!((&answer["type"], &answer["data"]), (&"CNAME".into(), &"db.example.net.".into()));
    let dug = dig(&pair, &format!("@{} {name} CNAME +short", addresses::CLUSTER_DNS))?;
    assert_eq!(dug, "db.example.net.\n");
    println!("{:?}", asked(&found));
    Ok(())
}
