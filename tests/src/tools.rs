//! What the front door needs beyond Rust, Go and a C compiler: Debian packages, cargo-deny.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::command::{command, installed, run, show};
use crate::environment::cache;
use crate::progress::say;
use crate::root;

/// A program and the Debian package that brings it.
const PROGRAMS: [(&str, &str); 21] = [
    ("busybox", "busybox-static"),
    ("conntrack", "conntrack"),
    ("dig", "dnsutils"),
    ("dnssec-signzone", "bind9-utils"),
    ("dot", "graphviz"),
    ("gcc", "gcc libc6-dev"),
    ("ip", "iproute2"),
    ("iptables", "iptables"),
    ("jq", "jq"),
    ("mtr", "mtr-tiny"),
    ("named", "bind9"),
    ("nc", "netcat-openbsd"),
    ("netstat", "net-tools"),
    ("nft", "nftables"),
    ("nsenter", "util-linux"),
    ("ping", "iputils-ping"),
    ("ps", "procps"),
    ("runc", "runc"),
    ("socat", "socat"),
    ("tcpdump", "tcpdump"),
    ("traceroute", "traceroute"),
];

const CARGO_DENY: &str = "0.20.2";

/// Installs the Debian packages that are missing, saying which.
pub fn install() -> Result<()> {
    check_go()?;
    let missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, _)| !installed(program))
        .flat_map(|(_, packages)| packages.split(' '))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !installed("apt-get") {
        bail!("this machine has no apt-get: install what these packages bring: {missing:?}");
    }
    say(&format!("installing Debian packages: {}", missing.join(" ")));
    root::ask()?;
    apt(&["update", "-q"])?;
    apt(&[&["install", "-q", "-y", "--no-install-recommends"], &missing[..]].concat())
}

/// cargo-deny, built once into the cache.
pub fn cargo_deny() -> Result<PathBuf> {
    let root = cache().join("tools").join(format!("cargo-deny-{CARGO_DENY}"));
    let program = root.join("bin/cargo-deny");
    if !program.exists() {
        say("building cargo-deny (about 4 min when cold, then cached)");
        let mut cargo = command("cargo");
        cargo.args(["install", "--locked", "--quiet", "cargo-deny", "--version", CARGO_DENY]);
        cargo.arg("--root").arg(&root);
        show(cargo)?;
    }
    Ok(program)
}

fn apt(args: &[&str]) -> Result<()> {
    let mut apt = root::as_root("env");
    apt.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(args);
    show(apt)
}

fn check_go() -> Result<()> {
    let said = run("go", ["env", "GOVERSION"]).context("the test cluster needs Go: go.dev/dl")?;
    let version = said.trim().trim_start_matches("go");
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let version_is = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version_is < (1, 26) {
        bail!("the test cluster needs Go 1.26 or newer, this is {version}");
    }
    Ok(())
}
