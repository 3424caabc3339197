//! The images that the cluster and its tests run, made from programs that are on the machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{node, state};
use crate::archive::{Entry, Image};
use crate::command::{finish, run};
use crate::environment::checkout;
use crate::parts::Parts;
use crate::wait;

pub const PAUSE: &str = "localhost/pause:1";
pub const BUSYBOX: &str = "localhost/busybox:1";
pub const DISTROLESS: &str = "localhost/distroless:1";
pub const COREDNS: &str = "localhost/coredns:1";

/// Writes the archives of all images and returns their paths, the sandbox's first.
pub fn write_all(parts: &Parts) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(state::images())?;
    let pause = compile_pause()?;
    let coredns = read(&parts.program("coredns"))?;
    [
        single(PAUSE, "pause", pause.clone()),
        busybox()?,
        single(DISTROLESS, "server", pause),
        single(COREDNS, "coredns", coredns),
    ]
    .iter()
    .map(|image| {
        let file = image.name.trim_start_matches("localhost/").replace(':', "-");
        let path = state::images().join(format!("{file}.tar"));
        image.write(&path).map(|()| path)
    })
    .collect()
}

/// As [`import`], for a node that was started a moment ago.
pub fn import_soon(number: u8, archive: &Path) -> Result<()> {
    wait::until("containerd takes images", Duration::from_secs(30), || import(number, archive))
}

/// Imports an archive into one node's containerd.
pub fn import(number: u8, archive: &Path) -> Result<()> {
    let file = fs::File::open(archive).with_context(|| format!("open {}", archive.display()))?;
    // By standard input: the node has a /var of its own and does not see every path.
    let ctr = ["ctr", "--namespace", "k8s.io", "images", "import", "--local", "-"];
    let mut command = node::enter(number, ctr)?;
    let output = command.stdin(Stdio::from(file)).output()?;
    anyhow::ensure!(
        output.status.success(),
        "import {} into node {number}: {}",
        archive.display(),
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    Ok(())
}

/// An image that holds one program and nothing else.
fn single(name: &str, program: &str, bytes: Vec<u8>) -> Image {
    Image {
        name: name.into(),
        entrypoint: vec![format!("/{program}")],
        user: "",
        labels: Vec::new(),
        entries: vec![Entry::program(program, bytes)],
        compressed: false,
    }
}

fn busybox() -> Result<Image> {
    let program = "/bin/busybox";
    let mut entries = vec![
        Entry::folder("bin", 0o755),
        Entry::folder("etc", 0o755),
        Entry::folder("tmp", 0o1777),
        Entry::file("etc/passwd", "root:x:0:0:root:/:/bin/sh\n"),
        Entry::file("etc/group", "root:x:0:\n"),
        Entry::program("bin/busybox", read(Path::new(program))?),
    ];
    let applets = run(program, ["--list"])?;
    for applet in applets.lines().filter(|&applet| applet != "busybox") {
        entries.push(Entry::link(&format!("bin/{applet}"), "busybox"));
    }
    Ok(Image {
        name: BUSYBOX.into(),
        entrypoint: vec!["/bin/sh".into()],
        user: "",
        labels: Vec::new(),
        entries,
        compressed: false,
    })
}

fn compile_pause() -> Result<Vec<u8>> {
    let source = checkout().join("tests/cluster/pause.c");
    let target = state::images().join("pause");
    let mut gcc = crate::command::command("gcc");
    gcc.args(["-O2", "-static", "-s", "-o"]).arg(&target).arg(&source);
    finish(gcc)?;
    read(&target)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("read {}", path.display()))
}
