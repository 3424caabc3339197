//! Who may what, asked of the API server by SubjectAccessReview and not read off the YAML.

use std::time::Duration;

use anyhow::{Result, ensure};
use netdiag_tests::wait;
use serde_json::{Value, json};

use crate::release::Release;

const VALUES: [&str; 2] = [
    r#"tenants=["chart-shop",{"namespace":"chart-billing","rights":["basic","fast-ping"],"users":["alice"]}]"#,
    r#"operators={"users":["olga"],"groups":["sre"]}"#,
];

const OPERATOR: &str = "system:serviceaccount:netdiag:netdiag-operator";
const SHOP: &str = "system:serviceaccount:chart-shop:netdiag-user";
const BILLING: &str = "system:serviceaccount:chart-billing:netdiag-user";

/// Who, what (verb, resource in our group), in which namespace (none: cluster-wide), allowed.
const PROBES: [(&str, &str, &str, bool); 26] = [
    (OPERATOR, "pods/ping", "chart-shop", true),
    (OPERATOR, "pods/ping", "kube-system", true),
    (OPERATOR, "pods/fast-ping", "chart-shop", true),
    (OPERATOR, "nodes/ping", "", true),
    (OPERATOR, "nodes/fast-ping", "", true),
    (OPERATOR, "pods/http-body", "chart-shop", false),
    (OPERATOR, "pods/capture-payload", "chart-shop", false),
    (OPERATOR, "nodes/http-body", "", false),
    (OPERATOR, "destinations/metadata", "", false),
    (OPERATOR, "destinations/loopback", "", false),
    (OPERATOR, "pods", "chart-shop", false),
    (SHOP, "pods/ping", "chart-shop", true),
    (SHOP, "pods/ping", "chart-billing", false),
    (SHOP, "pods/ping", "", false),
    (SHOP, "pods/fast-ping", "chart-shop", false),
    (SHOP, "nodes/ping", "", false),
    (SHOP, "nodes/ping", "chart-shop", false),
    (SHOP, "destinations/metadata", "", false),
    (BILLING, "pods/ping", "chart-billing", true),
    (BILLING, "pods/fast-ping", "chart-billing", true),
    (BILLING, "pods/fast-ping", "chart-shop", false),
    (BILLING, "nodes/ping", "", false),
    ("alice", "pods/ping", "chart-billing", false),
    ("olga", "nodes/ping", "", false),
    ("system:serviceaccount:netdiag:netdiag-agent", "pods/ping", "chart-shop", false),
    ("system:serviceaccount:netdiag:netdiag-agent", "nodes/ping", "", false),
];

/// Who, verb, core resource, name, namespace.
type Call<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

