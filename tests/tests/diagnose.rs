//! `diagnose`: faults of every kind put into a cluster, each beside its healthy twin, in which the
//! first finding must name the cause; printed as a table with the time to the verdict.

use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use netdiag_tests::{Fault, Node, Pod, Run, Shop, progress::show, turn, wait};
use serde_json::{Value, json};

/// Until every node has heard of a change.
const SPREAD: Duration = Duration::from_secs(30);

/// What `diagnose` said of each fault.
struct Board {
    shop: Shop,
    rows: String,
}

impl Board {
    fn open() -> Result<Self> {
        Ok(Self { shop: Shop::open()?, rows: String::new() })
    }

    fn diagnose(&self, target: &str, flags: &str) -> Result<Run> {
        self.diagnose_from(&self.shop.client, target, flags)
    }

    fn diagnose_from(&self, from: &Pod, target: &str, flags: &str) -> Result<Run> {
        let place = self.shop.cluster.namespace();
        let line = format!("diagnose {} {place}/{target} {flags}", from.target());
        self.shop.cluster.netdiag(line.split_whitespace())
    }

    /// The first finding has this code, or is well, once the change has spread; the time is that
    /// of the run that said so.
    fn expect(&mut self, scenario: &str, target: &str, code: Option<&str>) -> Result<()> {
        let client = self.shop.client.clone();
        self.expect_from(&client, scenario, target, code)
    }

    fn expect_from(
        &mut self,
        from: &Pod,
        scenario: &str,
        target: &str,
        code: Option<&str>,
    ) -> Result<()> {
        let (took, run) = wait::until(scenario, SPREAD, || {
            let begin = Instant::now();
            let run = self.diagnose_from(from, target, "-o json")?;
            let took = begin.elapsed();
            let document: Value = run.json();
            let first = &document["findings"][0];
            ensure!(first["code"].as_str() == code, "{first:#}");
            ensure!((document["verdict"] == "ok") == code.is_none(), "{document:#}");
            Ok((took, document))
        })?;
        let said = run["summary"].as_str().unwrap_or_default();
        let code = code.unwrap_or("OK");
        writeln!(self.rows, "| {scenario} | {code} | {:.1} s | {said} |", took.as_secs_f64())?;
        Ok(())
    }
}

