//! What broker knows of its node: the namespaces, and what it found of itself at start.

use rustix::io::Errno;

use super::{
    pods::{Node, Place, Refused},
    selftest::Findings,
    static_pods,
};
use crate::ipc::{Answer, Order, Refusal};

pub(super) struct Site {
    /// The error when PID 1 may not be looked at; without it no namespace can be told from the
    /// node's, so every order is refused.
    node: Result<Node, Errno>,
    findings: Findings,
}

impl Site {
    pub(super) fn new(node: Result<Node, Errno>, findings: Findings) -> Self {
        Self { node, findings }
    }

    pub(super) fn self_test(&self) -> Answer {
        Answer::SelfTest { problems: self.findings.problems, errno: self.findings.errno }
    }

    pub(super) fn place(&self, order: &Order) -> Result<Place, Refused> {
        let node = self.node.as_ref().map_err(|errno| Refused {
            refusal: Refusal::Permission,
            errno: errno.raw_os_error(),
        })?;
        match order {
            Order::Pod { namespace, name, is_static: true, .. } => {
                let uids = static_pods::uids(node.init_dir(), namespace, name)?;
                node.place_of_pod(&uids)
            }
            Order::Pod { uid, is_static: false, .. } => {
                node.place_of_pod(std::slice::from_ref(uid))
            }
            Order::Node | Order::Connect(_) | Order::SelfTest => node.place(),
        }
    }
}
