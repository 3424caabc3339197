//! The `dns` probe beside BIND's own tools, on a tree of zones of our own.

mod bind;
mod chain;
mod conformance;
mod dig;
mod hostile;
mod liar;
mod run;
mod sign;
mod trace;
mod zones;
