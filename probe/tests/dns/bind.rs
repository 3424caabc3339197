//! `named` in the foreground, in a namespace of the test's own.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use netdiag_wire::dns::{RecordType, TrustAnchor};
use tempfile::TempDir;

use super::sign::file;
use super::zones::{LAME, LEAF6, RESOLVER, ROOT, SILENT, Tree, VALIDATOR};
use crate::lab::Netns;

/// Serves the whole tree on addresses of its namespace's loopback; ends with this value.
pub(crate) struct Bind {
    pub(crate) namespace: Netns,
    /// The root's key.
    pub(crate) anchor: TrustAnchor,
    pub(crate) directory: TempDir,
    named: Child,
}

impl Bind {
    pub(crate) fn start() -> Self {
        let namespace = Netns::new();
        let directory = TempDir::new().unwrap();
        (1..10).for_each(|i| namespace.ip(&format!("addr add 10.53.0.{i}/16 dev lo")));
        namespace.ip(&format!("addr add {LEAF6}/64 dev lo nodad"));
        namespace.filter(&format!("ip daddr {SILENT} drop"));
        let tree = Tree::write(directory.path());
        let write =
            |file: &str, text: String| fs::write(directory.path().join(file), text).unwrap();
        write("named.conf", config(directory.path(), &tree));
        write("anchors", anchors(&tree.anchor));
        write("hints", format!(". NS a.root.\na.root. A {ROOT}\n"));
        let named = namespace.enter(|| run(directory.path()));
        Self { namespace, anchor: anchor(&tree.anchor), directory, named }
    }
}

/// As named and delv read it.
fn anchors(line: &str) -> String {
    let TrustAnchor { data, .. } = anchor(line);
    let words: Vec<_> = data.splitn(4, ' ').collect();
    format!("trust-anchors {{ . static-ds {} \"{}\"; }};\n", words[..3].join(" "), words[3])
}

/// Of a DS record in a zone file.
fn anchor(line: &str) -> TrustAnchor {
    let data = line.trim().split_once(" DS ").unwrap().1;
    TrustAnchor { zone: ".".into(), kind: RecordType::DS, data: data.into() }
}

impl Drop for Bind {
    fn drop(&mut self) {
        self.named.kill().unwrap();
        self.named.wait().unwrap();
    }
}

/// Waits until it says that it serves; then somebody must go on reading what it says.
fn run(directory: &Path) -> Child {
    #[expect(clippy::disallowed_methods, reason = "the server that the engine is compared at")]
    let mut named = Command::new("named")
        .args(["-g", "-n", "1", "-c", "named.conf", "-u", "root"])
        .current_dir(directory)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(named.stderr.take().unwrap());
    let mut all = String::new();
    while !all.ends_with(" running\n") {
        assert_ne!(said.read_line(&mut all).unwrap(), 0, "named ended: {all}");
    }
    std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    named
}

fn config(directory: &Path, tree: &Tree) -> String {
    let mut text = format!(
        "options {{
  directory {directory:?};
  pid-file none; session-keyfile \"session.key\"; lock-file none;
  managed-keys-directory {directory:?};
  listen-on port 53 {{ 10.53.0.0/16; }};
  listen-on port 853 tls ephemeral {{ 10.53.0.0/16; }};
  listen-on port 443 tls ephemeral http default {{ 10.53.0.0/16; }};
  listen-on-v6 port 53 {{ {LEAF6}; }};
  server-id \"lab-1\"; version \"lab\";
  empty-zones-enable no; minimal-responses no; minimal-any no; notify no;
  rrset-order {{ order none; }};
  check-names primary ignore;
  allow-transfer {{ any; }};
  edns-udp-size 4096; max-udp-size 4096;
  qname-minimization off;
}};
controls {{ }};
"
    );
    for (address, zones) in tree.served.iter().filter(|(address, _)| **address != RESOLVER) {
        view(&mut text, address, "recursion no;", zones);
    }
    view(&mut text, LAME, "recursion no;", &[]);
    let resolver = "recursion yes; zone \".\" { type hint; file \"hints\"; };";
    let own = &tree.served[RESOLVER];
    view(&mut text, RESOLVER, &format!("{resolver} dnssec-validation no;"), own);
    view(
        &mut text,
        VALIDATOR,
        &format!("{resolver} dnssec-validation yes; include \"anchors\";"),
        &[],
    );
    text
}

fn view(text: &mut String, address: &str, settings: &str, zones: &[&str]) {
    let six = if address == super::zones::LEAF { format!("{LEAF6};") } else { String::new() };
    let zones: String = zones
        .iter()
        .map(|zone| format!("  zone {zone:?} {{ type primary; file {:?}; }};\n", file(zone)))
        .collect();
    writeln!(
        text,
        "view \"{address}\" {{\n  match-destinations {{ {address}; {six} }};\n  {settings}\n{zones}}};"
    )
    .unwrap();
}
