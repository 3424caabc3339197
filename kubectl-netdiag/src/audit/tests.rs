use serde_json::json;

use super::*;

const JTI: &str = "JTI=27ff5f34-60dc-4408-87a4-ff47256928ee";

fn event(change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    let mut event = json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "verb": "create",
        "user": {"username": "alice", "groups": ["team-a", "system:authenticated"]},
        "sourceIPs": ["10.89.0.1"], "userAgent": "kubectl-netdiag/0.1.0",
        "objectRef": {
            "resource": "serviceaccounts", "subresource": "token",
            "namespace": "shop", "name": "netdiag-user",
        },
        "stageTimestamp": "2026-11-23T19:49:56.942115Z",
        "annotations": {"authentication.kubernetes.io/issued-credential-id": JTI},
    });
    change(&mut event);
    event.to_string().into_bytes()
}

fn line(id: &str) -> AgentLine {
    let line = json!({
        "seq": 1, "time": "2026-11-23T19:50:00Z", "probeId": id, "agent": "netdiag-4jnvx",
        "node": "node-1", "probe": "ping", "credentialId": JTI, "audit": "start",
        "claimedUserUnverified": "mallory", "targets": ["10.0.0.1"],
        "source": {"kind": "pod", "namespace": "shop", "name": "foo"},
    });
    // serde_json sorts the fields; an agent's line begins with seq.
    lines::of_agent(&format!(
        "netdiag-4jnvx front {{\"seq\":1,{}",
        &line.to_string()[1..].replace("\"seq\":1,", "")
    ))
    .unwrap()
}

#[test]
fn the_token_is_found_by_its_id_and_by_its_probe() {
    let lines = [line("p-1")];
    for id in [JTI, &JTI[4..], "p-1"] {
        assert_eq!(credential(id, &lines).unwrap(), JTI, "{id}");
    }
    let failure = credential("p-2", &lines).unwrap_err();
    assert!(failure.message.contains("no agent's log has this probe"), "{failure}");
}

#[test]
fn only_the_event_that_issued_the_token_counts() {
    let minted = lines::issued(&event(|_| {}), JTI).unwrap();
    assert_eq!((minted.user.to_string(), minted.impersonated_by.clone()), ("alice".into(), None));
    assert_eq!(
        (&*minted.namespace.to_string(), &*minted.account.to_string()),
        ("shop", "netdiag-user")
    );
    // Used for another request, of another kind, or named in a text alone.
    let used = event(|event| {
        event["annotations"] = json!({});
        event["user"]["extra"] = json!({"authentication.kubernetes.io/credential-id": [JTI]});
    });
    let of_pod = event(|event| event["objectRef"]["resource"] = "pods".into());
    let longer = event(|event| {
        event["annotations"]["authentication.kubernetes.io/issued-credential-id"] =
            format!("{JTI}0").into();
    });
    for other in [used, of_pod, longer, b"not JSON".to_vec(), JTI.into()] {
        assert_eq!(lines::issued(&other, JTI), None, "{}", String::from_utf8_lossy(&other));
    }
}

#[test]
fn whoever_was_impersonated_stands_beside_who_did_it() {
    let bytes = event(|event| event["impersonatedUser"] = json!({"username": "bob"}));
    let minted = lines::issued(&bytes, JTI).unwrap();
    let finding = finding(JTI, Some(&minted), &[]);
    assert!(finding.summary.starts_with("bob minted JTI="), "{}", finding.summary);
    assert!(finding.labels.contains(&Label::Seen("impersonated by alice".into())));
}

#[test]
fn without_its_event_nobody_is_named_as_certain() {
    let finding = finding(JTI, None, &[line("p-1")]);
    assert_eq!(finding.severity, Severity::Unknown);
    assert_eq!(finding.labels[0], Label::Seen("the plugin said mallory, unverified".into()));
}
