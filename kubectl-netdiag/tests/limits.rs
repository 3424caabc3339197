//! Few descriptors: less at once, the same answers, or a clear word.

use std::net::TcpListener;

use crate::run::Plugin;

#[test]
fn a_scan_with_few_descriptors_finds_the_same() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = listener.local_addr().unwrap().port();
    let line = format!("scan 127.0.0.1 -p {open},1-500 --connect --from local");
    for count in [24, 80] {
        let run = Plugin::with_descriptors(count, &line).run().exits(0);
        assert!(run.stdout.contains(&format!("\n{open}/tcp")), "{count}: {run:#?}");
        assert!(run.stdout.contains(" of 501 ports open\n"), "{count}: {run:#?}");
    }
}

#[test]
fn too_few_descriptors_are_said_to_be() {
    for line in ["scan 127.0.0.1 -p 1-500 --connect --from local", "sockets local -l -p"] {
        let run = Plugin::with_descriptors(12, line).run().exits(2);
        assert!(run.stderr.contains("Too many open files"), "{line}: {run:#?}");
        assert_eq!(run.stdout, "", "{line}");
    }
}
