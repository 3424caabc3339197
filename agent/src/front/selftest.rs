//! What `helm test` runs as the agent's ServiceAccount: is the API server reached, are the reviews
//! allowed, and does RBAC give nothing beyond need.

use std::{io::Write, sync::Arc};

use anyhow::Context;
use k8s_openapi::api::{
    authorization::v1::{SelfSubjectRulesReview, SelfSubjectRulesReviewSpec},
    core::v1::Node,
};
use kube::{Api, api::PostParams};

use super::{
    apiserver::{self, ApiServer, AskError, Credentials, Dial, Link, Route, ask},
    authorize::Right,
    config::ApiArgs,
    identity::Identity,
};

mod rights;

/// Arguments of `netdiag-agent selftest`.
#[derive(clap::Args)]
pub struct SelftestArgs {
    #[command(flatten)]
    api: ApiArgs,
}

/// Prints one line a check; fails when one of them does.
pub fn selftest(args: &SelftestArgs) -> anyhow::Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let credentials = Credentials::read(&args.api.token_dir)?;
    let route = Route::new(Dial::Direct, args.api.addresses());
    let link = Link::new(Arc::new(route), Arc::new(credentials));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // kube's client spawns a task as soon as it is made.
    let checks = runtime.block_on(async { check(&ApiServer::new(link)).await });
    let mut out = std::io::stdout().lock();
    for (what, found) in &checks {
        match found {
            Ok(said) => writeln!(out, "OK    {what}: {said}"),
            Err(said) => writeln!(out, "FAIL  {what}: {said}"),
        }
        .context("print a line")?;
    }
    anyhow::ensure!(checks.iter().all(|(_, found)| found.is_ok()), "the self-test found problems");
    Ok(())
}

type Check = (&'static str, Result<String, String>);

async fn check(api: &ApiServer) -> Vec<Check> {
    let said = |error: AskError| apiserver::chain(&error);
    let version = ask("ask its version", async { api.client().apiserver_version().await }).await;
    let token = api.review_token("a.b.c", "netdiag.dev/agent/selftest").await;
    let nobody = Identity { username: "netdiag:selftest".into(), ..Identity::default() };
    let right = Right::Pod { right: "ping", namespace: "default", name: "selftest" };
    let access = api.review_access(right.review(&nobody)).await;
    let nodes: Api<Node> = Api::all(api.client());
    let node = ask("get a node", nodes.get_opt("netdiag-selftest")).await;
    vec![
        ("API server", version.map(|version| version.git_version).map_err(said)),
        (
            "TokenReview",
            token.map_err(said).and_then(|status| refused_garbage(status.authenticated)),
        ),
        ("SubjectAccessReview", access.map_err(said).and_then(refused_nobody)),
        (
            "get pods",
            api.pod("default", "netdiag-selftest").await.map(|_| "allowed".into()).map_err(said),
        ),
        ("get nodes", node.map(|_| "allowed".into()).map_err(said)),
        (
            "endpoints of the API server",
            api.endpoints().await.map(|all| format!("{all:?}")).map_err(said),
        ),
        ("no right beyond need", rights_beyond_need(api).await),
    ]
}

fn refused_garbage(authenticated: Option<bool>) -> Result<String, String> {
    match authenticated {
        Some(true) => Err("the API server authenticates garbage".into()),
        Some(false) | None => Ok("allowed; it refuses garbage".into()),
    }
}

fn refused_nobody(allowed: bool) -> Result<String, String> {
    match allowed {
        true => Err("RBAC lets a user that does not exist probe; every caller may".into()),
        false => Ok("allowed; it refuses who has no right".into()),
    }
}

/// In `default`, where the only namespaced rule is.
async fn rights_beyond_need(api: &ApiServer) -> Result<String, String> {
    let spec = SelfSubjectRulesReviewSpec { namespace: Some("default".into()) };
    let review = SelfSubjectRulesReview { spec, ..SelfSubjectRulesReview::default() };
    let reviews: Api<SelfSubjectRulesReview> = Api::all(api.client());
    let asked = ask("list own rights", reviews.create(&PostParams::default(), &review)).await;
    let status = asked.map_err(|error| apiserver::chain(&error))?.status.unwrap_or_default();
    rights::compare(&status)
}
