//! T24: an agent that means ill gets an error out of the plugin and nothing else.

use crate::{
    canned::{Agent, Canned, STREAM, refusal},
    run::Plugin,
    stream::{ACCEPTED, line, stream},
};

/// With the 16 MiB of its own program, 64 MiB.
const DATA_KIB: u32 = 48 * 1024;

fn raw(text: &str) -> Vec<u8> {
    format!("{STREAM}{text}").into_bytes()
}

/// Name, answer, and the codes of which one must be on stderr.
fn transcripts() -> Vec<(&'static str, Vec<u8>, &'static [&'static str])> {
    let long = "x".repeat(80 * 1024);
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let protocol: &[&str] = &["ND0007"];
    let gone: &[&str] = &["ND0006"];
    let either: &[&str] = &["ND0006", "ND0007"];
    let started = |host: &str| {
        format!(
            r#""event":"started","host":{host},"address":"10.0.0.7","source":"10.0.0.1","socket":"raw""#
        )
    };
    vec![
        ("no HTTP", b"SSH-2.0-OpenSSH_9\r\n\r\n".to_vec(), gone),
        ("nothing", Vec::new(), gone),
        ("half a head", b"HTTP/1.1 200 OK\r\ncontent-".to_vec(), gone),
        (
            "a head without end",
            [b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'a'; 1 << 20]].concat(),
            gone,
        ),
        (
            "another type",
            b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<html>".to_vec(),
            protocol,
        ),
        ("no type", b"HTTP/1.1 200 OK\r\n\r\n{}".to_vec(), protocol),
        ("a redirect", refusal(302, "location: http://evil/\r\n", "{}"), protocol),
        ("an error that is none", refusal(403, "", "no"), protocol),
        ("an error with a huge body", refusal(500, "", &long), either),
        (
            "a length that lies",
            b"HTTP/1.1 403 X\r\ncontent-length: 99999999\r\n\r\n{}".to_vec(),
            gone,
        ),
        (
            "two lengths",
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n".to_vec(),
            gone,
        ),
        ("an empty stream", raw(""), gone),
        ("no JSON", raw("hello\n"), protocol),
        ("a line that is too long", raw(&format!("{{\"a\":\"{long}\"}}\n")), protocol),
        ("a line without end", raw(&long), protocol),
        ("NaN", raw(&line(r#""event":"sent","seq":NaN"#)), protocol),
        ("a negative number", raw(&line(r#""event":"sent","seq":-1"#)), protocol),
        (
            "a number too large",
            raw(&line(r#""event":"sent","seq":99999999999999999999"#)),
            protocol,
        ),
        ("a key twice", raw(&line(r#""event":"sent","seq":1,"seq":2"#)), either),
        ("nested too deep", raw(&format!("{deep}\n")), protocol),
        ("bytes that are no text", [raw("{\"at\":\""), vec![0xff, 0xfe, b'\n']].concat(), protocol),
        ("no instant", raw("{\"event\":\"heartbeat\"}\n"), protocol),
        (
            "an instant that is none",
            raw("{\"at\":\"yesterday\",\"event\":\"heartbeat\"}\n"),
            protocol,
        ),
        ("another node", stream(&[&ACCEPTED.replace("node-1", "node-2")]), protocol),
        (
            "a node with a terminal's escape",
            stream(&[&ACCEPTED.replace("node-1", r"\u001b[2J")]),
            protocol,
        ),
        ("a host with a path", stream(&[ACCEPTED, &started(r#""../../etc/passwd""#)]), gone),
        (
            "a host with an escape",
            stream(&[ACCEPTED, &started(r#""\u001b]52;c;cm0=\u0007""#)]),
            gone,
        ),
        (
            "a target that was not asked",
            stream(&[ACCEPTED, r#""event":"sent","target":9,"seq":1"#]),
            gone,
        ),
        (
            "an error full of escapes",
            stream(&[
                ACCEPTED,
                r#""event":"error","error":{"code":"internal","message":"\u001b[31m\u202eOK\nOK"}"#,
            ]),
            either,
        ),
        (
            "a right that is a command",
            refusal(
                403,
                "",
                r#"{"code":"forbidden","message":"x","missing":{"resource":"pods;id","right":"$(id)","user":"\u001b"}}"#,
            ),
            &["ND0010"],
        ),
        ("base64 that is none", stream(&[ACCEPTED, &started(r#"{"base64":"%%%"}"#)]), protocol),
        ("nothing but blank lines", raw(&"\n".repeat(100_000)), gone),
    ]
}

#[test]
fn t24_hostile_transcripts_end_in_an_error() {
    let transcripts = transcripts();
    assert!(transcripts.len() >= 30);
    for (name, answer, codes) in transcripts {
        let canned = Canned::new(Agent::Says(answer));
        let plugin = Plugin::within(DATA_KIB, "ping shop/pod/foo --from node/node-1 -c 3");
        let run = plugin.kubeconfig(&canned.kubeconfig()).run();
        assert_eq!(run.code, Some(2), "{name}: {run:#?}");
        let code = codes.iter().any(|code| run.stderr.starts_with(&format!("error    {code}")));
        assert!(code, "{name}: {run:#?}");
        let shown = format!("{}{}", run.stdout, run.stderr);
        let steers = |c: char| c != '\n' && netdiag_wire::untrusted::is_hostile(c);
        assert!(!shown.contains(steers), "{name}: {run:#?}");
        assert!(run.stderr.lines().skip(1).all(|line| line.starts_with("  ")), "{name}: {run:#?}");
    }
}

#[test]
fn t24_an_agent_that_never_ends_is_cut_off() {
    let many = line(r#""event":"sent","seq":1"#).repeat(500);
    let accepted = raw(&line(ACCEPTED));
    let canned = Canned::new(Agent::Floods(accepted, many.into_bytes()));
    let plugin =
        Plugin::within(DATA_KIB, "ping shop/pod/foo --from node/node-1 -c 3 --deadline 2s");
    // Past its deadline it is not listened to: what was seen is judged.
    let run = plugin.kubeconfig(&canned.kubeconfig()).run().exits(1);
    assert!(run.stdout.contains("ND0309"), "{run:#?}");
}

#[test]
fn an_agent_that_is_gone_is_told_in_the_kubelets_words() {
    let canned = Canned::new(Agent::Gone("error forwarding port 9443: connection refused"));
    let plugin = Plugin::new("ping shop/pod/foo --from node/node-1 -c 3");
    let run = plugin.kubeconfig(&canned.kubeconfig()).run().exits(2);
    assert!(run.stderr.contains("ND0006"), "{run:#?}");
    assert!(run.stderr.contains("connection refused"), "{run:#?}");
}
