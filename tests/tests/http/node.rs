//! T12: the services of a node that trust whoever can reach them are asked from that node by nobody
//! without a right of its own; from elsewhere its addresses are ordinary targets.

use anyhow::Result;
use netdiag_tests::{Netns, Node, Pair, Run, lab::addresses, turn};

use crate::{
    grant::Grant,
    web::{Asked, serve},
};

/// Something on every address of the node that `http` is asked from, and a pod that leads there.
struct Place {
    pair: Pair,
    node: String,
    address: String,
    asked: Asked,
}

impl Place {
    /// Listens there as long as the tests run.
    fn new(port: u16) -> Result<Self> {
        let pair = Pair::start()?;
        let asked = serve(&Netns::of_node(Node::First)?, &format!("0.0.0.0:{port}"))?;
        let _web = serve(&Netns::of_pod(&pair.server)?, "0.0.0.0:8080")?;
        let node = Node::First.name(&pair.cluster)?;
        let address = addresses::node(Node::First.number());
        Ok(Self { pair, node, address, asked })
    }

    fn on_node(&self, words: &str) -> Result<Run> {
        let line = format!("http {words} --from node/{}", self.node);
        self.pair.cluster.netdiag(line.split_whitespace())
    }
}

fn bind(pair: &Pair, role: &str) -> Result<Grant> {
    let place = pair.cluster.namespace();
    let (name, role) = (format!("{place}-{role}"), format!("--clusterrole=netdiag-{role}"));
    let account = format!("--serviceaccount={place}:guest");
    Grant::create(&pair.cluster, &["clusterrolebinding", &name, &role, &account])
}

#[test]
#[ignore = "needs a cluster: serves on a node"]
fn t12_a_nodes_own_services_are_not_asked_by_any_way() -> Result<()> {
    let _turn = turn::alone();
    const PORT: u16 = 18_080;
    let place = Place::new(PORT)?;
    let (address, server) = (&place.address, place.pair.server.target());
    for words in [
        format!("http://127.0.0.1:{PORT}/"),
        format!("http://127.9.9.9:{PORT}/"),
        format!("http://[::ffff:127.0.0.1]:{PORT}/"),
        format!("http://{address}:{PORT}/"),
        format!("http://[::ffff:{address}]:{PORT}/"),
        format!("http://kubelet.example:{PORT}/ --resolve kubelet.example:{PORT}:127.0.0.1"),
        format!("http://kubelet.example/ --connect-to ::127.0.0.1:{PORT}"),
        format!("http://kubelet.example/ -x http://{address}:{PORT}"),
        format!("{server}:8080/to?http://127.0.0.1:{PORT}/ -L"),
        format!("{server}:8080/to?http://{address}:{PORT}/ -L"),
        "https://127.0.0.1:10250/pods -k".into(),
        format!("https://{address}:10250/pods -k"),
    ] {
        let run = place.on_node(&words)?.exits(2);
        let said = run.stderr.replace("\\\n", " ");
        assert!(said.contains("loopback"), "{words}\n{said}");
        assert_eq!(place.asked.count(), 0, "{words}");
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster: serves on a node"]
fn t12_with_the_right_and_from_elsewhere_they_answer() -> Result<()> {
    let _turn = turn::alone();
    const PORT: u16 = 18_081;
    let place = Place::new(PORT)?;
    let pair = &place.pair;
    let own = format!("http://127.0.0.1:{PORT}/");
    let namespace = pair.cluster.namespace();
    pair.cluster.kubectl(["create", "serviceaccount", "guest", "-n", namespace])?;
    let guest = format!("--service-account {namespace}/guest");
    let run = place.on_node(&format!("{own} {guest}"))?.exits(2);
    assert!(run.stderr.contains("not allowed: http from "), "{}", run.stderr);
    let _http = bind(pair, "nodes-http")?;
    let run = place.on_node(&format!("{own} {guest}"))?.exits(2);
    let said = run.stderr.replace("\\\n", " ");
    assert!(said.contains("netdiag-destinations-loopback"), "{said}");
    assert_eq!(place.asked.count(), 0);
    let _loopback = bind(pair, "destinations-loopback")?;
    let run = place.on_node(&format!("{own} {guest}"))?.exits(0);
    assert!(!run.says("\nOK       answered: 200 OK\n").stdout.contains("you asked"));
    let run = place.on_node(&format!("{own} {guest} --body"))?.exits(2);
    assert!(run.stderr.contains("http-body"), "{}", run.stderr);
    assert_eq!(place.asked.count(), 1, "with the right");

    // To a pod the same node is an ordinary target, and its own loopback is nobody else's.
    let _ = pair.from_client(&format!("http http://{}:{PORT}/", place.address))?.exits(0);
    assert_eq!(place.asked.count(), 2, "from a pod");
    let within = serve(&Netns::of_pod(&pair.client)?, &format!("127.0.0.1:{PORT}"))?;
    let _ = pair.from_client(&format!("http {own}"))?.exits(0);
    assert_eq!((place.asked.count(), within.count()), (2, 1), "the pod's own");
    Ok(())
}
