use serde_json::{Value, json};

use super::*;

type Change = fn(&mut Value);

fn agent_pod() -> Value {
    json!({
        "metadata": {
            "namespace": "netdiag", "name": "netdiag-x7k2p", "uid": "pod-uid",
            "labels": {"app.kubernetes.io/version": "0.1.0"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "netdiag",
                                 "uid": "set-uid", "controller": true}],
        },
        "spec": {"nodeName": "node-1", "serviceAccountName": "netdiag-agent", "containers": []},
        "status": {"phase": "Running", "podIP": "10.244.1.4",
                   "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

fn fleet() -> Fleet {
    let set = json!({
        "metadata": {"name": "netdiag", "uid": "set-uid"},
        "spec": {"selector": {}, "template": {"spec": {
            "serviceAccountName": "netdiag-agent", "containers": [],
            "tolerations": [{"key": "spot", "operator": "Exists"},
                            {"key": "zone", "value": "a", "effect": "NoSchedule"}],
        }}},
    });
    Fleet::Seen(Box::new(serde_json::from_value(set).unwrap()))
}

fn checked(change: impl FnOnce(&mut Value), fleet: &Fleet) -> Result<Agent, Failure> {
    let mut pod = agent_pod();
    change(&mut pod);
    check(&serde_json::from_value(pod).unwrap(), fleet)
}

#[test]
fn what_the_chart_makes_is_an_agent() {
    let agent = checked(|_| {}, &fleet()).unwrap();
    assert_eq!((agent.uid.as_str(), agent.node.as_str()), ("pod-uid", "node-1"));
    assert!(checked(|_| {}, &Fleet::Hidden).is_ok());
}

/// T24, T25: labels alone make no agent.
#[test]
fn t24_a_pod_that_poses_as_an_agent_is_refused() {
    let changes: [(&str, Change); 7] = [
        ("no owner", |pod| pod["metadata"]["ownerReferences"] = json!([])),
        ("not the controller", |pod| {
            pod["metadata"]["ownerReferences"][0]["controller"] = json!(false);
        }),
        ("a ReplicaSet", |pod| pod["metadata"]["ownerReferences"][0]["kind"] = json!("ReplicaSet")),
        ("another API", |pod| {
            pod["metadata"]["ownerReferences"][0]["apiVersion"] = json!("evil.io/v1");
        }),
        ("another DaemonSet", |pod| pod["metadata"]["ownerReferences"][0]["uid"] = json!("other")),
        ("another account", |pod| pod["spec"]["serviceAccountName"] = json!("default")),
        ("the operators' account", |pod| {
            pod["spec"]["serviceAccountName"] = json!("netdiag-operator");
        }),
    ];
    for (what, change) in changes {
        let failure = checked(change, &fleet()).expect_err(what);
        assert_eq!(failure.code, Some(code::FOREIGN_AGENT), "{what}: {failure}");
    }
    let hidden = checked(changes[0].1, &Fleet::Hidden).unwrap_err();
    assert_eq!(hidden.code, Some(code::FOREIGN_AGENT));
    let absent = checked(|_| {}, &Fleet::Absent).unwrap_err();
    assert_eq!(absent.code, Some(code::FOREIGN_AGENT));
}

#[test]
fn only_a_ready_agent_of_that_node_serves() {
    let pods = |change: Change| {
        let mut pod = agent_pod();
        change(&mut pod);
        vec![serde_json::from_value::<Pod>(pod).unwrap()]
    };
    let well = pods(|_| {});
    assert!(choose(&well, "node-1", &fleet()).unwrap().is_ok());
    assert_eq!(choose(&well, "node-2", &fleet()), None);
    let ill = pods(|pod| pod["status"]["conditions"] = json!([]));
    let failure = choose(&ill, "node-1", &fleet()).unwrap().unwrap_err();
    assert_eq!(failure.code, Some(code::NO_AGENT));
    let both: Vec<Pod> = ill.into_iter().chain(well).collect();
    assert!(choose(&both, "node-1", &fleet()).unwrap().is_ok());
}

#[test]
fn a_taint_keeps_off_what_does_not_tolerate_it() {
    let Fleet::Seen(set) = fleet() else { unreachable!() };
    for (key, value, effect, keeps_off) in [
        ("dedicated", "gpu", "NoSchedule", Some("dedicated=gpu:NoSchedule")),
        ("dedicated", "", "NoExecute", Some("dedicated:NoExecute")),
        ("zone", "b", "NoSchedule", Some("zone=b:NoSchedule")),
        ("zone", "a", "NoExecute", Some("zone=a:NoExecute")),
        ("zone", "a", "NoSchedule", None),
        ("spot", "yes", "NoSchedule", None),
        ("dedicated", "gpu", "PreferNoSchedule", None),
        ("node.kubernetes.io/not-ready", "", "NoSchedule", None),
    ] {
        let taint = Taint {
            key: key.into(),
            value: Some(value.into()).filter(|value: &String| !value.is_empty()),
            effect: effect.into(),
            time_added: None,
        };
        assert_eq!(untolerated(&[taint], &set).as_deref(), keeps_off, "{key}={value}:{effect}");
    }
}
