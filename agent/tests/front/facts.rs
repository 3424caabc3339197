//! Facts of the node: for whoever may send anything at all from there, and asked of the node seldom.

use serde_json::{Value, json};

use crate::{
    client::{self, Answer},
    fixture::{Agent, USER},
};

async fn ask(agent: &Agent, user: &str, source: &Value) -> Answer {
    let token = agent.token(&format!("{USER}-{user}"));
    let body = json!({"source": source, "probe": {}}).to_string();
    client::post(agent.address, "/v1/facts", Some(&token), &body).await
}

fn node() -> Value {
    json!({"kind": "node", "name": "node-1"})
}

#[tokio::test]
async fn any_right_of_a_probe_is_enough_and_none_is_not() {
    let agent = Agent::start().await;
    let denied = ask(&agent, "a", &node()).await;
    assert_eq!((denied.status, denied.code().as_str()), (403, "forbidden"));
    assert_eq!(denied.json()["missing"]["right"], "ping");
    // These are no probes', and alone give nothing to probe with.
    agent.allow(&["nodes/processes", "nodes/files", "destinations/loopback"]);
    assert_eq!(ask(&agent, "b", &node()).await.status, 403);

    agent.allow(&["nodes/sockets"]);
    let told = ask(&agent, "c", &node()).await;
    assert_eq!(told.status, 200, "{}", told.body);
    let told = told.json();
    let kernel = rustix::system::uname().release().to_str().unwrap().to_owned();
    assert_eq!(told["kernel"], Value::from(kernel));
    assert_eq!(told["interfaces"][0], json!({"name": "lo"}));
    agent.wait("both lines", || agent.audit().len() == 4).await;
    let audit = agent.audit();
    let start = audit.iter().find(|line| line["audit"] == "start").unwrap();
    assert_eq!((&start["probe"], &start["granted"]), (&"facts".into(), &json!(["sockets"])));
}

#[tokio::test]
async fn a_pod_is_enough_and_must_be_of_this_node() {
    let agent = Agent::start().await;
    agent.allow(&["pods/tls shop"]);
    let pod = |name: &str, node: &str, host_network: bool| {
        json!({
            "metadata": {"namespace": "shop", "name": name, "uid": "u-7"},
            "spec": {"nodeName": node, "hostNetwork": host_network, "containers": []},
            "status": {
                "phase": "Running", "podIP": "10.244.1.7", "podIPs": [{"ip": "10.244.1.7"}],
            },
        })
    };
    agent.api.tell(|script| {
        for (name, node, host_network) in
            [("foo", "node-1", false), ("far", "node-2", false), ("hosted", "node-1", true)]
        {
            script.pods.insert(format!("shop/{name}"), pod(name, node, host_network));
        }
    });
    let of =
        |namespace: &str, name: &str| json!({"kind": "pod", "namespace": namespace, "name": name});
    for (namespace, name, status, code) in [
        ("shop", "far", 409, "wrongNode"),
        ("shop", "hosted", 403, "forbidden"),
        ("shop", "none", 404, "notFound"),
        ("other", "foo", 403, "forbidden"),
    ] {
        let refused = ask(&agent, "a", &of(namespace, name)).await;
        assert_eq!((refused.status, refused.code().as_str()), (status, code), "{namespace}/{name}");
    }
    let told = ask(&agent, "a", &of("shop", "foo")).await;
    assert_eq!(told.status, 200, "{}", told.body);
    // The pod's own namespace, which nobody made here, was never entered.
    assert!(told.json()["nowAt"].is_string(), "{}", told.body);
}

#[tokio::test]
async fn many_who_ask_start_one_worker() {
    let agent = Agent::start().await;
    agent.allow(&["nodes/ping"]);
    let node = node();
    let asked = (0..6).map(|user| {
        let (agent, node) = (&agent, &node);
        async move { ask(agent, &user.to_string(), node).await.json() }
    });
    let told = futures_util::future::join_all(asked).await;
    assert!(told.iter().all(|one| one == &told[0] && one["kernel"].is_string()), "{told:#?}");
    agent.wait("all end lines", || agent.audit().len() == 12).await;
    let audit = agent.audit();
    let entered = audit.iter().filter(|line| line["netns"].as_u64().is_some_and(|inode| inode > 0));
    assert_eq!(entered.count(), 1, "{audit:#?}");
}

#[tokio::test]
async fn there_is_nothing_to_choose() {
    let agent = Agent::start().await;
    agent.allow(&["nodes/ping"]);
    let token = agent.token(USER);
    for probe in [json!({"port": 22}), json!({"path": "/"}), json!([1]), json!(null)] {
        let body = json!({"source": node(), "probe": probe}).to_string();
        let refused = client::post(agent.address, "/v1/facts", Some(&token), &body).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "badRequest"), "{probe}");
    }
    let elsewhere = ask(&agent, "a", &json!({"kind": "node", "name": "node-2"})).await;
    assert_eq!((elsewhere.status, elsewhere.code().as_str()), (409, "wrongNode"));
}
