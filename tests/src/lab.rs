//! A real Kubernetes on one machine: its control plane and each node in namespaces of their own.

pub mod addons;
pub mod addresses;
pub mod cgroup;
pub mod cleanup;
pub mod control_plane;
pub mod daemon;
pub mod images;
pub mod kubeconfig;
pub mod network;
pub mod node;
pub mod owner;
pub mod pki;
pub mod settings;
pub mod start;
pub mod state;