const CALLERS: [(Call<'static>, bool); 20] = [
    (("alice", "create", "serviceaccounts/token", "netdiag-user", "chart-billing"), true),
    (("alice", "create", "serviceaccounts/token", "default", "chart-billing"), false),
    (("alice", "create", "serviceaccounts/token", "netdiag-user", "chart-shop"), false),
    (("alice", "create", "serviceaccounts/token", "netdiag-operator", "netdiag"), false),
    (("alice", "create", "serviceaccounts/token", "netdiag-agent", "netdiag"), false),
    (("alice", "get", "pods", "", "netdiag"), true),
    (("alice", "list", "pods", "", "netdiag"), true),
    (("alice", "create", "pods/portforward", "", "netdiag"), true),
    (("alice", "get", "pods/portforward", "", "netdiag"), true),
    (("alice", "create", "pods/portforward", "", "kube-system"), false),
    (("alice", "create", "pods/exec", "", "netdiag"), false),
    (("alice", "get", "pods/log", "", "netdiag"), false),
    (("olga", "create", "serviceaccounts/token", "netdiag-operator", "netdiag"), true),
    (("olga", "create", "serviceaccounts/token", "netdiag-agent", "netdiag"), false),
    (("olga", "create", "serviceaccounts/token", "netdiag-user", "chart-shop"), false),
    (("olga", "list", "pods", "", "netdiag"), true),
    (("olga", "list", "secrets", "", "netdiag"), false),
    (("mallory", "create", "serviceaccounts/token", "netdiag-user", "chart-shop"), false),
    (("mallory", "list", "pods", "", "netdiag"), false),
    ((OPERATOR, "create", "serviceaccounts/token", "netdiag-user", "chart-shop"), false),
];

#[test]
#[ignore = "needs a cluster: installs the chart with tenants and asks who may what"]
fn rights_are_what_the_values_say() -> Result<()> {
    let release = Release::install(&[])?;
    let tenants = Tenants::create(&release)?;
    release.upgrade(&VALUES)?;
    // Bundles are filled by a controller, a moment later.
    wait::until("the bundles are filled", Duration::from_secs(10), || {
        ensure!(may_probe(&release, OPERATOR, "pods/fast-ping", "")?);
        ensure!(may_probe(&release, SHOP, "pods/ping", "chart-shop")?);
        Ok(())
    })?;
    for (who, resource, namespace, allowed) in PROBES {
        let answer = may_probe(&release, who, resource, namespace)?;
        assert_eq!(answer, allowed, "{who} create {resource} in {namespace:?}");
    }
    for (call, allowed) in CALLERS {
        assert_eq!(may(&release, &call)?, allowed, "{call:?}");
    }
    release.upgrade(&[])?;
    drop(tenants);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: types the commands that the plugin prints"]
fn what_an_admin_is_told_to_type_gives_the_right() -> Result<()> {
    let release = Release::install(&[])?;
    let _tenants = Tenants::create(&release)?;
    assert!(!may_probe(&release, SHOP, "pods/ping", "chart-shop")?);
    release.kubectl(
        "create rolebinding netdiag-user-ping -n chart-shop --clusterrole=netdiag-pods-ping \
         --serviceaccount=chart-shop:netdiag-user",
    )?;
    release.kubectl(
        "create rolebinding netdiag-mint -n chart-shop --clusterrole=netdiag-mint --user=bob",
    )?;
    let mint = |name| ("bob", "create", "serviceaccounts/token", name, "chart-shop");
    wait::until("the bindings count", Duration::from_secs(5), || {
        ensure!(may_probe(&release, SHOP, "pods/ping", "chart-shop")?);
        ensure!(may(&release, &mint("netdiag-user"))?);
        Ok(())
    })?;
    assert!(!may(&release, &mint("default"))?);
    Ok(())
}

/// Whether this user may create this resource of our API group.
fn may_probe(release: &Release, user: &str, resource: &str, namespace: &str) -> Result<bool> {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let attributes = json!({
        "verb": "create", "group": "netdiag.dev", "resource": resource, "subresource": subresource,
        "namespace": namespace,
    });
    allowed(release, user, &attributes)
}

/// Whether this user may do this to a resource of the core API group.
fn may(release: &Release, call: &Call<'_>) -> Result<bool> {
    let (user, verb, resource, name, namespace) = *call;
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let attributes = json!({
        "verb": verb, "group": "", "resource": resource, "subresource": subresource,
        "name": name, "namespace": namespace,
    });
    allowed(release, user, &attributes)
}

fn allowed(release: &Release, user: &str, attributes: &Value) -> Result<bool> {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": attributes},
    });
    let api = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    Ok(release.post(api, &review)?["status"]["allowed"] == true)
}

/// The two tenants' namespaces, gone at the end of the test.
struct Tenants<'a>(&'a Release);

impl<'a> Tenants<'a> {
    fn create(release: &'a Release) -> Result<Self> {
        let tenants = Self(release);
        for name in ["chart-shop", "chart-billing"] {
            release.kubectl(&format!("create namespace {name}"))?;
        }
        Ok(tenants)
    }
}

impl Drop for Tenants<'_> {
    fn drop(&mut self) {
        let words = "delete namespace chart-shop chart-billing --ignore-not-found";
        // A test that failed says why; this would only hide it.
        let _ = self.0.kubectl(words);
    }
}
