//! The real parts of Kubernetes, built from pinned Go modules into a cache outside the checkout.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::command::{command, run, show};
use crate::environment::{cache, checkout};
use crate::progress::say;

const KUBERNETES: &str = "v1.36.3";

/// One Go module of `tests/cluster` and the programs that its `tool` lines make.
struct Part {
    name: &'static str,
    /// How long a cold build takes on two cores, for the one who waits.
    cold: &'static str,
    programs: &'static [&'static str],
}

const PARTS: [Part; 6] = [
    Part { name: "cni", cold: "5 s", programs: &["bridge", "host-local", "loopback", "portmap"] },
    Part { name: "etcd", cold: "45 s", programs: &["server"] },
    Part {
        name: "containerd",
        cold: "70 s",
        programs: &["containerd", "containerd-shim-runc-v2", "ctr"],
    },
    Part { name: "coredns", cold: "2 min", programs: &["coredns"] },
    Part { name: "helm", cold: "2 min", programs: &["helm"] },
    Part {
        name: "kubernetes",
        cold: "7 min",
        programs: &[
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kubelet",
            "kube-proxy",
            "kubectl",
        ],
    },
];

/// Where each part's programs are.
#[derive(Clone, Debug)]
pub struct Parts {
    folders: Vec<(&'static str, PathBuf)>,
}

impl Parts {
    /// Builds what the cache lacks, saying so.
    pub fn build() -> Result<Self> {
        let version = go_version()?;
        let mut folders = Vec::new();
        for part in &PARTS {
            let folder =
                cache().join("parts").join(format!("{}-{}", part.name, key(part, &version)?));
            if !complete(part, &folder) {
                build(part, &folder, &version)?;
            }
            folders.push((part.name, folder));
        }
        Ok(Self { folders })
    }

    /// The path of a program, by name.
    pub fn program(&self, name: &str) -> PathBuf {
        let part = PARTS.iter().find(|part| part.programs.contains(&name));
        self.folder(part.map_or(name, |part| part.name)).join(name)
    }

    /// The folder of one part.
    pub fn folder(&self, part: &str) -> &Path {
        let found = self.folders.iter().find(|(name, _)| *name == part);
        found.map_or(Path::new("/nonexistent"), |(_, folder)| folder)
    }
}

fn complete(part: &Part, folder: &Path) -> bool {
    part.programs.iter().all(|program| folder.join(program).exists())
}

/// Builds beside the final folder and renames, so that an interrupted build leaves no half cache.
fn build(part: &Part, folder: &Path, version: &str) -> Result<()> {
    say(&format!("building {} (about {} when cold, then cached)", part.name, part.cold));
    let start = Instant::now();
    let parent = folder.parent().context("a cache folder has a parent")?;
    fs::create_dir_all(parent).with_context(|| format!("create {}", parent.display()))?;
    let scratch = tempfile::Builder::new().prefix(".building-").tempdir_in(parent)?;
    let mut go = command("go");
    go.current_dir(module(part))
        .args(["build", "-trimpath", "-ldflags", &ldflags(part), "-o"])
        .arg(scratch.path())
        .arg("tool")
        .env("CGO_ENABLED", "0");
    // Kubernetes 1.36 built with Go 1.27's new encoding/json serves a broken OpenAPI document.
    if !version.contains("go1.26") {
        go.env("GOEXPERIMENT", "nojsonv2");
    }
    show(go).with_context(|| format!("build {}", part.name))?;
    let built = scratch.keep();
    // Another checkout may have been faster; its result is as good.
    if fs::rename(&built, folder).is_err() && complete(part, folder) {
        fs::remove_dir_all(&built)?;
    }
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    say(&format!("built {} in {:.0?}", part.name, start.elapsed()));
    Ok(())
}

fn ldflags(part: &Part) -> String {
    if part.name != "kubernetes" {
        return "-s -w".into();
    }
    let mut minor = KUBERNETES.split('.').skip(1);
    let minor = minor.next().unwrap_or_default();
    let component = "k8s.io/component-base/version";
    format!(
        "-s -w -X {component}.gitVersion={KUBERNETES} -X {component}.gitMajor=1 \
         -X {component}.gitMinor={minor} -X k8s.io/client-go/pkg/version.gitVersion={KUBERNETES}"
    )
}

fn key(part: &Part, version: &str) -> Result<String> {
    let mut hash = Sha256::new();
    for file in ["go.mod", "go.sum"] {
        let path = module(part).join(file);
        hash.update(fs::read(&path).with_context(|| format!("read {}", path.display()))?);
    }
    hash.update(version);
    hash.update(ldflags(part));
    Ok(hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}

fn module(part: &Part) -> PathBuf {
    checkout().join("tests/cluster").join(part.name)
}

fn go_version() -> Result<String> {
    run("go", ["version"]).context("netdiag's test cluster is built with Go 1.26 or newer")
}
