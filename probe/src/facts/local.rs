//! What the kernel says of this network namespace.

use std::{fs, io};

use netdiag_wire::{
    Untrusted,
    facts::{Fact, Interface, MAX_INTERFACES, NotKnown},
};

use crate::sys::links;

/// Read with whatever privilege there was.
#[derive(Debug)]
pub struct LocalFacts {
    pub(super) kernel: Untrusted,
    pub(super) ip_forward_v4: Option<bool>,
    pub(super) ip_forward_v6: Option<bool>,
    pub(super) interfaces: Vec<Interface>,
    /// Further ones, only counted.
    pub(super) more: u32,
    pub(super) not_known: Vec<NotKnown>,
}

impl LocalFacts {
    pub(super) fn read() -> Self {
        let mut not_known = Vec::new();
        let mut known = |fact, switch: io::Result<bool>| {
            switch.map_err(|error| not_known.push(super::unknown(fact, &error.to_string()))).ok()
        };
        let ip_forward_v4 = known(Fact::IpForwardV4, switch("net/ipv4/ip_forward"));
        let ip_forward_v6 = known(Fact::IpForwardV6, switch("net/ipv6/conf/all/forwarding"));
        let (interfaces, more) = interfaces().unwrap_or_else(|error| {
            not_known.push(super::unknown(Fact::Interfaces, &error.to_string()));
            (Vec::new(), 0)
        });
        let kernel = rustix::system::uname().release().to_bytes().to_vec().into();
        Self { kernel, ip_forward_v4, ip_forward_v6, interfaces, more, not_known }
    }
}

/// Of the namespace that this thread is in, whoever mounted /proc.
fn switch(name: &str) -> io::Result<bool> {
    match fs::read_to_string(format!("/proc/sys/{name}"))?.trim() {
        "0" => Ok(false),
        // 2, of IPv6: forwarding, and router advertisements are heard nevertheless.
        "1" | "2" => Ok(true),
        other => Err(io::Error::other(format!("{name} is {other:?}"))),
    }
}

fn interfaces() -> io::Result<(Vec<Interface>, u32)> {
    let all = links::kinds()?;
    let more = all.len().saturating_sub(MAX_INTERFACES) as u32;
    let listed = all.into_iter().take(MAX_INTERFACES);
    let listed =
        listed.map(|(name, kind)| Interface { name: name.into(), kind: kind.map(Into::into) });
    Ok((listed.collect(), more))
}
