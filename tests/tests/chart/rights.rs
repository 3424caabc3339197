//! Who may what, asked of the API server by SubjectAccessReview and not read off the YAML.

use std::time::Duration;

use anyhow::{Result, ensure};
use netdiag_tests::{Namespace, wait};
use serde_json::json;

use crate::release::Release;

/// SHOP and BILLING stand for the names of two namespaces.
const VALUES: [&str; 2] = [
    r#"tenants=["SHOP",{"namespace":"BILLING","rights":["basic","fast-ping"],"users":["alice"]}]"#,
    r#"operators={"users":["olga"],"groups":["sre"]}"#,
];
const NO_VALUES: [&str; 2] = ["tenants=[]", "operators={}"];

const OPERATOR: &str = "system:serviceaccount:netdiag:netdiag-operator";
const SHOP: &str = "system:serviceaccount:SHOP:netdiag-user";
const BILLING: &str = "system:serviceaccount:BILLING:netdiag-user";

/// Who, what (verb, resource in our group), in which namespace (none: cluster-wide), allowed.
const PROBES: [(&str, &str, &str, bool); 50] = [
    (OPERATOR, "pods/ping", "SHOP", true),
    (OPERATOR, "pods/ping", "kube-system", true),
    (OPERATOR, "pods/fast-ping", "SHOP", true),
    (OPERATOR, "pods/scan", "SHOP", true),
    (OPERATOR, "nodes/scan", "", true),
    (OPERATOR, "nodes/ping", "", true),
    (OPERATOR, "nodes/fast-ping", "", true),
    (OPERATOR, "pods/trace", "SHOP", true),
    (OPERATOR, "pods/dns", "SHOP", true),
    (OPERATOR, "pods/files", "SHOP", true),
    (OPERATOR, "pods/sockets", "SHOP", true),
    (OPERATOR, "pods/processes", "SHOP", true),
    (OPERATOR, "nodes/trace", "", true),
    (OPERATOR, "nodes/dns", "", true),
    (OPERATOR, "nodes/files", "", true),
    (OPERATOR, "nodes/sockets", "", true),
    (OPERATOR, "nodes/processes", "", true),
    (OPERATOR, "pods/http-body", "SHOP", false),
    (OPERATOR, "pods/capture-payload", "SHOP", false),
    (OPERATOR, "nodes/http-body", "", false),
    (OPERATOR, "destinations/metadata", "", false),
    (OPERATOR, "destinations/loopback", "", false),
    (OPERATOR, "pods", "SHOP", false),
    (SHOP, "pods/ping", "SHOP", true),
    (SHOP, "pods/trace", "SHOP", true),
    (SHOP, "pods/dns", "SHOP", true),
    (SHOP, "pods/files", "SHOP", true),
    (SHOP, "pods/sockets", "SHOP", true),
    (SHOP, "pods/processes", "SHOP", false),
    (SHOP, "pods/sockets", "BILLING", false),
    (SHOP, "pods/ping", "BILLING", false),
    (SHOP, "pods/files", "BILLING", false),
    (SHOP, "pods/ping", "", false),
    (SHOP, "pods/fast-ping", "SHOP", false),
    (SHOP, "pods/scan", "SHOP", false),
    (SHOP, "nodes/ping", "", false),
    (SHOP, "nodes/ping", "SHOP", false),
    (SHOP, "nodes/files", "", false),
    (SHOP, "nodes/sockets", "", false),
    (SHOP, "destinations/metadata", "", false),
    (BILLING, "pods/ping", "BILLING", true),
    (BILLING, "pods/fast-ping", "BILLING", true),
    (BILLING, "pods/fast-ping", "SHOP", false),
    (BILLING, "nodes/ping", "", false),
    ("alice", "pods/ping", "BILLING", false),
    ("olga", "nodes/ping", "", false),
    ("olga", "pods/files", "SHOP", false),
    ("system:serviceaccount:netdiag:netdiag-agent", "pods/ping", "SHOP", false),
    ("system:serviceaccount:netdiag:netdiag-agent", "nodes/ping", "", false),
    ("system:serviceaccount:netdiag:netdiag-agent", "pods/files", "SHOP", false),
];

/// Who, verb, resource (`daemonsets.apps`), name, namespace.
type Call<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

