//! What broker gives up before it listens.
//!
//! A deny-list, because workers inherit it and need sockets, identities and filters of their own;
//! theirs, after the open phase, is an allow-list. What it cannot do: with SYS_PTRACE a taken-over
//! broker still reads the node's files through /proc/PID/root, and `openat2`, which workers need to
//! read a pod's files safely, hides its flags from a filter.

use nix::libc;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs,
};
use seccompiler::{
    BpfProgram, SeccompAction,
    SeccompCmpArgLen::Dword,
    SeccompCmpOp::{MaskedEq, Ne},
    SeccompCondition, SeccompFilter, SeccompRule,
};

/// Enter namespaces, look into other processes, open raw sockets, leave uid 0, kill workers.
pub(super) const CAPABILITIES: [(CapabilitySet, &str); 6] = [
    (CapabilitySet::SYS_ADMIN, "SYS_ADMIN"),
    (CapabilitySet::SYS_PTRACE, "SYS_PTRACE"),
    (CapabilitySet::NET_RAW, "NET_RAW"),
    (CapabilitySet::SETUID, "SETUID"),
    (CapabilitySet::SETGID, "SETGID"),
    (CapabilitySet::KILL, "KILL"),
];

/// Namespaces that `clone` could make.
const CLONE_NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// Calls that neither broker nor a worker ever makes, and that no missing capability forbids anyway.
const NEVER: &[libc::c_long] = &[
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_fsconfig,
    libc::SYS_fspick,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_mount_setattr,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_unshare,
    libc::SYS_io_uring_setup,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_userfaultfd,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_syslog,
    libc::SYS_quotactl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_mknodat,
    libc::SYS_mkdirat,
    libc::SYS_unlinkat,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_renameat,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_renameat2,
    libc::SYS_truncate,
    libc::SYS_setxattr,
];

/// Keeps the six capabilities alone, forbids itself any new one, and installs the filter; `false`
/// where the kernel has no seccomp.
pub fn confine() -> anyhow::Result<bool> {
    let held = capabilities(None)?.permitted;
    let kept = CAPABILITIES.iter().fold(CapabilitySet::empty(), |all, (one, _)| all | *one) & held;
    let sets =
        CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    set_capabilities(None, sets)?;
    set_no_new_privs(true)?;
    for program in [never(), no_such_call()] {
        if let Err(cause) = seccompiler::apply_filter(&program?) {
            tracing::warn!(%cause, "no seccomp filter");
            return Ok(false);
        }
    }
    Ok(true)
}

fn never() -> Result<BpfProgram, seccompiler::BackendError> {
    let mut rules: Vec<(i64, Vec<SeccompRule>)> =
        NEVER.iter().map(|call| (*call, Vec::new())).collect();
    let when = |arg, operator, value| {
        SeccompRule::new(vec![SeccompCondition::new(arg, Dword, operator, value)?])
    };
    let write = |arg| -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
        let bits = [libc::O_WRONLY, libc::O_RDWR, libc::O_CREAT, libc::O_TRUNC];
        bits.iter().map(|bit| when(arg, MaskedEq(*bit as u64), *bit as u64)).collect()
    };
    rules.push((libc::SYS_openat, write(2)?));
    rules.push((libc::SYS_setns, vec![when(1, Ne, libc::CLONE_NEWNET as u64)?]));
    let namespaces = CLONE_NAMESPACES.map(|bit| when(0, MaskedEq(bit as u64), bit as u64));
    rules.push((libc::SYS_clone, namespaces.into_iter().collect::<Result<_, _>>()?));
    rules.push((libc::SYS_socket, vec![families()?]));
    #[cfg(target_arch = "x86_64")]
    rules.extend([
        (libc::SYS_open, write(1)?),
        (libc::SYS_creat, Vec::new()),
        (libc::SYS_mknod, Vec::new()),
        (libc::SYS_link, Vec::new()),
        (libc::SYS_symlink, Vec::new()),
        (libc::SYS_rename, Vec::new()),
        (libc::SYS_unlink, Vec::new()),
        (libc::SYS_mkdir, Vec::new()),
        (libc::SYS_rmdir, Vec::new()),
        (libc::SYS_chmod, Vec::new()),
        (libc::SYS_chown, Vec::new()),
    ]);
    program(rules, libc::EPERM)
}

/// Neither Unix, nor the Internet's, nor netlink: what is left are drivers with a long history.
fn families() -> Result<SeccompRule, seccompiler::BackendError> {
    let families = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    let is_none = families.iter().map(|f| SeccompCondition::new(0, Dword, Ne, *f as u64));
    SeccompRule::new(is_none.collect::<Result<_, _>>()?)
}

/// `clone3` hides its flags behind a pointer; callers know ENOSYS and fall back to `clone`.
pub(crate) fn no_such_call() -> Result<BpfProgram, seccompiler::BackendError> {
    program(vec![(libc::SYS_clone3, Vec::new())], libc::ENOSYS)
}

fn program(
    rules: Vec<(i64, Vec<SeccompRule>)>,
    errno: i32,
) -> Result<BpfProgram, seccompiler::BackendError> {
    let arch = std::env::consts::ARCH.try_into()?;
    let denied = SeccompAction::Errno(errno as u32);
    SeccompFilter::new(rules.into_iter().collect(), SeccompAction::Allow, denied, arch)?.try_into()
}
