use std::fs;

use tempfile::TempDir;

use super::*;

const TWO: &str = "
apiVersion: v1
kind: Config
current-context: prod
clusters:
- {name: prod, cluster: {server: 'https://10.0.0.1:6443', certificate-authority: missing.crt}}
- {name: test, cluster: {server: 'https://10.0.0.2:6443', proxy-url: 'http://proxy:3128'}}
contexts:
- {name: prod, context: {cluster: prod, user: alice, namespace: shop}}
- {name: test, context: {cluster: test, user: alice}}
users:
- {name: alice, user: {token: secret, exec: {apiVersion: v1, command: nosuch}}}
";

fn files(contents: &[&str]) -> (TempDir, Surroundings) {
    let dir = TempDir::new().unwrap();
    let write = |(at, content): (usize, &&str)| {
        let path = dir.path().join(at.to_string());
        fs::write(&path, content).unwrap();
        path
    };
    let kubeconfig = contents.iter().enumerate().map(write).collect();
    (dir, Surroundings { kubeconfig, ..Surroundings::default() })
}

fn flags() -> KubeFlags {
    KubeFlags { context: Some("test".into()), ..KubeFlags::default() }
}

fn message(flags: &KubeFlags, around: &Surroundings) -> String {
    read(flags, around).err().map(|failure| failure.message).unwrap_or_default()
}

#[test]
fn a_missing_file_of_the_list_is_passed_over_and_the_first_wins() {
    let second = TWO.replace("10.0.0.2", "10.0.0.9").replace("current-context: prod", "");
    let (_dir, mut around) = files(&[TWO, &second]);
    around.kubeconfig.insert(0, "/nonexistent/config".into());
    let read = read(&flags(), &around).unwrap();
    assert_eq!(read.config.cluster_url.to_string(), "https://10.0.0.2:6443/");
    assert_eq!(read.config.default_namespace, "default");
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let flags = KubeFlags { kubeconfig: Some("/nonexistent/config".into()), ..flags() };
    let said = message(&flags, &Surroundings::default());
    assert_eq!(said, "kubeconfig /nonexistent/config: no such file or directory");
}

#[test]
fn a_broken_file_is_named_by_its_line_and_never_quoted() {
    let indented = "users:\n- name: alice\n  user:\n    token: SECRET\n   bad: [\n";
    let mistyped = "users: SECRET\n";
    for (broken, line) in [(indented, ", line 5"), (mistyped, ", line 1")] {
        let (_dir, around) = files(&[broken]);
        let said = message(&flags(), &around);
        assert!(said.ends_with(&format!(": not a kubeconfig{line}")), "{said}");
    }
}

#[test]
fn what_cannot_be_used_is_said() {
    let (_dir, around) = files(&[TWO]);
    let nope = KubeFlags { context: Some("nope".into()), ..flags() };
    assert_eq!(message(&nope, &around), "no context \"nope\" in kubeconfig; there is prod, test");
    let nobody = KubeFlags { user: Some("bob".into()), ..flags() };
    assert_eq!(message(&nobody, &around), "no user \"bob\" in kubeconfig");
    let nowhere = KubeFlags { cluster: Some("moon".into()), ..flags() };
    assert_eq!(message(&nowhere, &around), "no cluster \"moon\" in kubeconfig");
    let prod = KubeFlags::default();
    assert!(message(&prod, &around).contains("missing.crt"), "{}", message(&prod, &around));
    let (_dir, garbage) = files(&["{{{"]);
    assert!(message(&flags(), &garbage).starts_with("kubeconfig "));
    let none = message(&KubeFlags::default(), &Surroundings::default());
    assert_eq!(none, "no API server is named: there is no current context, and this is not a pod");
}

#[test]
fn flags_stand_above_the_file() {
    let (_dir, around) = files(&[TWO]);
    let flags = KubeFlags {
        namespace: Some("team-a".into()),
        server: Some("https://10.0.0.7".into()),
        tls_server_name: Some("kubernetes".into()),
        insecure_skip_tls_verify: Some(true),
        disable_compression: Some(true),
        token: Some("other".to_owned().into()),
        impersonate: Some("bob".into()),
        impersonate_group: vec!["a".into(), "b".into()],
        impersonate_uid: Some("7".into()),
        impersonate_extra: vec![("k".into(), "v".into()), ("k".into(), "w".into())],
        proxy_url: Some("socks5://proxy:1080".into()),
        ..flags()
    };
    let config = read(&flags, &around).unwrap().config;
    assert_eq!(config.cluster_url.to_string(), "https://10.0.0.7/");
    assert_eq!(config.default_namespace, "team-a");
    assert_eq!(config.tls_server_name.as_deref(), Some("kubernetes"));
    assert!(config.accept_invalid_certs && config.disable_compression);
    assert_eq!(config.proxy_url.unwrap().to_string(), "socks5://proxy:1080/");
    let user = config.auth_info;
    // A token takes the place of the credential plugin.
    assert!(user.exec.is_none());
    assert_eq!(user.impersonate.as_deref(), Some("bob"));
    assert_eq!(user.impersonate_groups.unwrap(), ["a", "b"]);
    assert_eq!(user.impersonate_uid.as_deref(), Some("7"));
    assert_eq!(user.impersonate_user_extra.unwrap()["k"], ["v", "w"]);
}

#[test]
fn a_server_needs_no_kubeconfig() {
    let flags = KubeFlags { server: Some("10.0.0.7:8080".into()), ..KubeFlags::default() };
    let config = read(&flags, &Surroundings::default()).unwrap().config;
    assert_eq!(config.cluster_url.to_string(), "http://10.0.0.7:8080/");
}

#[test]
fn the_files_proxy_stands_above_the_environments() {
    let (_dir, mut around) = files(&[TWO]);
    around.proxies.https = Some("http://env:1".into());
    let proxy = |flags: &KubeFlags| {
        read(flags, &around).unwrap().config.proxy_url.map(|proxy| proxy.to_string())
    };
    assert_eq!(proxy(&flags()).as_deref(), Some("http://proxy:3128/"));
    let server = KubeFlags { server: Some("https://10.0.0.7".into()), ..KubeFlags::default() };
    let server = KubeFlags { cluster: None, context: None, ..server };
    assert!(read(&server, &around).is_err(), "the current context's CA is missing");
}