const CALLERS: [(Call<'static>, bool); 22] = [
    (("alice", "create", "serviceaccounts/token", "netdiag-user", "BILLING"), true),
    (("alice", "create", "serviceaccounts/token", "default", "BILLING"), false),
    (("alice", "create", "serviceaccounts/token", "netdiag-user", "SHOP"), false),
    (("alice", "create", "serviceaccounts/token", "netdiag-operator", "netdiag"), false),
    (("alice", "create", "serviceaccounts/token", "netdiag-agent", "netdiag"), false),
    (("alice", "get", "pods", "", "netdiag"), true),
    (("alice", "list", "pods", "", "netdiag"), true),
    (("alice", "create", "pods/portforward", "", "netdiag"), true),
    (("alice", "get", "pods/portforward", "", "netdiag"), true),
    (("alice", "create", "pods/portforward", "", "kube-system"), false),
    (("alice", "list", "daemonsets.apps", "", "netdiag"), true),
    (("alice", "patch", "daemonsets.apps", "netdiag", "netdiag"), false),
    (("alice", "create", "pods/exec", "", "netdiag"), false),
    (("alice", "get", "pods/log", "", "netdiag"), false),
    (("olga", "create", "serviceaccounts/token", "netdiag-operator", "netdiag"), true),
    (("olga", "create", "serviceaccounts/token", "netdiag-agent", "netdiag"), false),
    (("olga", "create", "serviceaccounts/token", "netdiag-user", "SHOP"), false),
    (("olga", "list", "pods", "", "netdiag"), true),
    (("olga", "list", "secrets", "", "netdiag"), false),
    (("mallory", "create", "serviceaccounts/token", "netdiag-user", "SHOP"), false),
    (("mallory", "list", "pods", "", "netdiag"), false),
    ((OPERATOR, "create", "serviceaccounts/token", "netdiag-user", "SHOP"), false),
];

#[test]
#[ignore = "needs a cluster: installs the chart with tenants and asks who may what"]
fn rights_are_what_the_values_say() -> Result<()> {
    let office = Office::open()?;
    office.release.upgrade(&VALUES.map(|value| office.named(value)).each_ref().map(|v| &**v))?;
    // Bundles are filled by a controller, a moment later.
    wait::until("the bundles are filled", Duration::from_secs(10), || {
        ensure!(office.may_probe(OPERATOR, "pods/fast-ping", "")?);
        ensure!(office.may_probe(SHOP, "pods/ping", "SHOP")?);
        Ok(())
    })?;
    for (who, resource, namespace, allowed) in PROBES {
        let answer = office.may_probe(who, resource, namespace)?;
        assert_eq!(answer, allowed, "{who} create {resource} in {namespace:?}");
    }
    for (call, allowed) in CALLERS {
        assert_eq!(office.may(&call)?, allowed, "{call:?}");
    }
    office.release.upgrade(&NO_VALUES)?;
    Ok(())
}

#[test]
#[ignore = "needs a cluster: types the commands that the plugin prints"]
fn what_an_admin_is_told_to_type_gives_the_right() -> Result<()> {
    let office = Office::open()?;
    assert!(!office.may_probe(SHOP, "pods/ping", "SHOP")?);
    for line in [
        "create rolebinding netdiag-user-ping -n SHOP --clusterrole=netdiag-pods-ping \
         --serviceaccount=SHOP:netdiag-user",
        "create rolebinding netdiag-mint -n SHOP --clusterrole=netdiag-mint --user=bob",
    ] {
        office.release.kubectl(&office.named(line))?;
    }
    let mint = |name| ("bob", "create", "serviceaccounts/token", name, "SHOP");
    wait::until("the bindings count", Duration::from_secs(5), || {
        ensure!(office.may_probe(SHOP, "pods/ping", "SHOP")?);
        ensure!(office.may(&mint("netdiag-user"))?);
        Ok(())
    })?;
    assert!(!office.may(&mint("default"))?);
    Ok(())
}

/// The release, and two namespaces for its tenants.
struct Office {
    shop: Namespace,
    billing: Namespace,
    release: Release,
}

impl Office {
    fn open() -> Result<Self> {
        let release = Release::take()?;
        let shop = release.cluster.another_namespace(&[])?;
        let billing = release.cluster.another_namespace(&[])?;
        Ok(Self { shop, billing, release })
    }

    fn named(&self, text: &str) -> String {
        text.replace("SHOP", self.shop.name()).replace("BILLING", self.billing.name())
    }

    /// Whether this user may create this resource of our API group.
    fn may_probe(&self, user: &str, resource: &str, namespace: &str) -> Result<bool> {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let resource = format!("{resource}.netdiag.dev/{subresource}");
        self.may(&(user, "create", &resource, "", namespace))
    }

    fn may(&self, call: &Call<'_>) -> Result<bool> {
        let (user, verb, resource, name, namespace) = *call;
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": self.named(user), "resourceAttributes": {
                "verb": verb, "group": group, "resource": resource, "subresource": subresource,
                "name": name, "namespace": self.named(namespace),
            }},
        });
        let api = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        Ok(self.release.post(api, &review)?["status"]["allowed"] == true)
    }
}
