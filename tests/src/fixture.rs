//! What an end-to-end test holds: the cluster, pods in a namespace of its own, runs of netdiag.

mod agents;
mod cluster;
mod footprint;
mod namespace;
mod netns;
mod pod;
mod run;
mod running;
mod user;

pub use cluster::Cluster;
pub use footprint::Footprint;
pub use namespace::Namespace;
pub use netns::Netns;
pub use pod::{Node, Pod, PodBuilder};
pub use run::Run;
pub use running::Running;
pub use user::User;
