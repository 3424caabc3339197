//! Exit code 2: what keeps the command from running, one block each, on stderr.

use serde_json::json;

use crate::{
    canned::{Agent, Canned, status},
    run::Plugin,
};

#[test]
fn what_cannot_be_typed_exits_2_without_asking_anybody() {
    for (line, first) in [
        ("ping a -c 0", "error    ND0030  -c 0: the count must be 1 to 4294967295\n"),
        ("ping ing/web", "error    ND0030  ping ing/web: ing is not in this release"),
        ("ping --frobnicate a", "error    ND0030  no flag --frobnicate"),
        (
            "ping a -o xml",
            "error    ND0030  -o xml: must be one of wide, json, ndjson, yaml, verdict, dot\n",
        ),
        ("frob", "error    ND0030  no command \"frob\"\n"),
        ("ping -s 1400 pod/foo", "error    ND0031  -s 1400: -s is kubectl's --server"),
        ("ping -n 10.0.0.1", "error    ND0031  -n: -n is kubectl's --namespace"),
        ("ping -nc 3 a", "error    ND0031  -nc: -n is kubectl's --namespace"),
        ("explain ND9999", "error    ND9999 is not a code of netdiag"),
        ("render /nonexistent", "error    ND0030  render /nonexistent: "),
    ] {
        let run = Plugin::new(line).run().exits(2);
        assert!(run.stderr.starts_with(first), "{line}: {run:#?}");
        assert_eq!(run.stdout, "", "{line}");
    }
}

