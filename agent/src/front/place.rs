//! Where a probe may start: the rights first, then the API object, then broker's order.

use netdiag_wire::{ErrorBody, ErrorCode, Source};

use super::{Front, authorize::Right, identity::Identity, source::PodFacts};
use crate::ipc::Order;

/// A source that the caller may use.
pub(super) struct Place {
    pub(super) order: Order,
    pub(super) may_metadata: bool,
    pub(super) may_loopback: bool,
}

impl Front {
    pub(super) async fn place(
        &self,
        who: &Identity,
        rights: &[&str],
        source: &Source,
    ) -> Result<Place, ErrorBody> {
        match source {
            Source::Node { name } => self.place_in_node(who, rights, name).await,
            Source::Pod { namespace, name, uid } => {
                self.place_in_pod(who, rights, namespace, name, uid.as_deref()).await
            }
        }
    }

    async fn place_in_node(
        &self,
        who: &Identity,
        rights: &[&str],
        name: &str,
    ) -> Result<Place, ErrorBody> {
        let (required, may_metadata, may_loopback) = tokio::join!(
            self.require_node(who, rights),
            self.authorizer.allows(who, Right::Destination("metadata")),
            self.authorizer.allows(who, Right::Destination("loopback")),
        );
        required?;
        if name != self.node {
            let message = format!("this agent serves node {}, not {name}", self.node);
            return Err(ErrorBody::new(ErrorCode::WrongNode, message));
        }
        let (may_metadata, may_loopback) = (may_metadata?, may_loopback?);
        Ok(Place { order: Order::Node, may_metadata, may_loopback })
    }

    /// The rights in the namespace come first: who has none learns nothing of its pods.
    async fn place_in_pod(
        &self,
        who: &Identity,
        rights: &[&str],
        namespace: &str,
        name: &str,
        uid: Option<&str>,
    ) -> Result<Place, ErrorBody> {
        for right in rights {
            self.authorizer.require(who, Right::Pod { right, namespace, name }).await?;
        }
        let metadata = Right::Destination("metadata");
        let (pod, may_metadata) =
            tokio::join!(self.api.pod(namespace, name), self.authorizer.allows(who, metadata));
        let pod = pod?.ok_or_else(|| {
            ErrorBody::new(ErrorCode::NotFound, format!("no pod {name} in namespace {namespace}"))
        })?;
        let facts = PodFacts::of(&pod, uid, &self.node)?;
        if facts.host_network {
            self.require_node(who, rights).await?;
        }
        let order = facts.into_order(namespace, name);
        Ok(Place { order, may_metadata: may_metadata?, may_loopback: false })
    }

    /// All of `rights`, on this node.
    pub(super) async fn require_node(
        &self,
        who: &Identity,
        rights: &[&str],
    ) -> Result<(), ErrorBody> {
        for right in rights {
            self.authorizer.require(who, Right::Node { right, name: &self.node }).await?;
        }
        Ok(())
    }
}
