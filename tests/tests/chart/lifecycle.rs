//! Install, test, upgrade, rollback, uninstall: and then nothing is left.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netdiag_tests::{command, environment::checkout, wait};
use serde_json::Value;

use crate::release::Release;

const ANNOTATION: &str = r#"podAnnotations.chart-test="upgraded""#;

#[test]
#[ignore = "needs a cluster: installs, upgrades and removes the chart"]
fn a_release_lives_and_leaves_nothing() -> Result<()> {
    let release = Release::take()?;
    uninstall(&release)?;
    let before = netdiags(&release)?;

    let said = release.upgrade(&[])?;
    assert!(said.contains("kubectl netdiag doctor"), "the notes say what to type next: {said}");
    every_node_has_a_ready_agent(&release)?;
    let tested = command::finish(release.helm("test netdiag --timeout 1m"))?;
    assert!(tested.contains("Phase:          Succeeded"), "{tested}");

    release.upgrade(&[ANNOTATION])?;
    every_node_has_a_ready_agent(&release)?;
    assert_eq!(annotated(&release)?, agents(&release)?.len());
    command::finish(release.helm("rollback netdiag 1 --wait --timeout 2m"))?;
    every_node_has_a_ready_agent(&release)?;
    assert_eq!(annotated(&release)?, 0);

    uninstall(&release)?;
    nothing_is_left(&release, &before)
}

#[test]
#[ignore = "needs a cluster: applies and deletes the manifests"]
fn the_manifests_alone_give_agents_and_take_them_away() -> Result<()> {
    let release = Release::take()?;
    uninstall(&release)?;
    release.kubectl("delete namespace netdiag")?;
    let before = netdiags(&release)?;

    let manifests = format!("-f {}", checkout().join("manifests").display());
    let said = release.kubectl(&format!("apply {manifests}"))?;
    assert!(!said.contains("Warning"), "{said}");
    release.kubectl("rollout status daemonset/netdiag -n netdiag --timeout=2m")?;
    every_node_has_a_ready_agent(&release)?;

    release.kubectl(&format!("delete {manifests}"))?;
    nothing_is_left(&release, &before)
}

#[test]
#[ignore = "needs a cluster: gives the agent a right too many"]
fn helm_test_names_a_right_too_many() -> Result<()> {
    let release = Release::take()?;
    release.kubectl(
        "create clusterrolebinding chart-test-view --clusterrole=view \
         --serviceaccount=netdiag:netdiag-agent",
    )?;
    let tested = command::finish(release.helm("test netdiag --timeout 1m"));
    let log = release.kubectl("logs -n netdiag netdiag-selftest");
    release.kubectl("delete clusterrolebinding chart-test-view")?;
    release.kubectl("delete pod -n netdiag netdiag-selftest")?;
    assert!(tested.is_err(), "{tested:?}");
    let log = log?;
    assert!(log.contains("beyond need: ") && log.contains("list pods (core)"), "{log}");
    Ok(())
}

fn uninstall(release: &Release) -> Result<()> {
    command::finish(release.helm("uninstall netdiag --wait --timeout 2m"))?;
    wait::until("the agents are gone", Duration::from_secs(40), || {
        let left = release.kubectl("get pods -n netdiag -o name")?;
        ensure!(left.is_empty(), "{left}");
        Ok(())
    })
}

fn nothing_is_left(release: &Release, before: &BTreeSet<String>) -> Result<()> {
    wait::until("every object is gone", Duration::from_secs(40), || {
        let left: Vec<_> = netdiags(release)?.difference(before).cloned().collect();
        ensure!(left.is_empty(), "left behind: {left:?}");
        Ok(())
    })?;
    assert_eq!(labelled(release)?, "");
    Ok(())
}

fn every_node_has_a_ready_agent(release: &Release) -> Result<()> {
    let agents = agents(release)?;
    assert_eq!(agents.len(), release.list("nodes")?.len());
    for agent in agents {
        let statuses = agent["status"]["containerStatuses"].as_array().context("no containers")?;
        assert!(statuses.iter().all(|c| c["ready"] == true), "{:#}", agent["status"]);
    }
    Ok(())
}

/// The agent pods that are not on their way out.
fn agents(release: &Release) -> Result<Vec<Value>> {
    let mut pods = release.list("pods -n netdiag -l app.kubernetes.io/component=agent")?;
    pods.retain(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    Ok(pods)
}

fn annotated(release: &Release) -> Result<usize> {
    let is_new = |p: &&Value| p["metadata"]["annotations"]["chart-test"] == "upgraded";
    Ok(agents(release)?.iter().filter(is_new).count())
}

/// Names of all objects of every kind that have to do with netdiag, but for events.
fn netdiags(release: &Release) -> Result<BTreeSet<String>> {
    let names = release.kubectl(&format!("get {} -A -o name", kinds(release)?))?;
    Ok(names.lines().filter(|name| name.contains("netdiag")).map(str::to_owned).collect())
}

fn labelled(release: &Release) -> Result<String> {
    let selector = "app.kubernetes.io/instance=netdiag";
    release.kubectl(&format!("get {} -A -o name -l {selector}", kinds(release)?))
}

fn kinds(release: &Release) -> Result<String> {
    let kinds = release.kubectl("api-resources --verbs=list -o name")?;
    let lasting = kinds.lines().filter(|kind| !kind.starts_with("events"));
    Ok(lasting.collect::<Vec<_>>().join(","))
}
