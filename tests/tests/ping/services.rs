//! `ping svc/NAME`: a Service asked through its address and at each endpoint; `--icmp` sends the echo
//! all the same.

use std::time::Duration;

use anyhow::{Result, ensure};
use netdiag_tests::{Fault, Node, Pair, Pod, Run, Shop, turn, wait};
use serde_json::json;

/// Until every node has heard of a Service.
const SPREAD: Duration = Duration::from_secs(30);

/// A shop whose Services are pinged from its client.
struct Pings(Shop);

impl Pings {
    fn open() -> Result<Self> {
        Shop::open().map(Self)
    }

    fn ping(&self, name: &str, flags: &str) -> Result<Run> {
        let line = format!(
            "ping {}/svc/{name} --from {} {flags}",
            self.0.cluster.namespace(),
            self.0.client.target()
        );
        self.0.cluster.netdiag(line.split_whitespace())
    }

    /// Once the verdict is this one: endpoints and rules follow a Service after a while.
    fn finds(&self, name: &str, verdict: &str) -> Result<Run> {
        wait::until(&format!("{name}: {verdict}"), SPREAD, || {
            let run = self.ping(name, "")?;
            ensure!(run.stdout.contains(&format!("\n\n{verdict}")), "{}", run.stdout);
            Ok(run)
        })
    }
}

