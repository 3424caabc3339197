//! What the cluster says of a place, and of the addresses and containers in its socket table.

use std::{collections::BTreeMap, net::IpAddr};

use crate::{
    cluster::leads::Lead,
    plan::{DeclaredPort, PortProtocol},
    render::Names,
};

/// Empty where no cluster was asked, or where it would not say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) names: Names,
    /// Addresses of the place itself.
    pub(crate) own: Vec<IpAddr>,
    /// Names of containers by their IDs.
    pub(crate) containers: BTreeMap<String, String>,
    /// Which Services send to which ports of the pod.
    pub(crate) leads: Vec<Lead>,
    /// What its containers declare.
    pub(crate) declared: Vec<DeclaredPort>,
    /// Of a saved table: what an address was, in words, with the port where that is a Service's.
    pub(crate) saved: BTreeMap<(IpAddr, Option<u16>), String>,
}

impl Known {
    /// The Services that send to this port.
    pub(crate) fn leads_to(&self, protocol: PortProtocol, port: u16) -> Vec<String> {
        let leads = self.leads.iter().filter(|lead| lead.port.protocol == protocol);
        leads.filter(|lead| lead.target == port).map(Lead::word).collect()
    }

    /// What the pod calls this port.
    pub(crate) fn declares(&self, protocol: PortProtocol, port: u16) -> Option<&DeclaredPort> {
        self.declared.iter().find(|known| known.number == port && known.protocol == protocol)
    }
}
