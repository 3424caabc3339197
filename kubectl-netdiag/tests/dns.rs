//! `dns` through a canned agent: what is asked of the API beside it, streams, exit codes.

use serde_json::{Value, json};

use crate::{
    canned::{Agent, Canned, refusal, status},
    run::{Plugin, Run},
    stream::{ACCEPTED, stream},
};

const END: &str = r#""event":"end","reason":"completed""#;
const RESOLVER: &str = r#""event":"resolver","nameservers":["10.96.0.10"],"search":["shop.svc.cluster.local","svc.cluster.local"],"ndots":5,"timeoutSeconds":5,"attempts":2,"libc":"glibc""#;
const FROM_POD: &str = "--from shop/pod/web";

fn query(index: u32, name: &str, kind: &str, outcome: &str, answer: &str) -> String {
    let code = if outcome == "nxDomain" { "NXDOMAIN" } else { "NOERROR" };
    format!(
        r#""event":"query","index":{index},"name":"{name}","type":"{kind}","server":"10.96.0.10","port":53,"transport":"udp","outcome":"{outcome}","tookUs":610,"rttUs":610,"sent":1,"message":{{"id":4711,"opcode":"QUERY","rcode":"{code}","flags":{{"qr":true,"rd":true,"ra":true}},"sizeBytes":56,"question":[{{"name":"{name}","type":"{kind}"}}],"answer":[{answer}],"authority":[],"additional":[]}}"#
    )
}

