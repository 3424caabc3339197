//! Names asked for, as the source's libc or as dig asks.

pub(crate) mod hosts;
mod literal;
mod plan;
pub(crate) mod resolv_conf;
