//! Label selectors, as Kubernetes has them.

use serde_json::Value;

/// Whether `selector` picks an object with these labels. An empty selector picks all.
pub(super) fn picks(selector: &Value, labels: &Value) -> bool {
    let equal = selector["matchLabels"].as_object();
    let expressions = selector["matchExpressions"].as_array();
    equal.into_iter().flatten().all(|(key, value)| labels[key] == *value)
        && expressions.into_iter().flatten().all(|expression| holds(expression, labels))
}

fn holds(expression: &Value, labels: &Value) -> bool {
    let label = &labels[expression["key"].as_str().unwrap_or_default()];
    let listed = expression["values"].as_array().is_some_and(|values| values.contains(label));
    match expression["operator"].as_str() {
        Some("In") => listed,
        Some("NotIn") => !listed,
        Some("Exists") => !label.is_null(),
        Some("DoesNotExist") => label.is_null(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::picks;

    #[test]
    fn every_operator_means_what_kubernetes_means() {
        let labels = json!({ "app": "db", "tier": "back" });
        let expression = |operator: &str, key: &str, values: &[&str]| json!({ "matchExpressions": [{ "key": key, "operator": operator, "values": values }] });
        for (selector, picked) in [
            (json!({}), true),
            (json!({ "matchLabels": { "app": "db" } }), true),
            (json!({ "matchLabels": { "app": "web" } }), false),
            (expression("In", "app", &["db", "web"]), true),
            (expression("NotIn", "app", &["db"]), false),
            (expression("NotIn", "zone", &["a"]), true),
            (expression("Exists", "tier", &[]), true),
            (expression("DoesNotExist", "tier", &[]), false),
        ] {
            assert_eq!(picks(&selector, &labels), picked, "{selector}");
        }
    }
}
