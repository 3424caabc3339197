use super::*;
use crate::finding::Object;

fn argv(command: &str) -> Vec<String> {
    command.split(' ').map(String::from).collect()
}

fn screen(width: usize) -> Screen {
    Screen { width: Some(width), ..Screen::default() }
}

fn shown(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn not_allowed() -> Failure {
    let bind = "kubectl create rolebinding netdiag-user-scan -n shop \
                --clusterrole=netdiag-pods-scan --serviceaccount=shop:netdiag-user";
    Failure::new(Code(10), "not allowed: scan from pods in shop")
        .with(Label::Seen(
            "the agent on node-2 asked for create pods/scan (API group netdiag.dev), RBAC said no"
                .into(),
        ))
        .with(Label::Seen(
            "you are alice, there acting as system:serviceaccount:shop:netdiag-user".into(),
        ))
        .with(Label::Admin(argv(bind)))
}

#[test]
fn a_refusal_is_one_block() {
    insta::assert_snapshot!(shown(|out| failure(out, &screen(100), &not_allowed())), @r"
    error    ND0010  not allowed: scan from pods in shop
      seen   the agent on node-2 asked for create pods/scan (API group netdiag.dev), RBAC said no
      seen   you are alice, there acting as system:serviceaccount:shop:netdiag-user
      admin  kubectl create rolebinding netdiag-user-scan -n shop --clusterrole=netdiag-pods-scan \
               --serviceaccount=shop:netdiag-user
    ");
}

#[test]
fn labels_wrap_on_a_terminal_and_not_in_a_pipe() {
    let narrow = shown(|out| failure(out, &screen(60), &not_allowed()));
    insta::assert_snapshot!(narrow, @r"
    error    ND0010  not allowed: scan from pods in shop
      seen   the agent on node-2 asked for create pods/scan (API
             group netdiag.dev), RBAC said no
      seen   you are alice, there acting as
             system:serviceaccount:shop:netdiag-user
      admin  kubectl create rolebinding netdiag-user-scan \
               -n shop --clusterrole=netdiag-pods-scan \
               --serviceaccount=shop:netdiag-user
    ");
    let piped = shown(|out| failure(out, &Screen::default(), &not_allowed()));
    assert_eq!(piped.lines().count(), 4);
}

#[test]
fn an_error_for_programs_is_one_object() {
    let screen = Screen { format: Format::Json, ..Screen::default() };
    insta::assert_snapshot!(shown(|out| failure(out, &screen, &not_allowed())), @r#"
    {
      "apiVersion": "netdiag.dev/v1alpha1",
      "kind": "Error",
      "code": "ND0010",
      "message": "not allowed: scan from pods in shop",
      "seen": [
        "the agent on node-2 asked for create pods/scan (API group netdiag.dev), RBAC said no",
        "you are alice, there acting as system:serviceaccount:shop:netdiag-user"
      ],
      "next": [],
      "admin": [
        {
          "argv": [
            "kubectl",
            "create",
            "rolebinding",
            "netdiag-user-scan",
            "-n",
            "shop",
            "--clusterrole=netdiag-pods-scan",
            "--serviceaccount=shop:netdiag-user"
          ],
          "line": "kubectl create rolebinding netdiag-user-scan -n shop --clusterrole=netdiag-pods-scan --serviceaccount=shop:netdiag-user"
        }
      ]
    }
    "#);
}

fn checklist() -> Vec<Finding> {
    let tolerate =
        "add dedicated=gpu:NoSchedule to the chart's tolerations, then helm upgrade".to_owned();
    vec![
        Finding::ok(
            "API server v1.36.3, 12 ms; its clock, the nodes' and this machine's agree within 1 s",
        ),
        Finding::new(Severity::Skip, Code(12), "http, scan and listen are not yours in shop"),
        Finding::new(
            Severity::Fail,
            Code(1),
            "node-3 has no agent: nothing can be sent from its pods",
        )
        .with(Label::AdminText(tolerate)),
        Finding::new(
            Severity::Warn,
            Code(3),
            "node-2's agent 0.1.3 does not know: dns --every-server",
        ),
        Finding::new(Severity::Fail, Code(5), "node-4's agent cannot enter pods (EACCES)")
            .with(Label::Next(argv("kubectl netdiag explain ND0005"))),
    ]
}

#[test]
fn the_worst_comes_first() {
    insta::assert_snapshot!(shown(|out| verdict(out, &Screen::default(), &checklist())), @r"

    FAIL     ND0001  node-3 has no agent: nothing can be sent from its pods
      admin  add dedicated=gpu:NoSchedule to the chart's tolerations, then helm upgrade
    FAIL     ND0005  node-4's agent cannot enter pods (EACCES)
      next   kubectl netdiag explain ND0005
    WARN     ND0003  node-2's agent 0.1.3 does not know: dns --every-server
    SKIP     ND0012  http, scan and listen are not yours in shop
    OK       API server v1.36.3, 12 ms; its clock, the nodes' and this machine's agree within 1 s
    ");
    let brief = Screen { format: Format::Verdict, ..Screen::default() };
    let brief = shown(|out| verdict(out, &brief, &checklist()));
    assert_eq!(brief.lines().count(), 5);
    assert!(brief.starts_with("FAIL     ND0001"), "{brief}");
}

#[test]
fn quiet_and_machine_formats_print_no_verdict() {
    let quiet = Screen { quiet: true, ..Screen::default() };
    assert_eq!(shown(|out| verdict(out, &quiet, &checklist())), "");
    for format in [Format::Json, Format::Ndjson, Format::Yaml] {
        let screen = Screen { format, ..Screen::default() };
        assert_eq!(shown(|out| verdict(out, &screen, &checklist())), "");
    }
}

#[test]
fn five_labels_are_shown_and_what_to_do_is_among_them() {
    let mut finding = Finding::new(Severity::Fail, Code(302), "silence");
    for n in 1..=6 {
        finding = finding.with(Label::Seen(format!("observation {n}")));
    }
    let object = Object {
        kind: "Pod".into(),
        namespace: None,
        name: "foo".into(),
        resource_version: "7".into(),
    };
    finding = finding
        .with(Label::SeenOf { text: "of an object".into(), object })
        .with(Label::Next(argv("kubectl netdiag ping pod/foo")));
    let findings = [finding];
    insta::assert_snapshot!(shown(|out| verdict(out, &Screen::default(), &findings)), @r"

    FAIL     ND0302  silence
      seen   observation 1
      seen   observation 2
      seen   observation 3
      seen   observation 4
      next   kubectl netdiag ping pod/foo
    ");
    let detailed = Screen { detail: 1, ..Screen::default() };
    let detailed = shown(|out| verdict(out, &detailed, &findings));
    assert!(detailed.contains("  seen   of an object (Pod, resourceVersion 7)\n"), "{detailed}");
    assert_eq!(detailed.lines().count(), 10);
}

#[test]
fn a_note_stands_before_the_evidence() {
    let lines = [
        "An echo to a Service's address reaches no pod and tells nothing about the Service.",
        "Here kube-proxy is in iptables mode (/proxyMode on node-1): no rule takes an echo, it leaves the node by the default route.",
    ];
    insta::assert_snapshot!(shown(|out| note(out, &screen(95), Code(901), &lines)), @r"
    NOTE     ND0901  An echo to a Service's address reaches no pod and tells nothing about the
             Service.
             Here kube-proxy is in iptables mode (/proxyMode on node-1): no rule takes an echo, it
             leaves the node by the default route.
    ");
}

#[test]
fn colour_goes_by_role_and_takes_nothing_away() {
    let coloured = Screen { colour: true, ..Screen::default() };
    let painted = shown(|out| verdict(out, &coloured, &checklist()));
    assert!(
        painted.contains("\x1b[1m\x1b[31mFAIL\x1b[0m     \x1b[1m\x1b[31mND0001\x1b[0m  node-3")
    );
    assert!(painted.contains("\x1b[36mkubectl netdiag explain ND0005\x1b[0m"));
    assert!(painted.contains("  \x1b[2mnext  \x1b[0m "));
    let mut plain = String::new();
    for (n, piece) in painted.split('\x1b').enumerate() {
        plain += if n == 0 { piece } else { piece.split_once('m').unwrap().1 };
    }
    assert_eq!(plain, shown(|out| verdict(out, &Screen::default(), &checklist())));
}