fn record(name: &str, data: &str) -> String {
    format!(r#"{{"name":"{name}","ttlSeconds":30,"type":"A","data":"{data}"}}"#)
}

fn pair(index: u32, name: &str, address: Option<&str>) -> [String; 2] {
    let (outcome, answer) = match address {
        Some(address) => ("answered", record(name, address)),
        None => ("nxDomain", String::new()),
    };
    let other = if address.is_some() { "noData" } else { "nxDomain" };
    [query(index, name, "A", outcome, &answer), query(index + 1, name, "AAAA", other, "")]
}

/// The names that are in the cluster: a pod to ask from, a Service, the cluster's DNS.
fn objects() -> Vec<(&'static str, u16, Value)> {
    let service = |namespace: &str, name: &str, address: &str| {
        json!({"metadata": {"namespace": namespace, "name": name, "resourceVersion": "91822"},
               "spec": {"clusterIP": address, "clusterIPs": [address], "type": "ClusterIP"}})
    };
    let web = json!({
        "metadata": {"namespace": "shop", "name": "web", "uid": "web-uid"},
        "spec": {"nodeName": "node-1", "containers": []},
        "status": {"phase": "Running", "podIP": "10.244.1.23",
                   "conditions": [{"type": "Ready", "status": "True"}]},
    });
    let endpoint = |name: &str, node: &str, address: &str| {
        json!({"addresses": [address], "nodeName": node, "conditions": {"ready": true},
               "targetRef": {"kind": "Pod", "namespace": "kube-system", "name": name}})
    };
    let slices = json!({"metadata": {}, "items": [{"addressType": "IPv4", "metadata": {}, "endpoints": [
        endpoint("coredns-a", "node-1", "10.244.1.4"), endpoint("coredns-b", "node-2", "10.244.2.2")]}]});
    vec![
        ("/api/v1/namespaces/shop/pods/web", 200, web),
        (
            "/api/v1/namespaces/shop/services/checkout",
            200,
            service("shop", "checkout", "10.96.14.7"),
        ),
        (
            "/api/v1/namespaces/shop/services",
            200,
            json!({"metadata": {}, "items": [{"metadata": {"name": "checkout"}}]}),
        ),
        (
            "/api/v1/namespaces/kube-system/services/kube-dns",
            200,
            service("kube-system", "kube-dns", "10.96.0.10"),
        ),
        ("/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices", 200, slices),
        (
            "/api/v1/namespaces/netdiag/serviceaccounts/netdiag-operator/token",
            201,
            json!({"metadata": {}, "spec": {"audiences": []},
                   "status": {"token": "minted", "expirationTimestamp": "2026-11-22T04:00:00Z"}}),
        ),
    ]
}

fn run(line: &str, answer: Vec<u8>) -> Run {
    let canned = Canned::with(Agent::Says(answer), objects());
    Plugin::new(line).kubeconfig(&canned.kubeconfig()).run()
}

fn walk(queries: &[[String; 2]]) -> Vec<u8> {
    let queries = queries.iter().flatten().map(String::as_str);
    let lines: Vec<&str> = [ACCEPTED, RESOLVER].into_iter().chain(queries).chain([END]).collect();
    stream(&lines)
}

fn checkout() -> Vec<u8> {
    walk(&[pair(0, "checkout.shop.svc.cluster.local.", Some("10.96.14.7"))])
}

#[test]
fn a_service_is_asked_by_its_name_and_compared_with_the_api() {
    let run = run(&format!("dns svc/checkout {FROM_POD}"), checkout()).exits(0);
    assert_eq!(
        run.stdout,
        "shop/pod/web (10.244.1.23, node-1) -> 10.96.0.10 (kube-system/svc/kube-dns)\n\
         as glibc asks: search shop.svc.cluster.local svc.cluster.local, ndots:5\n\
         NAME ASKED                        A           AAAA     MS\n\
         checkout.shop.svc.cluster.local.  10.96.14.7  no data  0.610\n\
         \n\
         OK       checkout.shop.svc is 10.96.14.7; 1 name, 2 queries, 0.610 ms\n  \
           seen   the answer agrees with the API: ClusterIP of shop/svc/checkout (Service, resourceVersion 91822)\n"
    );
    assert_eq!(run.stderr, "");
}

#[test]
fn a_stale_record_exits_1() {
    let stale = walk(&[pair(0, "checkout.shop.svc.cluster.local.", Some("10.96.14.9"))]);
    let run = run(&format!("dns checkout {FROM_POD}"), stale).exits(1);
    assert!(
        run.stdout.contains("\nFAIL     ND0507  stale or foreign: DNS says 10.96.14.9"),
        "{run:#?}"
    );
}

#[test]
fn a_name_that_is_nowhere_exits_1_with_the_one_that_was_meant() {
    let nowhere = walk(&[
        pair(0, "chekout.shop.svc.cluster.local.", None),
        pair(2, "chekout.svc.cluster.local.", None),
        pair(4, "chekout.", None),
    ]);
    let run = run(&format!("dns chekout {FROM_POD}"), nowhere).exits(1);
    let verdict = "\nFAIL     ND0501  chekout does not exist: NXDOMAIN for every name that glibc would try\n  \
                   note   the API has svc/checkout in shop\n  \
                   next   kubectl netdiag dns shop/svc/checkout --from shop/pod/web\n";
    assert!(run.stdout.ends_with(verdict), "{run:#?}");
}

#[test]
fn every_coredns_pod_has_its_row() {
    let name = "checkout.shop.svc.cluster.local.";
    let of = |index, server: &str| {
        let query = query(index, name, "A", "answered", &record(name, "10.96.14.7"));
        query.replace(r#""server":"10.96.0.10""#, &format!(r#""server":"{server}""#))
    };
    let silent = format!(
        r#""event":"query","index":2,"name":"{name}","type":"A","server":"10.244.2.2","port":53,"transport":"udp","outcome":"silence","tookUs":10000000,"sent":2"#
    );
    let (first, second) = (of(0, "10.96.0.10"), of(1, "10.244.1.4"));
    let answer = stream(&[ACCEPTED, RESOLVER, &first, &second, &silent, END]);
    let run = run(&format!("dns svc/checkout --every-server {FROM_POD}"), answer).exits(1);
    assert_eq!(
        run.stdout,
        "shop/pod/web (10.244.1.23, node-1) -> checkout.shop.svc.cluster.local. A, 3 servers\n\
         SERVER      WHAT                                 ANSWER      MS\n\
         10.96.0.10  kube-system/svc/kube-dns             10.96.14.7  0.610\n\
         10.244.1.4  kube-system/pod/coredns-a on node-1  10.96.14.7  0.610\n\
         10.244.2.2  kube-system/pod/coredns-b on node-2  silence     2 queries over 10.0 s\n\
         \n\
         FAIL     ND0503  1 of 2 CoreDNS pods is silent: a query that is sent to it costs 5 s (timeout:5)\n  \
           seen   the answer agrees with the API: ClusterIP of shop/svc/checkout (Service, resourceVersion 91822)\n  \
           seen   kube-system/pod/coredns-b is Ready, and yet: silence for A\n  \
           next   kubectl netdiag ping kube-system/pod/coredns-b -c 3 --from shop/pod/web\n"
    );
}

#[test]
fn short_prints_the_answers_on_stdout_and_a_failure_on_stderr() {
    let short = run(&format!("dns checkout --short {FROM_POD}"), checkout()).exits(0);
    assert_eq!((short.stdout.as_str(), short.stderr.as_str()), ("10.96.14.7\n", ""));
    let nowhere = walk(&[pair(0, "a.", None)]);
    let short = run(&format!("dns a. --short {FROM_POD}"), nowhere).exits(1);
    assert_eq!(short.stdout, "");
    assert!(short.stderr.contains("FAIL     ND0501  a. does not exist"), "{short:#?}");
}

#[test]
fn the_document_counts_names_and_queries_apart() {
    let json = run(&format!("dns checkout -o json {FROM_POD}"), checkout()).exits(0).stdout;
    let document: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["kind"], "DnsReport");
    let names = document["dns"]["names"].as_array().unwrap();
    let queries: usize = names.iter().map(|name| name["queries"].as_array().unwrap().len()).sum();
    assert_eq!((names.len(), queries), (1, 2));
    assert_eq!(document["dns"]["counts"]["queries"], 2);
    assert_eq!(document["target"]["name"], "checkout");
    let lines = run(&format!("dns checkout -o ndjson {FROM_POD}"), checkout()).exits(0).stdout;
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(last["dns"], document["dns"]);
}

#[test]
fn what_was_saved_renders_as_it_was_shown() {
    let saved = tempfile::TempDir::new().unwrap();
    let shown = run(&format!("dns checkout {FROM_POD}"), checkout()).exits(0).stdout;
    let table = |shown: &str| shown.lines().skip(2).take(2).map(str::to_owned).collect::<Vec<_>>();
    for form in ["ndjson", "json"] {
        let text = run(&format!("dns checkout -o {form} {FROM_POD}"), checkout()).exits(0).stdout;
        let path = saved.path().join(form);
        std::fs::write(&path, text).unwrap();
        let again = Plugin::new(&format!("render {}", path.display())).run().exits(0).stdout;
        assert_eq!(table(&again), table(&shown), "{form}: {again}");
        assert!(again.contains("\nOK       checkout"), "{form}: {again}");
    }
}

#[test]
fn from_a_node_a_services_name_is_asked_of_the_clusters_dns() {
    let name = "checkout.shop.svc.cluster.local.";
    let asked = query(0, name, "A", "answered", &record(name, "10.96.14.7"));
    let answer = stream(&[ACCEPTED, &asked, END]);
    let run = run("dns svc/checkout --from node/node-1", answer).exits(0);
    let head = "node/node-1 (10.89.0.11) -> 10.96.0.10 (kube-system/svc/kube-dns)\n";
    assert!(run.stdout.starts_with(head), "{run:#?}");
    assert!(run.stdout.contains("agrees with the API"), "{run:#?}");
}

#[test]
fn the_right_to_read_files_is_named_with_a_way_around_it() {
    let forbidden = refusal(
        403,
        "",
        r#"{"code":"forbidden","message":"no","missing":{"resource":"pods","right":"files","user":"u"}}"#,
    );
    let run = run(&format!("dns checkout {FROM_POD}"), forbidden).exits(2);
    assert!(
        run.stderr.starts_with("error    ND0010  not allowed: files from pods in shop\n"),
        "{run:#?}"
    );
    let next = "  next   kubectl netdiag dns checkout @10.96.0.10 --from shop/pod/web\n";
    assert!(run.stderr.contains(next), "{run:#?}");
}

#[test]
fn what_may_not_be_read_is_skipped_and_said() {
    let mut objects = objects();
    for path in [
        "/api/v1/namespaces/shop/services/checkout",
        "/api/v1/namespaces/kube-system/services/kube-dns",
        "/api/v1/namespaces/kube-system/services",
    ] {
        objects.retain(|(known, ..)| *known != path);
        objects.push((path, 403, status(403, "Forbidden", "no")));
    }
    let canned = Canned::with(Agent::Says(checkout()), objects);
    let line = format!("dns checkout {FROM_POD}");
    let run = Plugin::new(&line).kubeconfig(&canned.kubeconfig()).run().exits(0);
    assert!(
        run.stdout.starts_with("shop/pod/web (10.244.1.23, node-1) -> 10.96.0.10\n"),
        "{run:#?}"
    );
    let skip = "SKIP     ND0012  not compared with the API: you may not read shop/svc/checkout\n";
    assert!(run.stdout.contains(skip), "{run:#?}");
}

#[test]
fn what_cannot_be_asked_exits_2_before_anybody_is_asked() {
    for (line, first) in [
        ("dns web frob", "error    ND0030  \"frob\" is no class and no type of record"),
        ("dns a..b", "error    ND0030  \"a..b\" has an empty label\n"),
        ("dns a @10.0.0.1#0", "error    ND0030  @10.0.0.1#0: the port must be 1 to 65535\n"),
        (
            "dns a @10.0.0.1 -b ::1",
            "error    ND0030  -b ::1: cannot send to 10.0.0.1, another family\n",
        ),
        ("dns -x web", "error    ND0030  -x web: must be an IPv4 or IPv6 address\n"),
        ("dns a +frob", "error    ND0030  +frob: no option of dig\n"),
        (
            "dns a -s 10.0.0.1",
            "error    ND0031  -s 10.0.0.1: -s is kubectl's --server; the server is @10.0.0.1\n",
        ),
        ("dns svc/web --from local", "error    ND0030  svc/web: this machine's nameservers"),
        (
            "dns a +trace --root-hints /nonexistent --from local",
            "error    ND0030  --root-hints /nonexistent: ",
        ),
    ] {
        let run = Plugin::new(line).run().exits(2);
        assert!(run.stderr.starts_with(first), "{line}: {run:#?}");
        assert_eq!(run.stdout, "", "{line}");
    }
}