#[test]
fn programs_get_their_errors_as_json() {
    for line in ["ping a -c 0 -o json", "ping -ojson a -c 0", "ping a -c 0 --output=ndjson"] {
        let run = Plugin::new(line).run().exits(2);
        let error: serde_json::Value = serde_json::from_str(&run.stderr).unwrap();
        assert_eq!((&error["kind"], &error["code"]), (&json!("Error"), &json!("ND0030")), "{line}");
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn an_environment_that_cannot_be_is_refused() {
    let run = Plugin::new("ping a").with("NETDIAG_FROM", "somewhere").run().exits(2);
    let first = "error    ND0030  $NETDIAG_FROM somewhere: must be pod/somewhere, node/somewhere, deploy/somewhere or local\n";
    assert!(run.stderr.starts_with(first), "{run:#?}");
    let run = Plugin::new("ping a").with("HOME", "/nonexistent").run().exits(2);
    assert!(run.stderr.starts_with("error    ND0002  no API server is named"), "{run:#?}");
    assert!(run.stderr.contains("looked in /nonexistent/.kube/config"), "{run:#?}");
}

#[test]
fn an_api_server_that_is_gone_is_named_with_ways_around_it() {
    let run = Plugin::new("ping pod/foo --server https://127.0.0.1:1").run().exits(2);
    assert_eq!(
        run.stderr,
        "error    ND0002  API server https://127.0.0.1:1 does not answer: connection refused\n  \
         note   --from local works without it; on a node, as root: netdiag-agent local ping ...\n"
    );
}

#[test]
fn what_the_api_server_refuses_is_told_in_its_words_with_the_way_out() {
    let forbidden = |message: &str| (403, status(403, "Forbidden", message));
    let pods = "/api/v1/namespaces/shop/pods/foo";
    let agents = "/api/v1/namespaces/netdiag/pods";
    let token = "/api/v1/namespaces/netdiag/serviceaccounts/netdiag-operator/token";
    for (path, (code, body), line, said) in [
        (
            pods,
            forbidden("no pods"),
            "--from node/node-1",
            [
                "error    ND0012  not allowed to read pod foo\n",
                "  seen   Error from server (Forbidden): no pods\n",
                "  admin  kubectl create rolebinding view-alice -n shop --clusterrole=view --user=alice\n",
            ],
        ),
        (
            agents,
            forbidden("no agents"),
            "--from node/node-1",
            [
                "error    ND0012  not allowed to reach the agents in namespace netdiag\n",
                "  seen   Error from server (Forbidden): no agents\n",
                "  admin  kubectl create rolebinding netdiag-reach-alice -n netdiag --role=netdiag-reach --user=alice\n",
            ],
        ),
        (
            token,
            forbidden("no token"),
            "--from node/node-1",
            [
                "error    ND0011  not allowed: alice may not mint the token of serviceaccount netdiag-operator in netdiag\n",
                "  seen   Error from server (Forbidden): no token\n",
                "  admin  kubectl create rolebinding netdiag-mint-alice -n netdiag --clusterrole=netdiag-mint --user=alice\n",
            ],
        ),
        (
            token,
            forbidden("no token"),
            "",
            [
                "error    ND0013  from where? Probing from nodes (the default) is not allowed for you\n",
                "",
                "",
            ],
        ),
        (
            pods,
            (404, status(404, "NotFound", "gone")),
            "",
            ["error    ND0020  no pod \"foo\" in shop; there is pod/foo\n", "", ""],
        ),
        (
            pods,
            (401, status(401, "Unauthorized", "who?")),
            "",
            [
                "error    ND0002  the API server does not know you: the credentials are not accepted\n",
                "  seen   Error from server (Unauthorized): who?\n",
                "",
            ],
        ),
    ] {
        let canned = Canned::with(Agent::Says(Vec::new()), [(path, code, body)]);
        let plugin = Plugin::new(&format!("ping pod/foo {line}"));
        let run = plugin.kubeconfig(&canned.kubeconfig()).run().exits(2);
        assert_eq!(run.stderr, said.concat(), "{path} {line}");
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn a_pod_without_a_network_says_why() {
    let pending = json!({"metadata": {"namespace": "shop", "name": "foo"}, "spec": {"containers": []},
        "status": {"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}});
    let path = "/api/v1/namespaces/shop/pods/foo";
    let canned = Canned::with(Agent::Says(Vec::new()), [(path, 200, pending)]);
    let run = Plugin::new("ping pod/foo").kubeconfig(&canned.kubeconfig()).run().exits(2);
    let first = "error    ND0021  shop/pod/foo has no network yet: Unschedulable, on no node yet\n";
    assert!(run.stderr.starts_with(first), "{run:#?}");
}

/// T25: whoever bears the labels in the agents' namespace is still not believed.
#[test]
fn t25_a_pod_that_poses_as_an_agent_gets_no_token() {
    let rogue = json!({"metadata": {}, "items": [{
        "metadata": {"namespace": "netdiag", "name": "rogue", "uid": "rogue-uid"},
        "spec": {"nodeName": "node-1", "serviceAccountName": "netdiag-agent", "containers": []},
        "status": {"phase": "Running", "podIP": "10.244.1.66",
                   "conditions": [{"type": "Ready", "status": "True"}]}}]});
    let minted = "/api/v1/namespaces/netdiag/serviceaccounts/netdiag-operator/token";
    let never = (minted, 500, status(500, "InternalError", "a token was asked for"));
    let agents = ("/api/v1/namespaces/netdiag/pods", 200, rogue);
    let canned = Canned::with(Agent::Says(Vec::new()), [agents, never]);
    let plugin = Plugin::new("ping pod/foo --from node/node-1");
    let run = plugin.kubeconfig(&canned.kubeconfig()).run().exits(2);
    let first =
        "error    ND0004  netdiag/pod/rogue bears the agents' labels, but no DaemonSet owns it\n";
    assert!(run.stderr.starts_with(first), "{run:#?}");
}

#[test]
fn a_node_without_an_agent_offers_another() {
    let none = json!({"metadata": {}, "items": []});
    let canned = Canned::with(
        Agent::Says(Vec::new()),
        [
            ("/api/v1/namespaces/netdiag/pods", 200, none.clone()),
            ("/apis/apps/v1/namespaces/netdiag/daemonsets", 200, none),
        ],
    );
    let plugin = Plugin::new("ping pod/foo --from node/node-1");
    let run = plugin.kubeconfig(&canned.kubeconfig()).run().exits(2);
    assert!(run.stderr.starts_with("error    ND0001  no agent on node-1\n"), "{run:#?}");
    assert!(run.stderr.contains("no DaemonSet of netdiag in namespace netdiag"), "{run:#?}");
}
