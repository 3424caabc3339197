//! What cannot be is refused: the first line of stderr to the letter, exit code 2, nothing on stdout.

use anyhow::Result;
use netdiag_tests::{Pair, turn};

#[test]
#[ignore = "needs a cluster: asks for what cannot be"]
fn bad_input_is_refused_in_words() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let place = pair.cluster.namespace();
    for (words, line) in [
        ("pod/server -m 0", "error    ND0030  -m 0: the maximum TTL must be 1 to 255"),
        ("pod/server -m 256", "error    ND0030  -m 256: the maximum TTL must be 1 to 255"),
        ("pod/server -P sctp", "error    ND0030  -P sctp: the protocol must be udp, tcp or icmp"),
    ] {
        let words = format!("trace {words} -n {place}");
        let _ = pair.cluster.netdiag(words.split(' '))?.refuses(line);
        println!("{line}");
    }
    for words in [
        "pod/server -f 31",
        "pod/server -f 9 -m 8",
        "pod/server -p 0",
        "pod/server -I -p 80",
        "pod/server -I -T",
        "pod/server:0",
        "pod/server:nosuch",
        "pod/server --size 10",
        "pod/server --flows 0",
        "pod/server --flows 8 --mtu",
        "pod/server -q 0",
        "pod/server -S 192.0.2.9",
        "pod/nobody",
        "10.0.0.1 -6",
        "10.0.0.0/8",
        "pod/server --frob",
    ] {
        let words = format!("trace {words} -n {place} --from {}", pair.client.target());
        let run = pair.cluster.netdiag(words.split(' '))?.exits(2);
        println!("{words}\n{}", run.stderr);
        assert!(run.stderr.starts_with("error    ND00"), "{words}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{words}");
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: looks up a name that is not there"]
fn a_name_without_an_address_is_no_path() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let run = pair.from_client("trace nowhere.invalid.")?.exits(2);
    println!("{}", run.stderr);
    assert!(run.stderr.contains("nowhere.invalid"), "{}", run.stderr);
    Ok(())
}
