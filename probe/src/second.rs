//! A second thread, where there is a CPU for it: the kernel does most of the work of a scan or a
//! list of sockets within the caller's own calls.
//!
//! It is started after privilege is gone and inherits that it is, as it does the filter of calls.
//! Whoever wants one goes on alone where it is refused.

use std::thread::{self, JoinHandle};

/// Enough for a buffer and a call or two.
const STACK: usize = 256 * 1024;

/// By the CPUs that this process may use and its cgroups' share of them (with less than two, a
/// second thread only takes the first one's turns); asked while files can still be read.
pub fn has_cpu() -> bool {
    thread::available_parallelism().is_ok_and(|cpus| cpus.get() > 1)
}

/// None where a sandbox or a limit forbids it.
pub(crate) fn start(work: impl FnOnce() + Send + 'static) -> Option<JoinHandle<()>> {
    thread::Builder::new().stack_size(STACK).spawn(work).ok()
}
