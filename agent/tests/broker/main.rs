//! broker and worker as the real binary, each test on a node of its own: PID, mount and network
//! namespaces in which the test is PID 1 and pods are processes in cgroups. Needs root.

#![expect(clippy::unwrap_used, reason = "clippy knows tests by #[test], not their fixtures")]

mod client;
#[cfg(target_arch = "x86_64")]
mod confined;
#[cfg(target_arch = "x86_64")]
mod inject;
mod lifetimes;
mod namespaces;
mod node;
mod node_sources;
mod pid_reuse;
mod pod_files;
mod probes;
mod self_test;
mod speed;
