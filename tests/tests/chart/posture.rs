//! P6: what of the deployment decides about its safety, against a golden file.

use std::fs;

use anyhow::{Context, Result};
use netdiag_tests::environment::checkout;
use serde_json::{Map, Value, json};

use crate::objects;

#[test]
fn p6_the_posture_is_the_golden_one() -> Result<()> {
    let manifests = fs::read_to_string(checkout().join("manifests/netdiag.yaml"))?;
    let posture = posture(&objects::parse(&manifests)?)?;
    let golden = &objects::parse(include_str!("posture.yaml"))?[0];
    assert!(
        posture == *golden,
        "this changes what the agent may do: argue for it in SECURITY.md, then edit posture.yaml \
         to what is rendered now:\n{posture:#}"
    );
    Ok(())
}

#[test]
fn nothing_of_the_agent_can_be_reached_by_network() -> Result<()> {
    let manifests = fs::read_to_string(checkout().join("manifests/netdiag.yaml"))?;
    let objects = objects::parse(&manifests)?;
    assert!(objects.iter().all(|o| o["kind"] != "Service" && o["kind"] != "Ingress"));
    let daemons = objects::find(&objects, "DaemonSet", "netdiag")?;
    let containers = daemons["spec"]["template"]["spec"]["containers"].as_array();
    let containers = containers.context("no containers")?;
    assert!(containers.iter().all(|c| c["ports"].is_null()));
    let policy = &objects::find(&objects, "NetworkPolicy", "netdiag")?["spec"];
    assert_eq!(policy["podSelector"], daemons["spec"]["selector"]);
    Ok(())
}

fn posture(objects: &[Value]) -> Result<Value> {
    let rules = named(objects, |o| match (&o["rules"], &o["aggregationRule"]) {
        (Value::Null, Value::Null) => None,
        (Value::Null, bundle) => Some(bundle.clone()),
        (rules, _) => Some(rules.clone()),
    });
    let bindings = named(objects, |o| {
        let role = o.get("roleRef")?;
        Some(json!({"role": [role["kind"], role["name"]], "subjects": o["subjects"]}))
    });
    let daemons = objects::find(objects, "DaemonSet", "netdiag")?;
    let policy = &objects::find(objects, "NetworkPolicy", "netdiag")?["spec"];
    Ok(json!({
        "networkPolicy": only(policy, &["policyTypes", "ingress", "egress"]),
        "pod": pod(&daemons["spec"]["template"]["spec"])?,
        "rules": rules,
        "bindings": bindings,
        "refused": refused(objects),
    }))
}

/// What the API server is told to refuse, and that it does.
fn refused(objects: &[Value]) -> Map<String, Value> {
    named(objects, |o| match o["kind"].as_str() {
        Some("ValidatingAdmissionPolicy") => {
            let spec = &o["spec"];
            let said = ["failurePolicy", "matchConstraints", "matchConditions", "validations"];
            Some(only(spec, &said).into())
        }
        Some("ValidatingAdmissionPolicyBinding") => Some(o["spec"].clone()),
        _ => None,
    })
}

/// What `of` makes of each object, by kind, namespace and name.
fn named(objects: &[Value], of: impl Fn(&Value) -> Option<Value>) -> Map<String, Value> {
    let name = |o: &Value| {
        let meta = &o["metadata"];
        let words = [&o["kind"], &meta["namespace"], &meta["name"]];
        words.iter().filter_map(|word| word.as_str()).collect::<Vec<_>>().join(" ")
    };
    objects.iter().filter_map(|o| Some((name(o), of(o)?))).collect()
}

fn pod(spec: &Value) -> Result<Value> {
    let containers = spec["containers"].as_array().context("no containers")?;
    let containers: Map<_, _> = containers.iter().map(container).collect::<Result<_>>()?;
    let keys = [
        "automountServiceAccountToken",
        "hostIPC",
        "hostNetwork",
        "hostPID",
        "initContainers",
        "securityContext",
        "serviceAccountName",
        "volumes",
    ];
    let mut pod = only(spec, &keys);
    pod.insert("containers".into(), containers.into());
    Ok(pod.into())
}

fn container(container: &Value) -> Result<(String, Value)> {
    let name = container["name"].as_str().context("a container without a name")?;
    let keys = ["command", "ports", "securityContext", "volumeMounts"];
    Ok((name.to_owned(), only(container, &keys).into()))
}

fn only(object: &Value, keys: &[&str]) -> Map<String, Value> {
    keys.iter().map(|key| ((*key).to_owned(), object[key].clone())).collect()
}
