//! Image archives without an engine: what `ctr images import` and `docker load` both read.
//!
//! One OCI layout with one layer, and beside it the `manifest.json` of Docker's older format.
//! The same input gives the same bytes: no clock, no owner, no order but the given one.

use std::fs::Permissions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// An image of one layer.
pub struct Image {
    /// Name and tag, as a pod names it: `netdiag-agent:0.1.0`.
    pub name: String,
    pub entrypoint: Vec<String>,
    /// Numeric, so that `runAsNonRoot` can be checked without a passwd file.
    pub user: &'static str,
    pub labels: Vec<(&'static str, String)>,
    pub entries: Vec<Entry>,
    pub compressed: bool,
}

/// One path in an image.
pub struct Entry {
    /// Relative to the root, without a leading slash.
    pub path: String,
    pub content: Content,
}

pub enum Content {
    Program(Vec<u8>),
    File(Vec<u8>),
    Folder { mode: u32 },
    Link(String),
}

impl Entry {
    pub fn program(path: &str, bytes: Vec<u8>) -> Self {
        Self { path: path.into(), content: Content::Program(bytes) }
    }

    pub fn file(path: &str, text: &str) -> Self {
        Self { path: path.into(), content: Content::File(text.into()) }
    }

    pub fn folder(path: &str, mode: u32) -> Self {
        Self { path: path.into(), content: Content::Folder { mode } }
    }

    pub fn link(path: &str, to: &str) -> Self {
        Self { path: path.into(), content: Content::Link(to.into()) }
    }
}

impl Image {
    /// Writes the archive.
    pub fn write(&self, path: &Path) -> Result<()> {
        let tar = self.layer()?;
        let diff_id = digest(&tar);
        let layer = if self.compressed { gzip(&tar)? } else { tar };
        let config = serde_json::to_vec(&self.config(&diff_id))?;
        let manifest = serde_json::to_vec(&self.manifest(&config, &layer))?;

        let folder = path.parent().context("the archive has a folder")?;
        // Renamed when complete: whoever imports it meanwhile reads the old one.
        let file = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(folder)
            .with_context(|| format!("create a file in {}", folder.display()))?;
        let mut archive = tar::Builder::new(BufWriter::new(file));
        append(&mut archive, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        append(&mut archive, "index.json", &serde_json::to_vec(&self.index(&manifest))?)?;
        append(&mut archive, "manifest.json", &serde_json::to_vec(&self.legacy(&config, &layer))?)?;
        for blob in [&config, &manifest, &layer] {
            append(&mut archive, &blob_path(blob), blob)?;
        }
        let file = archive.into_inner()?.into_inner()?;
        file.persist(path).with_context(|| format!("write {}", path.display()))?;
        Ok(())
    }

    fn layer(&self) -> Result<Vec<u8>> {
        let mut layer = tar::Builder::new(Vec::new());
        for entry in &self.entries {
            let mut header = tar::Header::new_ustar();
            let (kind, mode, bytes): (_, _, &[u8]) = match &entry.content {
                Content::Program(bytes) => (tar::EntryType::Regular, 0o755, bytes),
                Content::File(bytes) => (tar::EntryType::Regular, 0o644, bytes),
                Content::Folder { mode } => (tar::EntryType::Directory, *mode, &[]),
                Content::Link(to) => {
                    header.set_link_name(to)?;
                    (tar::EntryType::Symlink, 0o777, &[])
                }
            };
            header.set_entry_type(kind);
            header.set_mode(mode);
            header.set_size(bytes.len() as u64);
            header.set_mtime(0);
            layer.append_data(&mut header, &entry.path, bytes)?;
        }
        Ok(layer.into_inner()?)
    }

    fn config(&self, diff_id: &str) -> Value {
        let labels: serde_json::Map<String, Value> =
            self.labels.iter().map(|(key, value)| ((*key).into(), value.as_str().into())).collect();
        json!({
            "architecture": architecture(),
            "os": "linux",
            "config": {
                "Entrypoint": self.entrypoint,
                "Env": ["PATH=/bin:/"],
                "Labels": labels,
                "User": self.user,
            },
            "created": "1970-01-01T00:00:00Z",
            "rootfs": { "type": "layers", "diff_ids": [diff_id] },
            "history": [{ "created": "1970-01-01T00:00:00Z", "created_by": "netdiag" }],
        })
    }

    fn manifest(&self, config: &[u8], layer: &[u8]) -> Value {
        let suffix = if self.compressed { "+gzip" } else { "" };
        json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("application/vnd.oci.image.config.v1+json", config),
            "layers": [
                descriptor(&format!("application/vnd.oci.image.layer.v1.tar{suffix}"), layer)
            ],
        })
    }

