//! What goes on beside a test: a thread that ends with the value that holds it.

use std::{
    io::{self, ErrorKind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How soon a socket's reader sees that it is to stop.
pub(crate) const LOOK: Option<Duration> = Some(Duration::from_millis(20));

/// Runs until it is dropped.
pub(crate) struct Background {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Again and again; one `step` is to take no longer than a test likes to wait at its end.
    pub(crate) fn repeat(mut step: impl FnMut() + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let is_stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            while !is_stopped.load(Ordering::Relaxed) {
                step();
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// What a socket that waits for [`LOOK`] has read, if anything.
pub(crate) fn came<T>(read: io::Result<T>) -> Option<T> {
    match read {
        Ok(read) => Some(read),
        // Whoever changes its user in another thread of this process interrupts all of them.
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            None
        }
        Err(error) => panic!("{error}"),
    }
}
