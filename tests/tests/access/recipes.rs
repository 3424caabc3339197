//! Every command and every question of `docs/rbac.md`, as it stands there but for the names. Seen to
//! fail with an answer of the page turned around.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use netdiag_tests::environment::checkout;
use netdiag_tests::{Cluster, command, turn, wait};
use serde_json::{Value, json};

use crate::grant::Grant;

#[test]
#[ignore = "needs a cluster: applies the recipes of docs/rbac.md"]
fn every_recipe_gives_what_the_page_says() -> Result<()> {
    let _turn = turn::share();
    let cluster = Cluster::with_agents()?;
    let page = fs::read_to_string(checkout().join("docs/rbac.md"))?;
    let shop = cluster.namespace();
    // Names of the agents' namespace are shared by all tests.
    let own = |line: &str| {
        let line = line.replace("alice", &format!("alice-{shop}"));
        let line = line.replace("bob", &format!("bob-{shop}"));
        let line = line.replace("-reach-checks", &format!("-reach-checks-{shop}"));
        line.replace("-n shop", &format!("-n {shop}"))
            .replace("=shop:", &format!("={shop}:"))
            .replace(":shop:", &format!(":{shop}:"))
    };
    let mut grants = Vec::new();
    for line in page.lines().filter_map(|line| line.strip_prefix("    kubectl create ")) {
        let line = own(line);
        let words: Vec<&str> = line.split(' ').collect();
        if words[0] == "serviceaccount" {
            cluster.kubectl([&["create"], &words[..]].concat())?;
        } else {
            grants.push(Grant::create(&cluster, &words)?);
        }
    }
    let rows = page.lines().filter_map(|line| line.strip_prefix("| "));
    let rows = rows.filter_map(|row| row.trim_end_matches("` |").split_once(" | `kubectl "));
    let mut asked = 0;
    for (answer, question) in rows {
        let question = own(question);
        wait::until("the answer of the page", Duration::from_secs(10), || {
            // Exit code 1 is a no.
            let mut kubectl = cluster.kubectl_command(question.split(' '));
            let said = String::from_utf8(kubectl.output()?.stdout)?;
            let said = said.lines().last().context("no answer")?.trim();
            ensure!(said.split(' ').next() == Some(answer), "{question}: {said}, not {answer}");
            Ok(())
        })?;
        asked += 1;
    }
    for row in page.lines().filter(|line| line.contains(" | `system:serviceaccount:")) {
        let row = own(&row.replace("| shop |", &format!("| {shop} |")));
        let cells: Vec<&str> = row.trim_matches(['|', ' ']).split(" | ").collect();
        let [answer, right, namespace, who] = cells[..] else { bail!("{row}") };
        wait::until("the answer of the page", Duration::from_secs(10), || {
            let said =
                if may(&cluster, right, namespace, who.trim_matches('`'))? { "yes" } else { "no" };
            ensure!(said == answer, "{row}: {said}");
            Ok(())
        })?;
        asked += 1;
    }
    println!("{} grants, {asked} questions", grants.len());
    ensure!(asked == 15 && grants.len() == 8, "{asked} questions, {} grants", grants.len());
    Ok(())
}

/// Whether the API server allows a ServiceAccount this right; `-` is every namespace.
fn may(cluster: &Cluster, right: &str, namespace: &str, who: &str) -> Result<bool> {
    let (resource, subresource) = right.split_once('/').context("a right")?;
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": who, "resourceAttributes": {
            "group": "netdiag.dev", "resource": resource, "subresource": subresource,
            "verb": "create", "namespace": namespace.trim_matches('-'),
        }},
    });
    let create = cluster.kubectl_command(["create", "-f", "-", "-o", "json"]);
    let said: Value = serde_json::from_str(&command::feed(create, review.to_string().as_bytes())?)?;
    said["status"]["allowed"].as_bool().context("no answer")
}
