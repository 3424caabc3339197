//! Files of /proc that are opened while files can be opened, and read from their beginning as often
//! as it takes.

use std::{fs::File, io, os::unix::fs::FileExt};

/// Longest text that is read: 25,000 raw sockets.
const MAX_BYTES: usize = 4 * 1024 * 1024;
const CHUNK: usize = 32 * 1024;

/// A file of this namespace; None where this kernel has none.
pub(super) fn open(name: &str) -> io::Result<Option<File>> {
    match File::open(format!("/proc/thread-self/net/{name}")) {
        Ok(file) => Ok(Some(file)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// All of it, as the kernel writes it now.
pub(super) fn read(file: &File) -> io::Result<String> {
    let (mut text, mut length) = (Vec::new(), 0);
    while length < MAX_BYTES {
        text.resize(length + CHUNK, 0);
        let read = file.read_at(&mut text[length..], length as u64)?;
        if read == 0 {
            break;
        }
        length += read;
    }
    text.truncate(length);
    Ok(String::from_utf8_lossy(&text).into_owned())
}
