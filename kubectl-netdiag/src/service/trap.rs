//! Why an echo to a Service is the wrong question, in the words that are true of what carries Services
//! on the source's node.

use netdiag_wire::facts::NodeFacts;

use super::{HEADLESS, backends::ServiceKind};
use crate::{
    cluster::Cluster,
    data_plane::{self, DataPlane, Kind},
    finding::Code,
    node_facts,
    probe::NAMING,
    stream::Road,
};

const CLUSTER_IP: Code = Code(901);
const NOTHING: &str =
    "An echo to a Service's address reaches no pod and tells nothing about the Service.";
pub(super) const A_NAME: &str =
    "A headless Service is a name for its pods; an echo goes to one of them.";
const INSTEAD: &str = "Probed instead (--icmp sends it anyway):";

/// What carries the Service where it is asked from, as far as that could be learned.
#[derive(Debug, Default)]
pub(crate) struct Carrier {
    pub(crate) plane: Option<DataPlane>,
    /// Of the source's node.
    pub(crate) facts: Option<NodeFacts>,
}

impl Carrier {
    /// The agent and the API are asked at once; what is not known by then is not said.
    pub(super) async fn find(cluster: &Cluster, road: &Road<'_>) -> Self {
        let facts = async {
            let start = road.way()?;
            let asked = node_facts::ask(cluster, &start.agent, &start.source, None);
            tokio::time::timeout(NAMING, asked).await.ok()?.ok()
        };
        let objects = tokio::time::timeout(NAMING, cluster.network_objects());
        let (facts, objects) = tokio::join!(facts, objects);
        let plane = objects.ok().map(|objects| data_plane::find(facts.as_ref(), &objects));
        Self { plane, facts }
    }

    /// Code of the NOTE and its lines, where the question is a trap; `node` is where the facts are from.
    pub(super) fn note(&self, kind: &ServiceKind, node: &str) -> Option<(Code, Vec<String>)> {
        Some(match kind {
            ServiceKind::Pods => return None,
            ServiceKind::Headless => (HEADLESS, vec![format!("{A_NAME} Probed all:")]),
            ServiceKind::Addresses(_) | ServiceKind::ExternalName(_) => {
                let here = format!("{NOTHING}\n{} {INSTEAD}", self.here(node));
                (CLUSTER_IP, here.lines().map(str::to_owned).collect())
            }
        })
    }

    /// What becomes of an echo here, and by what that is known.
    fn here(&self, node: &str) -> String {
        let unknown = "What carries Services here could not be told";
        let useless = "an echo may be answered, rejected or lost, and still tells nothing.";
        let Some(plane) = &self.plane else { return format!("{unknown}: {useless}") };
        let is_seen = self.facts.as_ref().is_some_and(|facts| facts.kube_proxy.mode.is_some());
        let said = plane.evidence.first().map(|evidence| evidence.text.clone());
        let said = said.unwrap_or_else(|| "nothing speaks for any".into());
        match (plane.kind, is_seen) {
            (Kind::KubeProxyIptables, true) => format!(
                "Here kube-proxy is in iptables mode (/proxyMode on {node}): no rule takes an echo,\n\
                 it leaves the node by the default route."
            ),
            (Kind::KubeProxyNftables, true) => format!(
                "Here kube-proxy is in nftables mode (/proxyMode on {node}): the node itself answers\n\
                 an echo with port unreachable, at once."
            ),
            (Kind::Unknown, _) => format!("{unknown} ({said}):\n{useless}"),
            (kind, _) => {
                let (becomes, basis) = (plane.echo.becomes, plane.echo.basis.words());
                let carrier = kind.word();
                format!("Here {carrier} carries Services ({said}):\nan echo {becomes} ({basis}).")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use netdiag_wire::facts::{KubeProxy, ProxyMode};

    use super::*;
    use crate::data_plane::Objects;

    fn carrier(mode: Option<ProxyMode>) -> Carrier {
        let kube_proxy = KubeProxy { mode, ..KubeProxy::default() };
        let facts = NodeFacts { kube_proxy, ..NodeFacts::default() };
        let plane = data_plane::find(Some(&facts), &Objects::default());
        Carrier { plane: Some(plane), facts: Some(facts) }
    }

    fn said(carrier: &Carrier) -> String {
        let kind = ServiceKind::Addresses(vec![[10, 96, 0, 1].into()]);
        let (code, lines) = carrier.note(&kind, "node-1").unwrap();
        assert_eq!((code, lines[0].as_str()), (CLUSTER_IP, NOTHING));
        lines[1..].join(" ")
    }

    #[test]
    fn each_mode_has_its_own_words() {
        let iptables = said(&carrier(Some(ProxyMode::Iptables)));
        let want = "Here kube-proxy is in iptables mode (/proxyMode on node-1): no rule takes an \
                    echo, it leaves the node by the default route. Probed instead (--icmp sends it \
                    anyway):";
        assert_eq!(iptables, want);
        let nftables = said(&carrier(Some(ProxyMode::Nftables)));
        assert!(nftables.contains("the node itself answers an echo with port unreachable"));
        let ipvs = said(&carrier(Some(ProxyMode::Ipvs)));
        assert!(
            ipvs.contains("kube-proxy (IPVS) carries Services") && ipvs.contains("as documented")
        );
        let unknown = said(&carrier(None));
        assert!(unknown.starts_with("What carries Services here could not be told"), "{unknown}");
    }

    #[test]
    fn a_headless_service_has_no_address_to_be_carried() {
        let (code, lines) = Carrier::default().note(&ServiceKind::Headless, "node-1").unwrap();
        assert_eq!((code, lines.len()), (HEADLESS, 1));
    }
}
