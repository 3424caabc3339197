use std::time::Instant;

use super::*;

/// Without any cluster.
fn offered(line: &str) -> String {
    let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
    answer(&words, &Surroundings::default())
}

fn values(line: &str) -> Vec<String> {
    let said = offered(line);
    let mut lines: Vec<&str> = said.lines().collect();
    assert!(lines.pop().is_some_and(|last| last.starts_with(':')), "{said}");
    lines.iter().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn commands_flags_and_codes_need_no_cluster() {
    let commands = values("");
    for command in ["ping", "trace", "doctor", "explain"] {
        assert!(commands.contains(&command.to_owned()), "{commands:?}");
    }
    assert_eq!(values("soc"), ["sockets"]);
    assert!(offered("pin").starts_with("ping\tSend ICMP echo requests"), "{}", offered("pin"));
    let flags = values("ping pod/web --");
    for flag in ["--from", "--count", "--icmp", "--output"] {
        assert!(flags.contains(&flag.to_owned()), "{flags:?}");
    }
    // kubectl's own are not shown among them, but can be typed.
    assert!(!flags.contains(&"--kubeconfig".to_owned()), "{flags:?}");
    assert_eq!(values("ping pod/web --kubec"), ["--kubeconfig"]);
    assert_eq!(offered("explain nd0901").lines().count(), 2);
    assert!(values("explain ").len() > 50);
    assert_eq!(values("ping pod/web -o js"), ["json"]);
}

#[test]
fn a_target_and_a_source_begin_with_a_kind() {
    for (line, want) in [
        ("ping ", "pod/\nsvc/\nnode/\ndeploy/\nsts/\nds/\nrs/\njob/\n:6\n"),
        ("ping n", "node/\n:6\n"),
        ("ping shop/s", "shop/svc/\nshop/sts/\n:6\n"),
        (
            "ping pod/web --from ",
            "pod/\nnode/\ndeploy/\nsts/\nds/\nrs/\njob/\nlocal\tthis machine\nnodes\tevery node, of ping svc\n:6\n",
        ),
        ("ping pod/web --from=l", "--from=local\tthis machine\n:4\n"),
        ("sockets ", "pod/\nnode/\ndeploy/\nsts/\nds/\nrs/\njob/\n:6\n"),
        ("cert ", "secret/\nconfigmap/\n:6\n"),
        // What no cluster answers.
        ("ping pod/", ":4\n"),
        ("ping pod w", ":4\n"),
        ("connect shop/svc/web:", ":4\n"),
        ("ping a/b/c/d", ":4\n"),
        ("ping pod/web -n ", ":4\n"),
    ] {
        assert_eq!(offered(line), want, "{line:?}");
    }
}

#[test]
fn what_is_asked_of_the_cluster_follows_from_the_word() {
    let names = |kind, namespace: Option<&str>, begin: &str| Wanted::Names {
        kind,
        namespace: namespace.map(str::to_owned),
        begin: begin.into(),
    };
    let trace = Kinds::of("trace");
    for (typed, before, want) in [
        ("po/we", None, names("pod", None, "po/")),
        ("shop/svc/", None, names("svc", Some("shop"), "shop/svc/")),
        ("we", Some("service"), names("svc", None, "")),
        ("sh", None, Wanted::Namespaces { end: "/" }),
        (
            "shop/svc/web:ht",
            Some("trace"),
            Wanted::Ports {
                kind: "svc",
                namespace: Some("shop".into()),
                name: "web".into(),
                begin: "shop/svc/web:".into(),
            },
        ),
    ] {
        assert_eq!(wanted::of(typed, before, trace).1, [want], "{typed}");
    }
    // A node is in no namespace, and a ping has no port.
    assert_eq!(wanted::of("shop/node/", None, trace).1, []);
    assert_eq!(wanted::of("svc/web:", None, Kinds::of("ping")).1, [names("svc", None, "svc/")]);
}

#[test]
fn kubectls_flags_are_found_among_unfinished_words() {
    let flags = |line: &str| {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        kube_flags(&words)
    };
    for line in ["ping -n shop", "ping pod/web -n shop --from", "ping pod/ -c -n shop -W"] {
        assert_eq!(flags(line).namespace.as_deref(), Some("shop"), "{line}");
    }
    assert_eq!(flags("ping --context prod pod/a").context.as_deref(), Some("prod"));
    assert_eq!(flags(""), KubeFlags::default());
}

#[test]
fn a_name_that_could_steer_the_terminal_is_no_candidate() {
    let found = [candidate("pod/a\nb", ""), candidate("pod/\u{1b}[2J", ""), candidate("pod/c", "")];
    assert_eq!(lines(&found), "pod/c\n:4\n");
}

#[test]
fn only_by_its_other_name_is_it_the_completion() {
    for (program, is) in [
        ("/usr/local/bin/kubectl_complete-netdiag", true),
        ("kubectl_complete-netdiag.exe", true),
        ("kubectl-netdiag", false),
        ("", false),
    ] {
        assert_eq!(is_asked(Some(program.as_ref())), is, "{program}");
    }
    assert!(!is_asked(None));
}

/// A server that takes the connection and never answers.
#[test]
fn a_cluster_that_hangs_is_given_up_in_silence() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let begin = Instant::now();
    assert_eq!(offered(&format!("ping --server {server} pod/")), ":4\n");
    assert!(begin.elapsed() >= PATIENCE, "it was asked");
}
