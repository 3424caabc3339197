//! What the front door needs beyond Rust, Go and a C compiler: Debian packages, cargo-deny.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::command::{command, feed, finish, installed, run, show};
use crate::environment::cache;
use crate::progress::say;
use crate::root;

/// A program and the Debian package that brings it.
const PROGRAMS: [(&str, &str); 52] = [
    ("apache2", "apache2-bin"),
    ("busybox", "busybox-static"),
    ("conntrack", "conntrack"),
    ("curl", "curl"),
    ("dig", "dnsutils"),
    ("dnsmasq", "dnsmasq-base"),
    ("dnssec-signzone", "bind9-utils"),
    ("dot", "graphviz"),
    ("dovecot", "dovecot-imapd dovecot-pop3d"),
    ("dropbear", "dropbear-bin"),
    ("etcd", "etcd-server"),
    ("exim4", "exim4-daemon-light"),
    ("gcc", "gcc libc6-dev"),
    ("haproxy", "haproxy"),
    ("ip", "iproute2"),
    ("iptables", "iptables"),
    ("jq", "jq"),
    ("lighttpd", "lighttpd"),
    ("mariadbd", "mariadb-server-core"),
    ("memcached", "memcached"),
    ("mosquitto", "mosquitto"),
    ("mtr", "mtr-tiny"),
    ("named", "bind9"),
    ("nats-server", "nats-server"),
    ("nc", "netcat-openbsd"),
    ("netstat", "net-tools"),
    ("nft", "nftables"),
    ("nghttpd", "nghttp2-server"),
    ("nginx", "nginx-light"),
    ("nmap", "nmap"),
    ("nsd", "nsd"),
    ("nsenter", "util-linux"),
    ("openssl", "openssl"),
    ("pg_ctlcluster", "postgresql"),
    ("ping", "iputils-ping"),
    ("prometheus-node-exporter", "prometheus-node-exporter"),
    ("prosody", "prosody"),
    ("ps", "procps"),
    ("redis-server", "redis-server"),
    ("runc", "runc"),
    ("slapd", "slapd"),
    ("snmpd", "snmpd"),
    ("socat", "socat"),
    ("squid", "squid"),
    ("sshd", "openssh-server"),
    ("stunnel", "stunnel4"),
    ("tcpdump", "tcpdump"),
    ("telnet", "telnet"),
    ("tinyproxy", "tinyproxy"),
    ("traceroute", "traceroute"),
    ("unbound", "unbound"),
    ("vsftpd", "vsftpd"),
];

const CARGO_DENY: &str = "0.20.2";
const CARGO_CYCLONEDX: &str = "0.5.7";

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
    let _asleep = NoServices::new()?;
    apt(&["update", "-q"])?;
    // Nothing of the machine's own makes room: a daemon that is in the way is the caller's to judge.
    let install = ["install", "-q", "-y", "--no-install-recommends", "--no-remove"];
    apt(&[&install, &missing[..]].concat())
}

/// Where Debian's packages ask if they may start what they bring (invoke-rc.d(8)).
const POLICY: &str = "/usr/sbin/policy-rc.d";
const REFUSAL: &[u8] = b"#!/bin/sh\n# netdiag's tests start their own daemons.\nexit 101\n";

/// No daemon is started by its installation while this value lives; a policy of the machine's own
/// stands as it is.
struct NoServices {
    is_ours: bool,
}

impl NoServices {
    fn new() -> Result<Self> {
        let found = std::fs::read(POLICY).ok();
        // One of ours that is left is of a run that was broken off.
        let is_ours = found.is_none_or(|found| found == REFUSAL);
        if is_ours {
            let mut install = root::as_root("install");
            install.args(["-m", "755", "/dev/stdin", POLICY]);
            feed(install, REFUSAL)?;
        }
        Ok(Self { is_ours })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if !self.is_ours {
            return;
        }
        let mut remove = root::as_root("rm");
        remove.args(["-f", POLICY]);
        if let Err(cause) = finish(remove) {
            say(&format!("{POLICY} stays, which keeps services from starting: {cause:#}"));
        }
    }
}

/// cargo-deny, built once into the cache.
pub fn cargo_deny() -> Result<PathBuf> {
    cargo_tool("cargo-deny", CARGO_DENY)
}

/// cargo-cyclonedx, built once into the cache.
pub fn cargo_cyclonedx() -> Result<PathBuf> {
    cargo_tool("cargo-cyclonedx", CARGO_CYCLONEDX)
}

fn cargo_tool(name: &str, version: &str) -> Result<PathBuf> {
    let root = cache().join("tools").join(format!("{name}-{version}"));
    let program = root.join("bin").join(name);
    if !program.exists() {
        say(&format!("building {name} (minutes when cold, then cached)"));
        let mut cargo = command("cargo");
        cargo.args(["install", "--locked", "--quiet", name, "--version", version]);
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
