//! What the real Helm says of the chart without a cluster.

use anyhow::Result;
use netdiag_tests::{command, environment::checkout, parts::Parts};

use crate::objects;

fn helm(verb: &[&str], values: &[&str]) -> Result<String> {
    let mut helm = command::command(Parts::build()?.program("helm"));
    helm.args(verb).arg(checkout().join("charts/netdiag"));
    for value in values {
        helm.args(["--set-json", value]);
    }
    command::finish(helm)
}

fn template(values: &[&str]) -> Result<String> {
    helm(&["template", "netdiag", "--namespace", "netdiag"], values)
}

#[test]
#[ignore = "needs a cluster: its Helm, built once"]
fn lint_finds_nothing_to_warn_of() -> Result<()> {
    let said = helm(&["lint", "--strict"], &[r#"tenants=["shop",{"namespace":"billing"}]"#])?;
    assert!(said.contains("0 chart(s) failed"), "{said}");
    Ok(())
}

#[test]
#[ignore = "needs a cluster: its Helm, built once"]
fn the_manifests_are_the_chart_with_its_defaults() -> Result<()> {
    command::run(env!("CARGO_BIN_EXE_manifests"), ["--check"])?;
    Ok(())
}

/// A value, and the word of the refusal that names it.
const REFUSED: [(&str, &str); 39] = [
    ("typo=1", "typo"),
    ("image.repo=\"x\"", "repo"),
    ("image.repository=\"\"", "repository"),
    ("image.repository=\"x@sha256:00\"", "repository"),
    ("image.tag=\"a b\"", "tag"),
    ("image.tag=1", "tag"),
    ("image.digest=\"sha256:abc\"", "digest"),
    ("image.pullPolicy=\"Sometimes\"", "pullPolicy"),
    ("imagePullSecrets=[\"name\"]", "imagePullSecrets"),
    ("nameOverride=\"Capital\"", "nameOverride"),
    ("fullnameOverride=\"under_score\"", "fullnameOverride"),
    ("apiServer=\"https://10.0.0.1:6443\"", "apiServer"),
    ("apiServer=\"api.example:6443\"", "apiServer"),
    ("apiServer=\"10.0.0.1\"", "apiServer"),
    ("apiServer=\"::1:6443\"", "apiServer"),
    ("limits.duration=\"forever\"", "duration"),
    ("limits.duration=3600", "duration"),
    ("limits.running=0", "running"),
    ("limits.perToken=-1", "perToken"),
    ("limits.perServiceAccount=\"32\"", "perServiceAccount"),
    ("limits.rate=1.5", "rate"),
    ("limits.burst=0", "burst"),
    ("limits.pertoken=1", "pertoken"),
    ("limits.scan.ports=0", "ports"),
    ("limits.scan.rate=\"fast\"", "rate"),
    ("limits.scan.speed=1", "speed"),
    ("operators.user=[\"alice\"]", "user"),
    ("operators.users=\"alice\"", "users"),
    ("tenants=\"shop\"", "tenants"),
    ("tenants=[{\"rights\":[\"ping\"]}]", "tenants"),
    ("tenants=[{\"namespace\":\"shop\",\"rights\":[]}]", "tenants"),
    ("tenants=[{\"namespace\":\"shop\",\"rights\":[\"pings\"]}]", "no right \"pings\""),
    ("admissionPolicies.enabled=1", "enabled"),
    ("admissionPolicies.breakglassGroup=\"it's\"", "breakglassGroup"),
    ("rbac.create=\"yes\"", "create"),
    ("tolerations={}", "tolerations"),
    ("terminationGracePeriodSeconds=0", "terminationGracePeriodSeconds"),
    ("extraEnv=[{\"value\":\"x\"}]", "extraEnv"),
    ("resources.worker={}", "worker"),
];

#[test]
#[ignore = "needs a cluster: its Helm, built once"]
fn a_bad_value_is_refused_by_its_name() {
    for (value, word) in REFUSED {
        let refusal = template(&[value]).expect_err(value).to_string();
        assert!(refusal.contains(word), "{value}: {refusal}");
    }
}

/// A value, and what the rendered YAML must hold because of it.
const HONOURED: [(&str, &str); 16] = [
    ("global={\"anything\":1}", "kind: DaemonSet"),
    ("image={\"repository\":\"r.example/x\",\"tag\":\"v9\"}", "image: \"r.example/x:v9\""),
    ("imagePullSecrets=[{\"name\":\"pull\"}]", "- name: pull"),
    ("fullnameOverride=\"probe\"", "name: probe-agent"),
    ("nameOverride=\"probe\"", "name: netdiag-probe\n"),
    ("apiServer=\"[fd00::1]:6443\"", "- --api-server=[fd00::1]:6443"),
    ("limits.duration=\"5m\"", "- --max-duration=5m"),
    ("limits.perServiceAccount=3", "- --max-per-account=3"),
    ("operators.groups=[\"sre\"]", "name: netdiag-operators-mint"),
    ("tenants=[\"shop\"]", "namespace: shop"),
    ("serviceAccount={\"create\":false,\"name\":\"mine\"}", "serviceAccountName: mine"),
    ("podAnnotations.a=\"b\"", "a: b"),
    ("nodeSelector.disk=\"fast\"", "disk: fast"),
    ("extraEnv=[{\"name\":\"X\",\"value\":\"y\"}]", "- name: X"),
    ("priorityClassName=\"mine\"", "priorityClassName: mine"),
    ("updateStrategy={\"type\":\"OnDelete\",\"rollingUpdate\":null}", "type: OnDelete"),
];

#[test]
#[ignore = "needs a cluster: its Helm, built once"]
fn a_good_value_shows_in_what_is_rendered() -> Result<()> {
    for (value, line) in HONOURED {
        let yaml = template(&[value])?;
        objects::parse(&yaml)?;
        assert!(yaml.contains(line), "{value}: no {line:?} in\n{yaml}");
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: its Helm, built once"]
fn a_digest_wins_over_the_tag() -> Result<()> {
    let digest = format!("sha256:{}", "0f".repeat(32));
    let value = format!(r#"image={{"tag":"v1","digest":"{digest}"}}"#);
    let objects = objects::parse(&template(&[&value])?)?;
    let daemons = objects::find(&objects, "DaemonSet", "netdiag")?;
    let image = &daemons["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, &format!("netdiag-agent@{digest}"));
    Ok(())
}

#[test]
#[ignore = "needs a cluster: its Helm, built once"]
fn without_rbac_no_role_is_rendered() -> Result<()> {
    let values = ["rbac.create=false", r#"tenants=["shop"]"#, r#"operators.users=["alice"]"#];
    let objects = objects::parse(&template(&values)?)?;
    assert!(objects.iter().all(|o| !o["kind"].as_str().unwrap_or("").contains("Role")));
    objects::find(&objects, "ServiceAccount", "netdiag-user")?;
    Ok(())
}
