//! System calls made *by* another process: what it may do is what the kernel lets it do there, with
//! its own credentials and filters. x86_64 only, as the registers are.

use nix::{
    libc::{self, c_long, user_regs_struct},
    sys::{
        ptrace,
        signal::Signal,
        wait::{WaitStatus, waitpid},
    },
    unistd::Pid,
};
use rustix::io::Errno;

use crate::node::wait_for;

/// A process stopped in a system call of its own.
pub(crate) struct Stopped {
    pid: Pid,
    registers: user_regs_struct,
}

impl Stopped {
    /// Stops it where it waits; one that is busy is let go and met again.
    pub(crate) fn attach(pid: i32) -> Self {
        let pid = Pid::from_raw(pid);
        wait_for("a process that waits", || {
            ptrace::attach(pid).unwrap();
            waitpid(pid, None).unwrap();
            let stopped = Self { pid, registers: ptrace::getregs(pid).unwrap() };
            stopped.is_in_a_call().then_some(stopped)
        })
    }

    fn is_in_a_call(&self) -> bool {
        let before = (self.registers.rip - 2) as *mut libc::c_void;
        let is_syscall = ptrace::read(self.pid, before).is_ok_and(|word| word & 0xffff == 0x050f);
        is_syscall && self.registers.orig_rax != u64::MAX
    }

    /// A string or a struct in the process's memory, `at` bytes below its red zone.
    pub(crate) fn put(&self, at: u64, bytes: &[u8]) -> u64 {
        let address = (self.registers.rsp - 1024 - at) & !7;
        for (word, chunk) in (address..).step_by(8).zip(bytes.chunks(8)) {
            let mut padded = [0; 8];
            padded[..chunk.len()].copy_from_slice(chunk);
            let value = i64::from_ne_bytes(padded);
            ptrace::write(self.pid, word as *mut libc::c_void, value).unwrap();
        }
        address
    }

    pub(crate) fn call(&self, number: c_long, arguments: &[u64]) -> Result<u64, Errno> {
        let argument = |at: usize| arguments.get(at).copied().unwrap_or_default();
        let mut registers = self.registers;
        // The instruction before is the two bytes of `syscall`.
        registers.rip -= 2;
        registers.rax = number as u64;
        registers.orig_rax = u64::MAX;
        (registers.rdi, registers.rsi, registers.rdx) = (argument(0), argument(1), argument(2));
        (registers.r10, registers.r8, registers.r9) = (argument(3), argument(4), argument(5));
        ptrace::setregs(self.pid, registers).unwrap();
        // A signal that comes first (a worker ended) stops it before the call; it can do without.
        loop {
            ptrace::step(self.pid, None).unwrap();
            match waitpid(self.pid, None).unwrap() {
                WaitStatus::Stopped(_, Signal::SIGTRAP) => break,
                WaitStatus::Stopped(..) => {}
                other => panic!("in the middle of call {number}: {other:?}"),
            }
        }
        let result = ptrace::getregs(self.pid).unwrap().rax as i64;
        if (-4095..0).contains(&result) {
            Err(Errno::from_raw_os_error(-result as i32))
        } else {
            Ok(result as u64)
        }
    }
}

impl Drop for Stopped {
    /// It goes on with the call it was in.
    fn drop(&mut self) {
        let _ = ptrace::setregs(self.pid, self.registers);
        let _ = ptrace::detach(self.pid, None);
    }
}
