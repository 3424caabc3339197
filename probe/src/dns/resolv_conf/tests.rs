use std::{fs, net::IpAddr, path::Path};

use proptest::prelude::*;

use super::*;

fn of(text: &str, libc: Libc) -> ResolverSettings {
    parse(text.as_bytes(), libc)
}

fn servers(settings: &ResolverSettings) -> Vec<String> {
    settings.nameservers.iter().map(IpAddr::to_string).collect()
}

fn shown(list: &[Untrusted]) -> Vec<String> {
    list.iter().map(Untrusted::to_string).collect()
}

#[test]
fn a_pods_file_is_read_alike() {
    let text = "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n";
    for libc in [Libc::Glibc, Libc::Musl] {
        let settings = of(text, libc);
        assert_eq!(servers(&settings), ["10.96.0.10"]);
        let search = ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local"];
        assert_eq!(shown(&settings.search), search);
        let numbers = (settings.ndots, settings.timeout_seconds, settings.attempts);
        assert_eq!(numbers, (5, 5, 2));
        assert_eq!((settings.ignored.len(), settings.is_absent), (0, false));
    }
}

#[test]
fn without_a_nameserver_this_machine_is_asked() {
    for libc in [Libc::Glibc, Libc::Musl] {
        for (text, is_absent) in [("", true), ("\n", false), ("nameserver nonsense\n", false)] {
            let settings = of(text, libc);
            assert_eq!(
                (servers(&settings), settings.is_absent),
                (vec!["127.0.0.1".into()], is_absent)
            );
        }
    }
}

#[test]
fn nameservers_as_each_libc_takes_them() {
    for (line, glibc, musl) in [
        ("nameserver 10.0.0.1", "10.0.0.1", "10.0.0.1"),
        ("nameserver\t10.0.0.1 # mine", "10.0.0.1", "10.0.0.1"),
        ("nameserver 10.0.0.1#mine", "-", "-"),
        ("nameserver 10.0.0.1\r", "-", "10.0.0.1"),
        ("nameserver fd00::a", "fd00::a", "fd00::a"),
        ("nameserver fd00::a\r", "-", "fd00::a"),
        ("nameserver fe80::1%eth0", "fe80::1", "fe80::1"),
        ("nameserver 0x7f.1", "127.0.0.1", "127.0.0.1"),
        (" nameserver 10.0.0.1", "-", "-"),
        ("Nameserver 10.0.0.1", "-", "-"),
        ("nameserver10.0.0.1", "-", "-"),
        ("nameserver\x0c10.0.0.1", "-", "10.0.0.1"),
        ("nameserver", "-", "-"),
        ("nameserver ", "-", "-"),
        ("nameserver dns.example", "-", "-"),
        ("nameserver 10.0.0.1\0junk", "10.0.0.1", "10.0.0.1"),
        ("#nameserver 10.0.0.1", "-", "-"),
        (";nameserver 10.0.0.1", "-", "-"),
    ] {
        for (libc, wanted) in [(Libc::Glibc, glibc), (Libc::Musl, musl)] {
            // Without one of its own the list is the libc's.
            let wanted = if wanted == "-" { "127.0.0.1" } else { wanted };
            assert_eq!(servers(&of(line, libc)), [wanted], "{line:?} {libc:?}");
        }
    }
}

#[test]
fn the_search_list_as_each_libc_takes_it() {
    for (text, glibc, musl) in [
        ("search a b\nsearch c\n", "c", "c"),
        ("search a b\ndomain c\n", "c", "c"),
        ("domain c\nsearch a b\n", "a b", "a b"),
        ("domain c d\n", "c", "c d"),
        ("search a b\nsearch \n", "a b", ""),
        ("search a b\nsearch\n", "a b", ""),
        ("search a b\nsearch", "a b", "a b"),
        ("search a\nsearch \0x\nsearch y\nsearch z\n", "z", "z"),
        ("search a\nsearch \0x\nsearch y\n", "y", "a"),
        ("search\ta \t b\t\n", "a b", "a b"),
        ("search a\r\n", "a\\r", "a"),
        (" search a\n", "", ""),
        ("search . a.\n", ". a.", ". a."),
        ("search a # b\n", "a # b", "a # b"),
    ] {
        for (libc, wanted) in [(Libc::Glibc, glibc), (Libc::Musl, musl)] {
            assert_eq!(shown(&of(text, libc).search).join(" "), wanted, "{text:?} {libc:?}");
        }
    }
}

