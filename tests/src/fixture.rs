//! What an end-to-end test holds: the cluster, pods in a namespace of its own, runs of netdiag.

mod agent;
mod agents;
mod cluster;
mod fault;
mod footprint;
mod namespace;
mod netns;
mod pair;
mod pod;
mod run;
mod running;
mod shop;
pub mod turn;
mod user;

pub use agent::{Agent, LABELS};
pub use cluster::Cluster;
pub use fault::Fault;
pub use footprint::Footprint;
pub use namespace::Namespace;
pub use netns::Netns;
pub use pair::Pair;
pub use pod::{Node, Pod, PodBuilder};
pub use run::Run;
pub use running::Running;
pub use shop::Shop;
pub use user::User;
