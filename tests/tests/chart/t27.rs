//! T27: what the agent's ServiceAccount may do, as the API server says.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use netdiag_tests::command;
use serde_json::{Value, json};

use crate::release::Release;

/// verb, resource with its API group, names.
const RULES: [&str; 4] = [
    "create subjectaccessreviews.authorization.k8s.io",
    "create tokenreviews.authentication.k8s.io",
    "get nodes",
    "get pods",
];

#[test]
#[ignore = "needs a cluster: asks with the agent's token"]
fn t27_the_agents_rules_are_the_golden_ones() -> Result<()> {
    let release = Release::take()?;
    let golden = BTreeSet::from(RULES.map(str::to_owned));
    for namespace in ["netdiag", "kube-system"] {
        assert_eq!(rules(&release, namespace)?, golden, "in {namespace}");
    }
    let mut in_default = golden;
    in_default.insert("get endpointslices.discovery.k8s.io/kubernetes".into());
    assert_eq!(rules(&release, "default")?, in_default);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: asks with the agent's token"]
fn t27_the_agents_token_lists_nothing() -> Result<()> {
    let release = Release::take()?;
    for resource in ["pods", "secrets", "nodes", "services", "events", "configmaps"] {
        let listed = as_account(&release, "netdiag-agent", &["get", resource, "-A"]);
        let refusal = format!("{:#}", listed.expect_err(resource));
        assert!(refusal.contains("Forbidden") && refusal.contains("cannot list"), "{refusal}");
    }
    let nodes = release.list("nodes")?;
    let node = nodes[0]["metadata"]["name"].as_str().context("no node")?;
    let seen = as_account(&release, "netdiag-agent", &["get", "node", node, "-o", "name"])?;
    assert_eq!(seen.trim(), format!("node/{node}"), "the token itself is good");
    Ok(())
}

/// The agent's rules in a namespace without those that every ServiceAccount has.
fn rules(release: &Release, namespace: &str) -> Result<BTreeSet<String>> {
    let everybody = review(release, "default", namespace)?;
    Ok(review(release, "netdiag-agent", namespace)?.difference(&everybody).cloned().collect())
}

fn review(release: &Release, account: &str, namespace: &str) -> Result<BTreeSet<String>> {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    });
    let file = tempfile::NamedTempFile::new()?;
    serde_json::to_writer(&file, &review)?;
    let path = file.path().to_str().context("a path that is no text")?;
    let api = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let answer = as_account(release, account, &["create", "--raw", api, "-f", path])?;
    let answer: Value = serde_json::from_str(&answer)?;
    let rules = answer["status"]["resourceRules"].as_array().context("no rules")?;
    Ok(rules.iter().flat_map(spell).collect())
}

/// One line for each verb, group, resource and name of a rule.
fn spell(rule: &Value) -> Vec<String> {
    let words = |key: &str| -> Vec<String> {
        let words = rule[key].as_array().into_iter().flatten();
        words.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut lines: Vec<String> = vec![];
    for verb in words("verbs") {
        for resource in words("resources") {
            for group in words("apiGroups") {
                let dot = if group.is_empty() { "" } else { "." };
                let what = format!("{verb} {resource}{dot}{group}");
                match words("resourceNames") {
                    names if names.is_empty() => lines.push(what),
                    names => lines.extend(names.iter().map(|name| format!("{what}/{name}"))),
                }
            }
        }
    }
    lines
}

/// kubectl with a real token of a ServiceAccount in the agents' namespace, and nothing else.
fn as_account(release: &Release, account: &str, args: &[&str]) -> Result<String> {
    let token = release.kubectl(&format!("create token {account} -n netdiag"))?;
    let config = release.kubectl("config view --raw --minify -o json")?;
    let mut config: Value = serde_json::from_str(&config)?;
    config["users"][0]["user"] = json!({"token": token.trim()});
    let file = tempfile::NamedTempFile::new()?;
    serde_json::to_writer(&file, &config)?;
    // The last --kubeconfig counts.
    let mut kubectl = release.cluster.kubectl_command(["--kubeconfig"]);
    kubectl.arg(file.path()).args(args);
    command::finish(kubectl)
}
