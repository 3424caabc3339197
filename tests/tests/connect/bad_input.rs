//! What cannot be is refused in words, exit code 2, nothing on stdout.

use anyhow::Result;
use netdiag_tests::{Pair, turn};

#[test]
#[ignore = "needs a cluster: asks for what cannot be"]
fn bad_input_is_refused_in_words() -> Result<()> {
    let _turn = turn::share();
    let pair = Pair::start()?;
    let place = pair.cluster.namespace();
    for words in [
        "pod/server",
        "pod/server:0",
        "pod/server 65536",
        "pod/server:nosuch",
        "pod/nobody:80",
        "pod/server:80 pod/server:81",
        "pod/server:80 -u -i",
        "pod/server:80 --send x",
        "pod/server:80 --count 0",
        "pod/server:80 -S 192.0.2.9",
        "nowhere.invalid.:80",
        "10.0.0.1:80 -6",
        "10.0.0.0/8 80",
        "-z pod/server 80",
    ] {
        let words = format!("connect {words} -n {place} --from {}", pair.client.target());
        let run = pair.cluster.netdiag(words.split(' '))?.exits(2);
        println!("{words}\n{}", run.stderr);
        assert!(run.stderr.starts_with("error    ND00"), "{words}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{words}");
    }
    Ok(())
}