#[test]
#[ignore = "needs a cluster: breaks Services, listeners, policies and rules"]
fn every_fault_is_told_by_its_cause_and_no_twin_is_blamed() -> Result<()> {
    let _turn = turn::share();
    let mut board = Board::open()?;
    let place = board.shop.cluster.namespace().to_owned();
    let port =
        |target: Value| json!({"ports": [{"name": "http", "port": 80, "targetPort": target}]});
    for (scenario, name, spec, code) in [
        ("healthy", "web", json!({}), None),
        (
            "1 a selector with a typing error",
            "typo",
            json!({"selector": {"app": "sever"}}),
            Some("ND0101"),
        ),
        (
            "1 a label too many",
            "extra",
            json!({"selector": {"app": "server", "tier": "api"}}),
            Some("ND0101"),
        ),
        ("3 another targetPort", "number", port(json!(8081)), Some("ND0103")),
        (
            "4 a targetPort by a name that is not declared",
            "named",
            port(json!("web")),
            Some("ND0104"),
        ),
        ("10 headless, its twin", "crowd", json!({"clusterIP": "None"}), None),
    ] {
        board.shop.service(name, &spec)?;
        board.expect(scenario, &format!("svc/{name}"), code)?;
    }

    let shy = ["httpd", "-f", "-p", "127.0.0.1:8080"];
    let shy =
        board.shop.cluster.pod("shy").label("app", "shy").on(Node::Second).command(shy).start()?;
    board.shop.service("shy", &json!({"selector": {"app": "shy"}}))?;
    board.expect("44 listens on the loopback only", "svc/shy", Some("ND0601"))?;
    drop(shy);

    let frontend = json!([{"from": [{"podSelector": {"matchLabels": {"role": "frontend"}}}]}]);
    for (scenario, ingress, code) in [
        ("36 a policy that denies all", json!([]), Some("ND0401")),
        ("36 a policy for other clients", frontend, Some("ND0401")),
        (
            "36 its twin, a policy that admits the client",
            json!([{"ports": [{"port": 8080}]}]),
            None,
        ),
    ] {
        board.shop.policy(&ingress)?;
        board.expect(scenario, "svc/web", code)?;
    }
    board.shop.cluster.kubectl(["delete", "networkpolicy", "servers", "-n", &place])?;
    board.expect("healthy again", "svc/web", None)?;

    for (scenario, name, ready, code) in [
        ("2 none is ready", "none", [false, false], Some("ND0102")),
        ("2 one of two is not ready", "half", [true, false], Some("ND0102")),
        ("2 its twin, both are ready", "both", [true, true], None),
    ] {
        board.shop.by_hand(name, ready)?;
        board.expect(scenario, &format!("svc/{name}"), code)?;
    }
    for (scenario, name, server, code) in [
        ("9 no endpoint on the client's node", "far", 1, Some("ND0107")),
        ("9 its twin, one on the client's node", "near", 0, None),
    ] {
        let pod = board.shop.servers[server].name.clone();
        let only = format!("only={name}");
        board.shop.cluster.kubectl(["label", "pod", &pod, "-n", &place, "--overwrite", &only])?;
        let local = json!({"internalTrafficPolicy": "Local", "selector": {"only": name}});
        board.shop.service(name, &local)?;
        board.expect(scenario, &format!("svc/{name}"), code)?;
    }

    let address = board.shop.address("web")?;
    {
        let rule = format!("ct original ip daddr {address} drop");
        let _fault = Fault::rule(&board.shop.cluster, Node::First, &rule)?;
        board.expect("14 the Service's rules on the client's node", "svc/web", Some("ND0201"))?;
    }
    {
        let own = board.shop.servers[0].clone();
        let rule = format!("ip saddr {0} ip daddr {0} drop", own.ip());
        board.expect_from(&own, "13 its twin, a pod that reaches itself", "svc/web", None)?;
        let _fault = Fault::rule(&board.shop.cluster, Node::First, &rule)?;
        board.expect_from(
            &own,
            "13 a pod that does not reach itself",
            "svc/web",
            Some("ND0204"),
        )?;
        board.expect("13 its twin, seen from another pod", "svc/web", None)?;
    }
    {
        let rule = format!("ip daddr {} tcp dport 8080 drop", board.shop.servers[1].ip());
        let _fault = Fault::rule(&board.shop.cluster, Node::First, &rule)?;
        board.expect("28 TCP to one endpoint is dropped on the way", "svc/web", Some("ND0302"))?;
    }
    board.expect("healthy at the end", "svc/web", None)?;
    board.expect("a pod by itself", "pod/one", None)?;
    show(&format!(
        "| scenario | first finding | time | words |\n| --- | --- | --- | --- |\n{}",
        board.rows
    ));
    Ok(())
}

#[test]
#[ignore = "needs a cluster: makes a Service"]
fn the_checks_are_told_in_the_order_of_a_requests_way() -> Result<()> {
    let _turn = turn::share();
    let board = Board::open()?;
    board.shop.service("web", &json!({}))?;
    let well = "7 checks well (name Service address endpoints listener control policy), 1 skipped (rules); ";
    let run = wait::until("the Service is well", SPREAD, || {
        let run = board.diagnose("svc/web", "")?;
        ensure!(run.stdout.contains(well), "{run:?}");
        Ok(run)
    })?;
    let _ =
        run.exits(0).says("\n\nOK       its address and both endpoints take connections on http\n");
    let run = board.diagnose("svc/web", "-v")?.exits(0);
    let run = run.says("\nOK       name       web.").says("\nOK       address    6/6 connected\n");
    let _ = run.says("\nSKIP     rules ").says("\n8 checks, ");
    let place = board.shop.cluster.namespace();
    let to = format!("{place}/svc/web");
    for (line, error) in [
        (
            "diagnose 10.0.0.1".to_owned(),
            "ND0030  diagnose 10.0.0.1: a svc, a pod or a workload is wanted; trace and connect take any host",
        ),
        (
            format!("diagnose local {to}"),
            "ND0030  local: this machine is outside of the cluster; name a pod or a node",
        ),
        (format!("diagnose {to} {to}"), "a svc sends nothing; name one of its pods"),
        (
            format!("diagnose pod/a {to} --from pod/b"),
            "ND0030  pod/a and --from: one source at a time",
        ),
        (format!("diagnose {place}/svc/wbe"), "ND0020  no svc \"wbe\" in "),
    ] {
        let run = board.shop.cluster.netdiag(line.split_whitespace())?;
        assert!(run.stderr.contains(error) && run.stdout.is_empty(), "{line}: {run:?}");
        let _ = run.exits(2);
    }
    Ok(())
}
