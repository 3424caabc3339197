//! Landlock and seccomp, before the first byte that somebody else wrote: no file, no program, no
//! namespace, no process but itself, no socket but the Internet's.

use landlock::{ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetStatus, Scope};
use nix::libc;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction,
    SeccompCmpArgLen::Dword,
    SeccompCmpOp::{Eq, MaskedEq},
    SeccompCondition, SeccompFilter, SeccompRule,
};

use crate::broker::{
    no_such_call,
    selftest::{NO_LANDLOCK, NO_SECCOMP},
};

/// Which layers this kernel gave; a worker goes on without one that it does not have.
pub(super) struct Layers {
    landlock: bool,
    seccomp: Result<(), i32>,
}

impl Layers {
    /// As bits of the self-test.
    pub(super) fn findings(&self) -> (u32, i32) {
        let landlock = if self.landlock { 0 } else { NO_LANDLOCK };
        let seccomp = if self.seccomp.is_ok() { 0 } else { NO_SECCOMP };
        (landlock | seccomp, self.seccomp.err().unwrap_or_default())
    }
}

/// From here on, for good; for every thread that is started later as well, as it inherits both.
pub(super) fn close(threads: bool) -> Layers {
    Layers { landlock: restrict_files(), seccomp: filter_calls(threads) }
}

/// Handles every right and grants none: no path can be opened, made or removed, no Unix socket by
/// an abstract name, no signal to another process.
fn restrict_files() -> bool {
    let newest = ABI::V6;
    let restricted = Ruleset::default()
        .handle_access(AccessFs::from_all(newest))
        .and_then(|rules| rules.scope(Scope::from_all(newest)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self);
    restricted.is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced)
}

fn filter_calls(threads: bool) -> Result<(), i32> {
    if threads {
        apply(no_such_call())?;
    }
    apply(allowed(threads))
}

fn apply(program: Result<BpfProgram, BackendError>) -> Result<(), i32> {
    use seccompiler::Error;
    seccompiler::apply_filter(&program.map_err(|_| libc::EINVAL)?).map_err(|cause| match cause {
        Error::Prctl(cause) | Error::Seccomp(cause) => cause.raw_os_error().unwrap_or_default(),
        _ => libc::EINVAL,
    })
}

/// What the runtime, the allocator and open sockets need.
const ALLOWED: &[libc::c_long] = &[
    libc::SYS_read,
    // A trace looks again at the socket table that it opened.
    libc::SYS_pread64,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_fcntl,
    libc::SYS_connect,
    // Of a socket that listened before: listen(2) itself stays forbidden.
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    libc::SYS_shutdown,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_ppoll,
    libc::SYS_eventfd2,
    libc::SYS_futex,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_exit,
    libc::SYS_exit_group,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
];

/// A thread that shares everything with the one that starts it. Whoever took over a worker gets no
/// more by it than by what runs already: the same memory, descriptors, identity and filter. A
/// process, a namespace, or any other combination stays forbidden.
const THREAD: libc::c_int = libc::CLONE_VM
    | libc::CLONE_FS
    | libc::CLONE_FILES
    | libc::CLONE_SIGHAND
    | libc::CLONE_THREAD
    | libc::CLONE_SYSVSEM
    | libc::CLONE_SETTLS
    | libc::CLONE_PARENT_SETTID
    | libc::CLONE_CHILD_CLEARTID;

/// What glibc calls besides. `clone3` is none of this filter's: the other one says that there is
/// none, as its flags can't be seen.
const FOR_THREADS: &[libc::c_long] = &[libc::SYS_clone3, libc::SYS_rseq, libc::SYS_set_robust_list];

fn allowed(threads: bool) -> Result<BpfProgram, BackendError> {
    let more = if threads { FOR_THREADS } else { &[] };
    let mut rules: Vec<(i64, Vec<SeccompRule>)> =
        ALLOWED.iter().chain(more).map(|call| (*call, Vec::new())).collect();
    let is = |arg, value: i32| SeccompCondition::new(arg, Dword, Eq, value as u64);
    let has = |arg, mask: i32, value: i32| {
        SeccompCondition::new(arg, Dword, MaskedEq(mask as u64), value as u64)
    };
    if threads {
        rules.push((libc::SYS_clone, vec![SeccompRule::new(vec![is(0, THREAD)?])?]));
    }
    let mut sockets = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        for kind in [libc::SOCK_STREAM, libc::SOCK_DGRAM] {
            // The low bits are the type, the others SOCK_NONBLOCK and SOCK_CLOEXEC.
            sockets.push(SeccompRule::new(vec![is(0, family)?, has(1, 0xf, kind)?])?);
        }
    }
    rules.push((libc::SYS_socket, sockets));
    let no_code = || -> Result<_, BackendError> {
        Ok(vec![SeccompRule::new(vec![has(2, libc::PROT_EXEC, 0)?])?])
    };
    rules.push((libc::SYS_mmap, no_code()?));
    rules.push((libc::SYS_mprotect, no_code()?));
    // Non-blocking mode, as the standard library sets it.
    rules.push((libc::SYS_ioctl, vec![SeccompRule::new(vec![is(1, libc::FIONBIO as i32)?])?]));
    let denied = SeccompAction::Errno(libc::EPERM as u32);
    let arch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules.into_iter().collect(), denied, SeccompAction::Allow, arch)?.try_into()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Behind the filter, in a thread that ends with it.
    fn within(threads: bool, act: fn()) {
        let closed = move || {
            rustix::thread::set_no_new_privs(true).unwrap();
            filter_calls(threads).unwrap();
            act();
        };
        thread::spawn(closed).join().unwrap();
    }

    #[test]
    fn a_thread_is_started_where_it_may_be_and_holds_to_the_same_filter() {
        within(false, || drop(thread::Builder::new().spawn(|| ()).unwrap_err()));
        within(true, || {
            let opened = thread::spawn(|| std::fs::File::open("/proc/self/status").err());
            let error = opened.join().unwrap().unwrap();
            assert_eq!(error.raw_os_error(), Some(libc::EPERM));
        });
    }

    #[test]
    fn no_process_is_started() {
        for threads in [false, true] {
            let start = || {
                #[expect(clippy::disallowed_methods, reason = "to see that it is refused")]
                let error = std::process::Command::new("/bin/true").spawn().unwrap_err();
                assert_eq!(error.raw_os_error(), Some(libc::EPERM));
            };
            within(threads, start);
        }
    }
}