#[test]
#[ignore = "needs a cluster: makes Services"]
fn a_service_that_is_well_is_asked_at_every_end() -> Result<()> {
    let _turn = turn::share();
    let pings = Pings::open()?;
    let shop = &pings.0;
    shop.service("web", &json!({}))?;
    shop.service("crowd", &json!({"clusterIP": "None"}))?;
    shop.service("away", &json!({"type": "ExternalName", "externalName": "localhost"}))?;
    let well = "OK       its address and both endpoints take connections on http\n";
    let run = pings.finds("web", well)?.exits(0).says("\nNOTE     ND0901  ");
    let run = run.says(" Here kube-proxy is in ").says(" mode (/proxyMode on ");
    let run = run.says("  WHAT               READY  ECHO      TCP 80 http -> 8080\n");
    let run = run.says("the Service        -      -         6/6 connected  ");
    let row = |server: &Pod| format!("pod/{} on {}  yes    ", server.name, server.node);
    let _ = run.says(&row(&shop.servers[0])).says(&row(&shop.servers[1]));
    let crowd = "OK       both endpoints take connections on http\n";
    let run = pings.finds("crowd", crowd)?.exits(0).says("\nNOTE     ND0902  ");
    assert!(!run.stdout.contains("the Service "), "{}", run.stdout);
    let run = pings.ping("away", "-c 1")?;
    let _ = run.says("NOTE     ND0903  An ExternalName Service is a CNAME to localhost: ");
    let run = pings.ping("web", "-o json")?.exits(0);
    let document: serde_json::Value = serde_json::from_str(&run.stdout)?;
    let report = &document["service"];
    assert_eq!(report["ports"][0]["through"]["well"], 6, "{document}");
    assert_eq!(report["endpoints"][1]["asked"][0]["well"], 3, "{document}");
    assert_eq!(report["endpoints"][0]["echo"]["replied"], 3, "{document}");
    assert_eq!(report["endpoints"][0]["verdict"], "ok", "{document}");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: makes Services that lead nowhere"]
fn what_is_wrong_with_the_service_itself() -> Result<()> {
    let _turn = turn::share();
    let pings = Pings::open()?;
    let shop = &pings.0;
    shop.service("typo", &json!({"selector": {"app": "sever"}}))?;
    let ports = json!([{"name": "http", "port": 80, "targetPort": "web"}]);
    shop.service("named", &json!({"ports": ports}))?;
    let ports = json!([{"name": "http", "port": 80, "targetPort": 8081}]);
    shop.service("number", &json!({"ports": ports}))?;
    let run = pings.finds("typo", "FAIL     ND0101  no endpoints: the selector matches no pod")?;
    let run = run.exits(1).says("  seen   selector app=sever matches 0 of ");
    let _ = run.says("\n  differ ").says("0/3 rejected by ");
    let run =
        pings.finds("named", "FAIL     ND0104  both endpoints declare no port named \"web\"")?;
    let _ = run.exits(1).says("no such port").says("\n  differ pod/");
    let run =
        pings.finds("number", "FAIL     ND0103  nobody listens on 8081, where port http leads")?;
    let _ = run.exits(1).says(" listens on 8080\n").says("0/3 refused by the pod");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: makes pods that nobody reaches"]
fn what_is_wrong_with_its_endpoints() -> Result<()> {
    let _turn = turn::share();
    let pings = Pings::open()?;
    let shop = &pings.0;
    let listen = ["httpd", "-f", "-p", "127.0.0.1:8080"];
    let shy = shop.cluster.pod("shy").label("app", "server").on(Node::Second);
    let _shy = shy.command(listen).start()?;
    shop.service("web", &json!({}))?;
    let verdict = "FAIL     ND0601  1 of 3 endpoints listens on 127.0.0.1:8080 only: pod/shy\n";
    let run = pings.finds("web", verdict)?.exits(1).says("0/3 refused by the pod");
    let run = run.says("the RSTs come over 2 routers, as its echoes do\n");
    let _ = run.says("  next   kubectl netdiag sockets ").says("pod/shy -l -p\n");

    shop.by_hand("half", [true, false])?;
    let run = pings.finds("half", "WARN     ND0102  1 of 2 endpoints is not ready")?;
    let _ = run.exits(0).says("asked directly it takes connections: only its readiness");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: breaks a Service's way on a node"]
fn what_is_wrong_between_the_service_and_its_endpoints() -> Result<()> {
    let _turn = turn::share();
    let pings = Pings::open()?;
    let shop = &pings.0;
    shop.service("web", &json!({}))?;
    let well = "OK       its address and both endpoints take connections on http\n";
    let _ = pings.finds("web", well)?;
    let place = shop.cluster.namespace().to_owned();
    let address = shop.address("web")?;
    {
        let rule = format!("ct original ip daddr {address} drop");
        let _fault = Fault::rule(&shop.cluster, Node::First, &rule)?;
        let verdict = format!(
            "FAIL     ND0201  the Service's rules on {} do not lead to its endpoints, ",
            shop.client.node
        );
        let run = pings.finds("web", &verdict)?.exits(1);
        let _ = run.says("0/6 silence, ").says("asked directly from there, both endpoints answer");
    }
    let _ = pings.finds("web", well)?;
    {
        let rule = format!("ct original ip daddr {address} drop");
        let _fault = Fault::of_node(&shop.cluster, Node::First, &rule)?;
        let line = format!("ping {place}/svc/web --from nodes");
        let run = shop.cluster.netdiag(line.split_whitespace())?.exits(1);
        println!("{}", run.stdout);
        let (first, second) = (&shop.client.node, &shop.servers[1].node);
        let run = run.says("2 nodes (each from its own namespace) -> ");
        let run = run.says(&format!("\nnode/{second}  6/6 connected  "));
        let run = run.says(&format!("\nnode/{first}  0/6 silence, "));
        let run =
            run.says(&format!("\nFAIL     ND0201  the Service's rules on {first} do not lead "));
        let _ = run.says(&format!(", which answer, from {first} alone of 2 nodes\n"));
    }
    let line = format!("ping {place}/svc/web --from nodes -o json");
    let run = shop.cluster.netdiag(line.split_whitespace())?.exits(0);
    let document: serde_json::Value = run.json();
    assert_eq!(document["kind"], "PingReportList", "{document}");
    assert_eq!(document["items"].as_array().map(Vec::len), Some(2), "{document}");
    // Only the second node has an endpoint.
    let away = json!({"internalTrafficPolicy": "Local", "selector": {"only": "two"}});
    shop.service("local", &away)?;
    let two = shop.servers[1].name.clone();
    shop.cluster.kubectl(["label", "pod", &two, "-n", &place, "only=two"])?;
    let verdict = format!("FAIL     ND0107  no endpoint on {}, and ", shop.client.node);
    let _ = pings.finds("local", &verdict)?.exits(1);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: denies what comes in"]
fn a_policy_that_keeps_the_source_out_is_named() -> Result<()> {
    let _turn = turn::share();
    let pings = Pings::open()?;
    let shop = &pings.0;
    shop.service("web", &json!({}))?;
    let well = "OK       its address and both endpoints take connections on http\n";
    let _ = pings.finds("web", well)?;
    let place = shop.cluster.namespace().to_owned();
    shop.policy(&json!([{"from": [{"podSelector": {"matchLabels": {"role": "frontend"}}}]}]))?;
    let run = pings.finds("web", "FAIL     ND0401  NetworkPolicy servers keeps ")?.exits(1);
    println!("{}", run.stdout);
    let run = run.says(" it admits from pods with role=frontend; the source has app=client");
    let _ = run.says(", its own node, which no policy holds back, connects 3 of 3: ");
    // The twin: the same policy, and a client that it admits.
    shop.cluster.kubectl(["label", "pod", &shop.client.name, "-n", &place, "role=frontend"])?;
    let _ = pings.finds("web", well)?.exits(0);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: opens node ports"]
fn node_ports_are_asked_too_and_one_that_drops_by_policy_is_told() -> Result<()> {
    let _turn = turn::share();
    let pings = Pings::open()?;
    let shop = &pings.0;
    let (first, second) = (&shop.servers[0], &shop.servers[1]);
    shop.service("open", &json!({"type": "NodePort"}))?;
    let well = "OK       its address and both endpoints take connections on http\n";
    let run = pings.finds("open", well)?.exits(0);
    println!("{}", run.stdout);
    let row = |node: &str| format!("  node port on {node}  -      -         3/3 connected  ");
    let run = run.says(&row(&first.node)).says(&row(&second.node));
    assert!(!run.stdout.contains("local endpoint"), "{}", run.stdout);
    // Only the first node has an endpoint; what comes to the second one from outside is dropped.
    let place = shop.cluster.namespace();
    shop.cluster.kubectl(["label", "pod", &first.name, "-n", place, "only=one"])?;
    let local = json!({
        "type": "NodePort", "externalTrafficPolicy": "Local", "selector": {"only": "one"},
    });
    shop.service("local", &local)?;
    let line = format!("ping {place}/svc/local --from node/{}", first.node);
    let run = wait::until("the policy holds", SPREAD, || {
        let run = shop.cluster.netdiag(line.split_whitespace())?;
        ensure!(run.stdout.contains("\n\nWARN     ND0106  "), "{}", run.stdout);
        Ok(run)
    })?;
    println!("{}", run.stdout);
    let run = run.exits(0).says(&format!("node port on {} (local endpoint: none)", second.node));
    // A node's own addresses are guarded, so its own port is not asked from it.
    assert!(!run.stdout.contains(&format!("node port on {} ", first.node)), "{}", run.stdout);
    let from_pod = pings.ping("local", "")?.exits(0);
    let _ = from_pod.says(&format!("  node port on {} ", first.node));
    Ok(())
}

#[test]
#[ignore = "needs a cluster: makes a Service"]
fn icmp_sends_the_echo_and_blames_nobody_for_its_silence() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    pair.cluster.apply(&format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: web, namespace: {}}}, \
         spec: {{selector: {{app: server}}, ports: [{{port: 80}}]}}}}",
        pair.cluster.namespace()
    ))?;
    let to = format!("{}/svc/web", pair.cluster.namespace());
    let run = pair.ping_to(&to, "--icmp -c 1 -W 0.5")?.exits(1);
    println!("{}", run.stdout);
    let run = run.says("\nNOTE     ND0901  ").says(" because of --icmp");
    // kube-proxy's mode decides whether it is rejected or meets silence.
    let run = run.says("\nUNKNOWN  ND030");
    let _ = run.says("svc/web: an echo reaches no pod of it\n");
    let run = pair.cluster.netdiag(["ping", &format!("{}/svc/wep", pair.cluster.namespace())])?;
    let line = format!(
        "error    ND0020  no svc \"wep\" in {}; there is svc/web",
        pair.cluster.namespace()
    );
    let _ = run.refuses(&line);
    Ok(())
}
