//! A real Kubernetes cluster on one machine, and what end-to-end tests on it need.

pub mod archive;
pub mod build;
pub mod command;
pub mod environment;
mod fixture;
pub mod fuzz;
pub mod lab;
pub mod netpol;
pub mod parts;
pub mod progress;
pub mod root;
pub mod tools;
pub mod wait;

pub use fixture::{
    Agent, Cluster, Fault, Footprint, LABELS, Namespace, Netns, Node, Pair, Pod, PodBuilder, Run,
    Running, Shop, User, turn,
};
