//! A second thread, where there is a CPU for it: the kernel does most of the work of a scan or a
//! list of sockets within the caller's own calls.
//!
//! One that goes on by itself is started after privilege is gone and inherits that it is, as it does
//! the filter of calls. Whoever wants one goes on alone where it is refused.

use std::thread::{self, Builder, JoinHandle};

/// Enough for a buffer and a call or two.
const STACK: usize = 256 * 1024;

/// By the CPUs that this process may use and its cgroups' share of them (with less than two, a
/// second thread only takes the first one's turns); asked while files can still be read.
pub fn has_cpu() -> bool {
    thread::available_parallelism().is_ok_and(|cpus| cpus.get() > 1)
}

/// None where a sandbox or a limit forbids it.
pub(crate) fn start(work: impl FnOnce() + Send + 'static) -> Option<JoinHandle<()>> {
    Builder::new().stack_size(STACK).spawn(work).ok()
}

/// Both, at once where there is a CPU for the second one; it has ended when this returns.
pub(crate) fn both<A, B: Send>(
    has_cpu: bool,
    first: impl FnOnce() -> A,
    second: impl Fn() -> B + Sync,
) -> (A, B) {
    thread::scope(|scope| {
        let start = || Builder::new().stack_size(STACK).spawn_scoped(scope, &second).ok();
        let started = has_cpu.then(start).flatten();
        let first = first();
        let done = started.and_then(|thread| thread.join().ok());
        (first, done.unwrap_or_else(&second))
    })
}
