//! Leaves uid 0 and every capability, for good, and makes sure that it did.
//!
//! Leaving uid 0 is not a luxury: in the namespace of a `hostUsers: false` pod, uid 0 without any
//! capability still owns the pod's user namespace and can reconfigure its interfaces.

use std::{fs, io};

use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use rustix::{
    process::{Pid, Resource, Rlimit, Signal, getppid, set_parent_process_death_signal, setrlimit},
    thread::{
        CapabilitySet, CapabilitySets, clear_ambient_capability_set, set_capabilities,
        set_no_new_privs,
    },
};

use super::{UID, probe::Means};

const ADDRESS_SPACE: u64 = 256 * 1024 * 1024;
/// Of all workers of this node together, as the kernel counts them by user; where they have more, a
/// probe does without another.
const THREADS: u64 = 64;

/// Any failure ends the worker: to run with something left is worse than not to run.
pub(super) fn everything(parent: Option<Pid>, means: Means) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(UID), Gid::from_raw(UID));
    setgroups(&[])?;
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    clear_ambient_capability_set()?;
    set_no_new_privs(true)?;
    limit(means)?;
    verify(&fs::read_to_string("/proc/thread-self/status")?)?;
    die_with(parent)
}

fn limit(means: Means) -> io::Result<()> {
    for (resource, most) in [
        (Resource::As, ADDRESS_SPACE),
        (Resource::Nofile, means.descriptors),
        (Resource::Nproc, if means.threads { THREADS } else { 0 }),
        (Resource::Core, 0),
    ] {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}

/// What the kernel says of this thread, which is the only one.
fn verify(status: &str) -> io::Result<()> {
    let ids = format!("{UID} {UID} {UID} {UID}");
    let none = "0000000000000000";
    let wanted = [
        ("Uid:", ids.as_str()),
        ("Gid:", ids.as_str()),
        ("Groups:", ""),
        ("Threads:", "1"),
        ("CapInh:", none),
        ("CapPrm:", none),
        ("CapEff:", none),
        ("CapAmb:", none),
        ("NoNewPrivs:", "1"),
    ];
    for (field, value) in wanted {
        let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or("missing");
        if !line.split_whitespace().eq(value.split_whitespace()) {
            return Err(io::Error::other(format!("after the drop, {field}{line}")));
        }
    }
    Ok(())
}

/// Only now: a change of identity clears the death signal.
fn die_with(parent: Option<Pid>) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if getppid() == parent { Ok(()) } else { Err(io::Error::other("broker has ended")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DROPPED: &str = "Name:\tnetdiag-agent\nUid:\t65533\t65533\t65533\t65533\n\
        Gid:\t65533\t65533\t65533\t65533\nGroups:\t \nThreads:\t1\nCapInh:\t0000000000000000\n\
        CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t00000000002800e0\n\
        CapAmb:\t0000000000000000\nNoNewPrivs:\t1\n";

    #[test]
    fn whatever_is_left_is_noticed() {
        verify(DROPPED).unwrap();
        for (dropped, left) in [
            ("Uid:\t65533\t65533\t65533\t65533", "Uid:\t65533\t65533\t0\t65533"),
            ("Gid:\t65533", "Gid:\t0"),
            ("Groups:\t \n", "Groups:\t0 \n"),
            ("Groups:\t \n", ""),
            ("Threads:\t1", "Threads:\t2"),
            ("CapPrm:\t0000000000000000", "CapPrm:\t0000000000080000"),
            ("CapInh:\t0000000000000000", "CapInh:\t0000000000002000"),
            ("NoNewPrivs:\t1", "NoNewPrivs:\t0"),
        ] {
            assert!(verify(&DROPPED.replace(dropped, left)).is_err(), "{left}");
        }
    }
}
