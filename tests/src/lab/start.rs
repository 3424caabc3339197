//! From nothing to a cluster whose pods run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use super::owner::{self, Note};
use super::pki::Authority;
use super::settings::Settings;
use super::{
    addons, addresses, cgroup, cleanup, control_plane, daemon, images, network, node, state,
};
use crate::environment::{program, variable};
use crate::parts::Parts;
use crate::progress::say;

/// Starts a cluster, or finds the one that is up with these settings.
pub fn up(settings: &Settings) -> Result<()> {
    ensure!(rustix::process::geteuid().is_root(), "a cluster of namespaces needs root");
    let parts = Parts::build()?;
    let _lock = owner::lock()?;
    owner::check()?;
    if Note::read().is_some_and(|note| note.usable(settings)) {
        return Ok(());
    }
    if !cleanup::leftovers()?.is_empty() {
        say("removing what is left of an earlier cluster");
        cleanup::down()?;
    }
    Note::write(settings, false)?;
    if let Err(error) = start(settings, &parts) {
        say(&format!("the cluster did not start; its logs stay in {}", state::logs().display()));
        cgroup::kill_all()?;
        return Err(error);
    }
    Note::write(settings, true)
}

fn start(settings: &Settings, parts: &Parts) -> Result<()> {
    let names: Vec<String> = settings.numbers().map(addresses::node_name).collect();
    let group = cgroup::create(&names)?;
    network::create(settings).context("create the underlay")?;
    say("underlay is up");
    let authority = Authority::create()?;
    // The images take as long as the API server does.
    let archives = std::thread::spawn({
        let parts = parts.clone();
        move || images::write_all(&parts)
    });
    control_plane::start(settings, parts, &authority, &group)?;
    say("control plane is up");
    addons::create_nodes(settings, parts)?;
    let proxy = authority.client("kube-proxy", "system:kube-proxy", None)?;
    for number in settings.numbers() {
        node::prepare(settings, &authority, &proxy, number)?;
        node::start(settings, parts, &group, number)?;
    }
    let archives =
        archives.join().map_err(|_| anyhow::anyhow!("writing the images panicked"))??;
    import(settings, &archives)?;
    say("nodes are started, images imported");
    addons::create_coredns(parts)?;
    addons::wait_ready(settings, parts)?;
    daemon::spawn(
        "netpol-stand-in",
        &group,
        [program("cluster")?.as_os_str(), "netpol-stand-in".as_ref()],
    )?;
    hand_over()
}

/// Imports into all nodes at once.
fn import(settings: &Settings, archives: &[PathBuf]) -> Result<()> {
    std::thread::scope(|scope| {
        let import = |number| {
            move || archives.iter().try_for_each(|archive| images::import_soon(number, archive))
        };
        let threads: Vec<_> = settings.numbers().map(|n| scope.spawn(import(n))).collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().map_err(|_| anyhow::anyhow!("an import panicked"))?
        })
    })
}

/// Whoever asked for root through sudo may use the kubeconfig.
fn hand_over() -> Result<()> {
    let path = state::kubeconfig();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    if let (Some(uid), Some(gid)) = (variable("SUDO_UID"), variable("SUDO_GID")) {
        std::os::unix::fs::chown(&path, Some(uid.parse()?), Some(gid.parse()?))?;
    }
    Ok(())
}
