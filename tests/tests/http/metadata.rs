//! T11: what clouds serve to whoever asks from a node is asked for by nobody without a right of its
//! own, by whatever name or redirect.

use anyhow::Result;
use netdiag_tests::{Netns, Node, Pair, turn};

use crate::web::serve;

const METADATA: &str = "169.254.169.254";

/// The address, on the node as long as this lives.
struct Served<'a>(&'a Pair);

impl Drop for Served<'_> {
    fn drop(&mut self) {
        let line = format!("ip address del {METADATA}/32 dev lo");
        let _ = self.0.cluster.in_node(Node::First, line.split(' '));
    }
}

#[test]
#[ignore = "needs a cluster: serves metadata on a node"]
fn t11_metadata_is_not_reached_by_any_way() -> Result<()> {
    let _turn = turn::alone();
    let pair = Pair::start()?;
    let line = format!("ip address add {METADATA}/32 dev lo");
    pair.cluster.in_node(Node::First, line.split(' '))?;
    let _served = Served(&pair);
    let asked = serve(&Netns::of_node(Node::First)?, &format!("{METADATA}:80"))?;
    let _web = serve(&Netns::of_pod(&pair.server)?, "0.0.0.0:8080")?;
    let target = pair.server.target();
    for words in [
        format!("http://{METADATA}/latest/"),
        "http://[::ffff:169.254.169.254]/latest/".into(),
        "http://2852039166/latest/".into(),
        "http://0xa9fea9fe/latest/".into(),
        format!("http://web.example/ --resolve web.example:80:{METADATA}"),
        format!("http://web.example/ --connect-to ::{METADATA}:80"),
        format!("http://web.example/ -x http://{METADATA}:80"),
        format!("{target}:8080/to?http://{METADATA}/latest/ -L"),
    ] {
        let run = pair.from_client(&format!("http {words}"))?.exits(2);
        assert!(run.stderr.contains("metadata"), "{words}\n{}", run.stderr);
        assert_eq!(asked.count(), 0, "{words}");
    }
    Ok(())
}
