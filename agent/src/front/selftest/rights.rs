//! The agent's rights as RBAC has them, compared with what it needs (T27).

use std::collections::BTreeSet;

use k8s_openapi::api::authorization::v1::{ResourceRule, SubjectRulesReviewStatus};

/// Verb, group, resource, and the one object it is for (or `*`).
type Rule = (String, String, String, String);

const NEEDED: [(&str, &str, &str, &str); 5] = [
    ("create", "authentication.k8s.io", "tokenreviews", "*"),
    ("create", "authorization.k8s.io", "subjectaccessreviews", "*"),
    ("get", "", "pods", "*"),
    ("get", "", "nodes", "*"),
    ("get", "discovery.k8s.io", "endpointslices", "kubernetes"),
];

/// `system:basic-user`: what every authenticated user may ask about itself.
const EVERYBODYS: [(&str, &str, &str, &str); 3] = [
    ("create", "authentication.k8s.io", "selfsubjectreviews", "*"),
    ("create", "authorization.k8s.io", "selfsubjectaccessreviews", "*"),
    ("create", "authorization.k8s.io", "selfsubjectrulesreviews", "*"),
];

pub(super) fn compare(status: &SubjectRulesReviewStatus) -> Result<String, String> {
    let held: BTreeSet<Rule> = status.resource_rules.iter().flat_map(flatten).collect();
    let needed: BTreeSet<Rule> = NEEDED.map(owned).into();
    let known: BTreeSet<Rule> = needed.iter().cloned().chain(EVERYBODYS.map(owned)).collect();
    let beyond: Vec<_> = held.difference(&known).map(display).collect();
    let missing: Vec<_> = needed.difference(&held).map(display).collect();
    let writes = status.non_resource_rules.iter().any(|rule| rule.verbs.iter().any(|v| v != "get"));
    match (&*beyond, &*missing, writes) {
        ([], [], false) => Ok(format!("{} rules, each of them needed", needed.len())),
        ([], [], true) => Err("a non-resource rule allows more than get".into()),
        ([], missing, _) => Err(format!("missing: {}", missing.join("; "))),
        (beyond, ..) => Err(format!("beyond need: {}", beyond.join("; "))),
    }
}

fn flatten(rule: &ResourceRule) -> Vec<Rule> {
    let or_all = |names: &Option<Vec<String>>| match names.as_deref() {
        None | Some([]) => vec!["*".to_owned()],
        Some(names) => names.to_vec(),
    };
    let mut rules = Vec::new();
    for verb in &rule.verbs {
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                for name in or_all(&rule.resource_names) {
                    rules.push((verb.clone(), group.clone(), resource.clone(), name));
                }
            }
        }
    }
    rules
}

fn owned((verb, group, resource, name): (&str, &str, &str, &str)) -> Rule {
    (verb.into(), group.into(), resource.into(), name.into())
}

fn display((verb, group, resource, name): &Rule) -> String {
    let group = if group.is_empty() { "core" } else { group };
    let name = if name == "*" { String::new() } else { format!("/{name}") };
    format!("{verb} {resource}{name} ({group})")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn shipped() -> Vec<Value> {
        vec![
            json!({"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"]}),
            json!({"verbs": ["create"], "apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"]}),
            json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods", "nodes"]}),
            json!({"verbs": ["get"], "apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "resourceNames": ["kubernetes"]}),
            json!({"verbs": ["create"], "apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]}),
            json!({"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]}),
        ]
    }

    fn judge(rules: &[Value]) -> Result<String, String> {
        let status = json!({
            "incomplete": false,
            "resourceRules": rules,
            "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/healthz"]}],
        });
        compare(&serde_json::from_value(status).unwrap())
    }

    #[test]
    fn exactly_the_shipped_rules_pass() {
        assert_eq!(judge(&shipped()), Ok("5 rules, each of them needed".into()));
    }

    #[test]
    fn one_more_or_one_less_is_named() {
        let with = |rule: Value| judge(&[shipped(), vec![rule]].concat()).unwrap_err();
        let secrets = json!({"verbs": ["list"], "apiGroups": [""], "resources": ["secrets"]});
        assert_eq!(with(secrets), "beyond need: list secrets (core)");
        let all = json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]});
        assert_eq!(with(all), "beyond need: * * (*)");
        let slices = json!({"verbs": ["get"], "apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"]});
        assert_eq!(with(slices), "beyond need: get endpointslices (discovery.k8s.io)");
        assert_eq!(
            judge(&shipped()[1..]),
            Err("missing: create tokenreviews (authentication.k8s.io)".into())
        );
    }
}
