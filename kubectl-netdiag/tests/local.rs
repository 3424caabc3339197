//! `--from local`, which needs Linux and no cluster.

use serde_json::Value;

use crate::run::Plugin;

#[test]
fn this_machine_pings_itself_without_a_cluster() {
    let run = Plugin::new("ping 127.0.0.1 --from local -c 3 -i 0.2").run().exits(0);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[0], "local (127.0.0.1) -> 127.0.0.1");
    for (seq, line) in (1..).zip(&lines[1..4]) {
        let reply = format!("64 bytes from 127.0.0.1: icmp_seq={seq} ttl=");
        assert!(line.starts_with(&reply), "{line}");
    }
    assert!(lines[5].starts_with("OK       3 of 3 echoes replied"), "{run:#?}");
}

#[test]
fn the_variable_stands_in_for_the_flag() {
    let plugin = Plugin::new("ping 127.0.0.1 -c 1 -o json").with("NETDIAG_FROM", "local");
    let document: Value = serde_json::from_str(&plugin.run().exits(0).stdout).unwrap();
    assert_eq!(document["source"]["kind"], "local");
    assert_eq!(document["ping"]["replied"], 1);
}

#[test]
fn a_deadline_ends_it_with_what_is_known() {
    let run = Plugin::new("ping 127.0.0.1 --from local -w 0.5").run().exits(0);
    assert!(run.stdout.contains("OK       1 of 1 echoes replied"), "{run:#?}");
}

#[test]
fn a_source_that_is_not_here_lists_those_that_are() {
    let run = Plugin::new("ping 127.0.0.1 --from local -S 203.0.113.9 -c 1").run().exits(2);
    assert!(run.stderr.starts_with("error    ND0030  "), "{run:#?}");
    assert!(run.stderr.contains("127.0.0.1"), "{run:#?}");
}

#[test]
fn what_was_saved_renders_as_it_was_shown() {
    let saved = tempfile::TempDir::new().unwrap();
    let path = saved.path().join("ping.ndjson");
    let ndjson = Plugin::new("ping 127.0.0.1 --from local -c 2 -i 0.2 -o ndjson").run().exits(0);
    std::fs::write(&path, &ndjson.stdout).unwrap();
    let run = Plugin::new(&format!("render {}", path.display())).run().exits(0);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[0], "local (127.0.0.1) -> 127.0.0.1");
    assert!(lines[1].starts_with("64 bytes from 127.0.0.1: icmp_seq=1 "), "{run:#?}");
    assert!(lines[4].starts_with("OK       2 of 2 echoes replied"), "{run:#?}");
    let again = Plugin::new(&format!("render {} -o json", path.display())).run().exits(0);
    let [saved, rendered] = [ndjson.stdout.lines().last().unwrap(), &again.stdout]
        .map(|document| serde_json::from_str::<Value>(document).unwrap());
    for field in ["startedAt", "tookUs", "ping"] {
        assert_eq!(rendered[field], saved[field], "{field}");
    }
}

#[test]
fn a_saved_listener_is_rendered_again() {
    let saved = tempfile::TempDir::new().unwrap();
    let path = saved.path().join("listen.ndjson");
    let lines = [
        r#"{"at":"2026-11-23T03:07:11Z","event":"accepted","probeId":"p-1","agent":"netdiag-x","node":"node-2","version":"0.1.0"}"#,
        r#"{"at":"2026-11-23T03:07:11Z","event":"listening","local":"[::]:9999","udp":true}"#,
        r#"{"at":"2026-11-23T03:07:14Z","event":"accepted","from":"10.244.1.23:50112","to":"10.244.2.40:9999","ttl":62}"#,
        r#"{"at":"2026-11-23T03:07:15Z","event":"end","reason":"completed"}"#,
    ];
    std::fs::write(&path, lines.join("\n")).unwrap();
    let run = Plugin::new(&format!("render {}", path.display())).run().exits(0);
    let shown = "node/node-2 listens on UDP *:9999; Ctrl-C ends\n\
                 10.244.1.23:50112  03:07:14 UTC  TTL 62  unknown address\n\n\
                 OK       1 sender in 3.00 s\n";
    assert_eq!(run.stdout, shown);
}
