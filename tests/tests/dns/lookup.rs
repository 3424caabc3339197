//! A lookup of the client's, and what dig says in its place.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netdiag_tests::command::run_words;
use netdiag_tests::{Netns, Pair, Run, lab::addresses, wait};
use serde_json::Value;

/// `dns WORDS --from CLIENT`.
pub(crate) fn dns(pair: &Pair, words: &str) -> Result<Run> {
    pair.from_client(&format!("dns {words}"))
}

/// The report of a lookup that ends with `code`.
pub(crate) fn report(pair: &Pair, words: &str, code: i32) -> Result<Value> {
    let document: Value = dns(pair, &format!("{words} -o json"))?.exits(code).json();
    assert_eq!(document["kind"], "DnsReport");
    Ok(document["dns"].clone())
}

/// Names in the order in which they were asked, each with the outcomes of its queries.
pub(crate) fn asked(report: &Value) -> Vec<(String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let queries = |name: &Value| {
        let queries = name["queries"].as_array().into_iter().flatten();
        queries.map(|query| text(&query["outcome"])).collect()
    };
    let names = report["names"].as_array().into_iter().flatten();
    names.map(|name| (text(&name["name"]), queries(name))).collect()
}

/// dig of this machine, in the client's network namespace.
pub(crate) fn dig(pair: &Pair, words: &str) -> Result<String> {
    Netns::of_pod(&pair.client)?.run(|| run_words(&format!("dig {words}")))
}

/// `NOERROR`, `NXDOMAIN`: dig's own word.
pub(crate) fn status(dug: &str) -> Result<String> {
    let rest = dug.split_once("status: ").with_context(|| format!("no status: {dug}"))?.1;
    Ok(rest.split(',').next().unwrap_or_default().into())
}

/// All pods of the namespace under a policy that lets no UDP out; it holds on return.
pub(crate) fn policed(pair: &Pair, spec: &str) -> Result<()> {
    pair.cluster.apply(&format!(
        "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, \
         metadata: {{name: outbound, namespace: {}}}, spec: {{podSelector: {{}}, {spec}}}}}",
        pair.cluster.namespace()
    ))?;
    let words = format!("localhost. @{} +time=0.2 +tries=1", addresses::CLUSTER_DNS);
    wait::until("the policy holds", Duration::from_secs(60), || {
        let run = dns(pair, &words)?;
        ensure!(run.stdout.contains("ND0502"), "{run:?}");
        Ok(())
    })
}