    fn index(&self, manifest: &[u8]) -> Value {
        let mut entry = descriptor("application/vnd.oci.image.manifest.v1+json", manifest);
        let tag = self.name.rsplit_once(':').map_or("latest", |(_, tag)| tag);
        entry["annotations"] = json!({
            "io.containerd.image.name": self.full_name(),
            "org.opencontainers.image.ref.name": tag,
        });
        json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [entry],
        })
    }

    /// Docker's own list of what is in the archive.
    fn legacy(&self, config: &[u8], layer: &[u8]) -> Value {
        json!([{
            "Config": blob_path(config),
            "RepoTags": [self.name],
            "Layers": [blob_path(layer)],
        }])
    }

    /// The name as containerd keeps it: a short one means Docker's registry.
    fn full_name(&self) -> String {
        match self.name.split_once('/') {
            None => format!("docker.io/library/{}", self.name),
            Some(_) => self.name.clone(),
        }
    }
}

/// This machine's architecture, by Go's name for it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        "x86_64" => "amd64",
        other => other,
    }
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn descriptor(media_type: &str, blob: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": digest(blob), "size": blob.len() })
}

fn append(archive: &mut tar::Builder<impl Write>, path: &str, bytes: &[u8]) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o644);
    header.set_size(bytes.len() as u64);
    header.set_mtime(0);
    archive.append_data(&mut header, path, bytes)?;
    Ok(())
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(bytes))
}

fn blob_path(bytes: &[u8]) -> String {
    format!("blobs/sha256/{}", hex(bytes))
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn image() -> Image {
        Image {
            name: "netdiag-agent:1.2.3".into(),
            entrypoint: vec!["/netdiag-agent".into()],
            user: "65532:65532",
            labels: vec![("org.opencontainers.image.title", "netdiag-agent".into())],
            entries: vec![Entry::program("netdiag-agent", b"a program".to_vec())],
            compressed: true,
        }
    }

    fn written() -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image.tar");
        image().write(&path).unwrap();
        std::fs::read(path).unwrap()
    }

    fn member(archive: &[u8], path: &str) -> Vec<u8> {
        let mut archive = tar::Archive::new(archive);
        let mut entries = archive.entries().unwrap().map(Result::unwrap);
        let mut entry = entries.find(|e| e.path().unwrap() == Path::new(path)).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_same_input_gives_the_same_bytes() {
        assert_eq!(digest(&written()), digest(&written()));
    }

    #[test]
    fn every_descriptor_names_a_blob_by_its_digest() {
        let archive = written();
        let index: Value = serde_json::from_slice(&member(&archive, "index.json")).unwrap();
        let follow = |entry: &Value| {
            let name = entry["digest"].as_str().unwrap().replace("sha256:", "blobs/sha256/");
            let blob = member(&archive, &name);
            assert_eq!(digest(&blob), entry["digest"]);
            assert_eq!(blob.len(), entry["size"]);
            blob
        };
        let manifest: Value = serde_json::from_slice(&follow(&index["manifests"][0])).unwrap();
        follow(&manifest["config"]);
        follow(&manifest["layers"][0]);
    }

    #[test]
    fn docker_and_containerd_read_the_same_name() {
        let archive = written();
        let index: Value = serde_json::from_slice(&member(&archive, "index.json")).unwrap();
        let legacy: Value = serde_json::from_slice(&member(&archive, "manifest.json")).unwrap();
        let annotations = &index["manifests"][0]["annotations"];
        assert_eq!(
            annotations["io.containerd.image.name"],
            "docker.io/library/netdiag-agent:1.2.3"
        );
        assert_eq!(legacy[0]["RepoTags"][0], "netdiag-agent:1.2.3");
    }
}
