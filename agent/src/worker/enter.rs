//! The one place that enters a namespace, and gives up at once what entering needed.

use std::{io, net::IpAddr, os::fd::AsFd};

use rustix::{
    fs::fstat,
    io::Errno,
    thread::{
        CapabilitySet, CapabilitySets, LinkNameSpaceType, capabilities, move_into_link_name_space,
        set_capabilities,
    },
};

use super::Assignment;
use crate::ipc::{Order, Refusal};

/// Enters the namespace that is stdin and tells its inode. A pod's namespace that holds none of the
/// pod's addresses is somebody else's: one that a process of the pod made for itself, say.
pub(super) fn enter(assignment: &Assignment) -> Result<u64, (Refusal, Errno)> {
    let inode = into_stdin(assignment).map_err(|errno| match errno {
        Errno::PERM | Errno::ACCESS => (Refusal::Permission, errno),
        _ => (Refusal::Spawn, errno),
    })?;
    match &assignment.order {
        Order::Pod { addresses, .. } if !holds_one_of(addresses) => {
            Err((Refusal::ForeignNamespace, Errno::ADDRNOTAVAIL))
        }
        Order::Pod { .. } | Order::Node | Order::Connect(_) | Order::SelfTest => Ok(inode),
    }
}

#[expect(clippy::disallowed_methods, reason = "the fence around setns")]
fn into_stdin(assignment: &Assignment) -> rustix::io::Result<u64> {
    let netns = io::stdin();
    let inode = fstat(&netns)?.st_ino;
    move_into_link_name_space(netns.as_fd(), Some(LinkNameSpaceType::Network))?;
    // Nothing may keep the namespace but the process itself.
    rustix::stdio::dup2_stdin(&assignment.stream)?;
    let CapabilitySets { effective, permitted, .. } = capabilities(None)?;
    let without = CapabilitySets {
        effective: effective - CapabilitySet::SYS_ADMIN,
        permitted: permitted - CapabilitySet::SYS_ADMIN,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, without)?;
    Ok(inode)
}

/// Asked from within: what /proc/PID/net shows may be another namespace by now.
fn holds_one_of(addresses: &[IpAddr]) -> bool {
    let Ok(interfaces) = nix::ifaddrs::getifaddrs() else { return false };
    let mut held = interfaces.filter_map(|interface| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|v4| IpAddr::from(v4.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::from(v6.ip())))
    });
    held.any(|address| addresses.contains(&address))
}