#[test]
fn numbers_are_held_to_each_libcs_bounds() {
    // ndots, timeout, attempts
    for (options, glibc, musl) in [
        ("ndots:5 timeout:3 attempts:4", (5, 3, 4), (5, 3, 4)),
        ("ndots:9999 timeout:9999 attempts:9999", (15, 30, 5), (15, 60, 10)),
        ("ndots:0 timeout:0 attempts:0", (0, 1, 0), (0, 0, 0)),
        ("ndots:-1 timeout:-1 attempts:-1", (15, 1, 0), (1, 5, 2)),
        ("ndots: timeout: attempts:", (0, 1, 0), (1, 5, 2)),
        ("ndots:4294967296 timeout:99999999999999999999", (0, 1, 2), (15, 60, 2)),
        ("ndots:2 ndots:3", (3, 5, 2), (2, 5, 2)),
        ("xndots:3", (1, 5, 2), (3, 5, 2)),
        ("ndots:3,timeout:1", (3, 5, 2), (3, 1, 2)),
        ("NDOTS:3", (1, 5, 2), (1, 5, 2)),
    ] {
        for (libc, wanted) in [(Libc::Glibc, glibc), (Libc::Musl, musl)] {
            let settings = of(&format!("options {options}\n"), libc);
            let numbers = (settings.ndots, settings.timeout_seconds, settings.attempts);
            assert_eq!(numbers, wanted, "{options} {libc:?}");
        }
    }
}

#[test]
fn flags_are_glibcs_alone() {
    let text = "options rotate edns0 trust-ad use-vc no-aaaa no-tld-query single-request inet6 no-reload debug\nsortlist 10.0.0.0/8\n";
    let glibc = of(text, Libc::Glibc);
    assert!(glibc.rotate && glibc.edns0 && glibc.trust_ad && glibc.use_vc && glibc.no_aaaa);
    assert!(glibc.no_tld_query && glibc.single_request && !glibc.single_request_reopen);
    assert_eq!(shown(&glibc.ignored), ["inet6", "debug", "sortlist 10.0.0.0/8"]);
    let musl = of(text, Libc::Musl);
    assert!(!musl.rotate && !musl.edns0 && !musl.use_vc);
    assert_eq!(musl.ignored.len(), 11);
}

#[test]
fn glibc_compares_the_beginning_of_an_option() {
    let settings = of("options rotated single-request-reopened no_tld_query\n", Libc::Glibc);
    assert!(settings.rotate && settings.single_request_reopen && settings.no_tld_query);
    assert!(!settings.single_request);
}

#[test]
fn musl_passes_over_a_line_that_is_too_long() {
    let fits = format!("search {}", "a".repeat(247));
    let long = format!("search {}", "a".repeat(248));
    for (line, musl) in [(&fits, 1), (&long, 0)] {
        assert_eq!(of(line, Libc::Musl).search.len(), musl);
        assert_eq!(of(line, Libc::Glibc).search.len(), 1);
    }
}

#[test]
fn the_clusters_domain_is_in_the_search_list() {
    for (search, domain) in [
        ("shop.svc.cluster.local svc.cluster.local cluster.local", "cluster.local"),
        ("shop.svc.k8s.example svc.k8s.example k8s.example corp.example", "k8s.example"),
        ("corp.example", "cluster.local"),
        ("svc.", "cluster.local"),
    ] {
        let settings = of(&format!("search {search}\n"), Libc::Glibc);
        assert_eq!(cluster_domain(&settings), domain, "{search}");
    }
}

#[test]
fn the_fourth_nameserver_is_passed_over() {
    let text = (1..=5).map(|i| format!("nameserver 10.0.0.{i}\n")).collect::<String>();
    for libc in [Libc::Glibc, Libc::Musl] {
        let settings = of(&text, libc);
        assert_eq!(servers(&settings), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
        assert_eq!(shown(&settings.ignored), ["nameserver 10.0.0.4", "nameserver 10.0.0.5"]);
    }
}

/// Whatever the bytes, the bounds hold and nothing beyond 64 KiB is read.
fn holds(bytes: &[u8]) {
    for libc in [Libc::Glibc, Libc::Musl] {
        let settings = parse(bytes, libc);
        assert!((1..=MAX_SERVERS).contains(&settings.nameservers.len()));
        assert!(settings.search.len() <= MAX_SEARCH && settings.ignored.len() <= MAX_IGNORED);
        assert!(settings.ndots <= 15 && settings.timeout_seconds <= 60 && settings.attempts <= 10);
        assert_eq!(settings.is_absent, bytes.is_empty());
        let read = &bytes[..bytes.len().min(MAX_FILE_BYTES)];
        assert_eq!(parse(read, libc), settings);
        // A line that no libc knows changes nothing but what is shown of it.
        let more = [read, b"\nunknown nameserver 10.9.9.9\n"].concat();
        let ended = [read, b"\n"].concat();
        if more.len() <= MAX_FILE_BYTES {
            let known = |settings: ResolverSettings| ResolverSettings {
                ignored: Vec::new(),
                is_absent: false,
                ..settings
            };
            assert_eq!(known(parse(&more, libc)), known(parse(&ended, libc)));
        }
    }
}

/// Fuzz target 3, `resolv_conf`: every file of the corpus, which fuzzing may add to.
#[test]
fn the_corpus_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/resolv_conf");
    let files = fs::read_dir(corpus).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    assert!(files.inspect(|bytes| holds(bytes)).count() >= 20);
}

proptest! {
    #[test]
    fn any_bytes_hold(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        holds(&bytes);
    }

    #[test]
    fn any_likely_text_holds(
        lines in proptest::collection::vec(
            "(nameserver|search|domain|options|sortlist|#)[ \t]?[a-z0-9.:%/ \t-]{0,40}",
            0..60,
        )
    ) {
        holds(lines.join("\n").as_bytes());
    }
}
