//! Ctrl-] that works at once: it ends a line as Enter does, while the line is edited as always.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use rustix::termios::{OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

use super::typed::QUIT;

/// The terminal's keys, put back when dropped.
pub(crate) struct Keys {
    terminal: OwnedFd,
    before: Termios,
}

impl Keys {
    /// Nothing else of the terminal is changed: the kernel still edits lines and echoes them, and
    /// Ctrl-C still is a signal.
    pub(crate) fn take(terminal: impl AsFd) -> io::Result<Self> {
        let terminal = terminal.as_fd().try_clone_to_owned()?;
        let before = tcgetattr(&terminal)?;
        let mut keys = before.clone();
        keys.special_codes[SpecialCodeIndex::VEOL] = QUIT;
        tcsetattr(&terminal, OptionalActions::Now, &keys)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // A terminal that is gone has no keys.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}
