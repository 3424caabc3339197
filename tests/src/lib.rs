//! A real Kubernetes cluster on one machine, and what end-to-end tests on it need.

pub mod archive;
pub mod command;
pub mod environment;
pub mod lab;
pub mod parts;
pub mod progress;
pub mod wait;
