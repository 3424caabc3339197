//! What cannot be is refused: the first line of stderr to the letter, exit code 2, nothing on stdout.

use anyhow::Result;
use netdiag_tests::{Pair, turn};

use crate::lookup::{dns, report};

#[test]
#[ignore = "needs a cluster: asks for what is not there"]
fn bad_input_is_refused_in_words() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let place = pair.cluster.namespace();
    let octets = |count: usize| {
        format!("{}.{}", ["a".repeat(49).as_str(); 5].join("."), "b".repeat(count - 250))
    };
    for (words, line) in [
        (
            "shop -t TYPE99999".into(),
            "-t TYPE99999: no type of record; TYPE123 is any by its number",
        ),
        ("shop -c XX".into(), "-c XX: \"XX\" is neither a known word nor CLASS and a number"),
        (octets(254), "a name of 254 octets; at most 253 are allowed"),
        (format!("{}.example", "b".repeat(64)), "a label of 64 octets; at most 63 are allowed"),
        ("a..b".into(), "\"a..b\" has an empty label"),
        ("shop @10.96.0.10#0".into(), "@10.96.0.10#0: the port must be 1 to 65535"),
        ("shop -p 0".into(), "-p 0: the port must be 1 to 65535"),
        ("shop -b here".into(), "-b here: must be an IPv4 or IPv6 address"),
        ("shop @10.96.0.10 +frob".into(), "+frob: no option of dig"),
        ("shop +tries=0".into(), "+tries=0: must be 1 to 10"),
        ("shop --libc bsd".into(), "--libc bsd: must be one of glibc, musl"),
        (
            "shop +trace @10.96.0.10".into(),
            "@10.96.0.10: +trace begins at the root servers; --root-hints FILE names others",
        ),
        ("10.0.0.0/8".into(), "a network; one address is wanted"),
    ] {
        let _ = dns(&pair, &words)?.refuses(&format!("error    ND0030  {line}"));
        println!("{line}");
    }
    let _ = dns(&pair, &format!("{place}/svc/nowhere"))?
        .refuses(&format!("error    ND0020  no svc \"nowhere\" in {place}"));
    Ok(())
}

#[test]
#[ignore = "needs a cluster: sends from a pod's addresses"]
fn a_source_address_must_be_the_pods() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let words = "kubernetes.default.svc.cluster.local @10.96.0.10 -b";
    let run = dns(&pair, &format!("{words} 10.0.0.1"))?.exits(2);
    println!("{}", run.stderr);
    let own = pair.client.ip();
    assert!(run.stderr.contains(&own.to_string()), "those it has: {}", run.stderr);
    let _ = dns(&pair, &format!("{words} {own}"))?.exits(0);
    let _ = dns(&pair, &format!("{words} {own}#33000"))?.exits(0);
    Ok(())
}

#[test]
#[ignore = "needs a cluster: asks its DNS by name"]
fn a_server_may_be_a_name_and_a_name_may_be_any_script() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let server = "kube-dns.kube-system.svc.cluster.local";
    let found = report(&pair, &format!("kubernetes.default.svc.cluster.local @{server}"), 0)?;
    assert_eq!(found["names"][0]["queries"][0]["server"], "10.96.0.10");
    let run = dns(&pair, "straße.svc.cluster.local.")?.exits(1);
    println!("{}", run.stdout);
    let _ = run.says("stra\\u{df}e").says(" is xn--strae-oqa.svc.cluster.local");
    Ok(())
}
