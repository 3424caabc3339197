//! The inodes of one process's sockets: by the links of its `/proc/PID/fd`, or where those are
//! another user's, for which they would take a capability more, by its `/proc/PID/fdinfo`.

use std::{
    io,
    mem::MaybeUninit,
    ops::Range,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    time::Instant,
};

use rustix::{
    fs::{AtFlags, Mode, OFlags, RawDir, SeekFrom, openat, readlinkat_raw, seek, statat},
    io::{Errno, read},
    path::DecInt,
};

/// More than the lines that are read; an epoll descriptor has thousands behind them.
const TEXT: usize = 160;
/// More than a link to a socket; those to files are cut, and never end like one.
const LINK: usize = 32;
/// Between two looks at the clock.
const STRETCH: u32 = 1024;
const LISTING: usize = 32 * 1024;

/// Knows a socket among descriptors.
#[derive(Debug)]
pub(super) struct Descriptors {
    /// The mount that all sockets are on; a file's inode may have a socket's number.
    mount: u32,
}

/// The descriptors of one process.
#[derive(Debug)]
pub(super) struct Table {
    directory: Directory,
    /// How many there are (Linux 6.2), or 0. Numbers are handed out from the lowest, and to try
    /// them takes half as long as to list.
    pub(super) count: u32,
}

/// A directory with an entry for each descriptor.
#[derive(Debug)]
enum Directory {
    /// Links that bear the inode: one call each in place of three.
    Links(OwnedFd),
    Infos(OwnedFd),
}

/// Of a range of numbers.
#[derive(Debug)]
pub(super) struct Tried {
    /// Their inodes.
    pub(super) sockets: Vec<u32>,
    /// There was time for all of them.
    pub(super) is_whole: bool,
}

impl Tried {
    pub(super) const NOTHING: Self = Self { sockets: Vec::new(), is_whole: true };
}

/// What `fdinfo` says of one descriptor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Info {
    mount: u32,
    inode: u32,
}

impl Descriptors {
    /// By what the kernel says of a socket of this process.
    pub(super) fn of_sockets(socket: impl AsFd) -> io::Result<Self> {
        let number = socket.as_fd().as_raw_fd();
        let text = std::fs::read(format!("/proc/thread-self/fdinfo/{number}"))?;
        let Some(Info { mount, .. }) = info(&text) else {
            let old = "this kernel does not tell inodes in /proc/PID/fdinfo, as Linux 5.14 does";
            return Err(io::Error::new(io::ErrorKind::Unsupported, old));
        };
        Ok(Self { mount })
    }

    /// What has one of these numbers.
    pub(super) fn tried(
        &self,
        table: &Table,
        numbers: Range<u32>,
        until: Instant,
    ) -> rustix::io::Result<Tried> {
        let mut tried = Tried::NOTHING;
        for number in numbers {
            if number.is_multiple_of(STRETCH) && Instant::now() > until {
                tried.is_whole = false;
                break;
            }
            tried.sockets.extend(self.socket(&table.directory, number)?.flatten());
        }
        Ok(tried)
    }

    /// Those that stand behind a gap, and what was opened meanwhile, by the names of the directory;
    /// false if the time was up before.
    pub(super) fn rest(
        &self,
        table: &Table,
        until: Instant,
        mut take: impl FnMut(u32),
    ) -> rustix::io::Result<bool> {
        let Table { directory, count: first } = table;
        let (Directory::Links(names) | Directory::Infos(names)) = directory;
        // Two entries, `.` and `..`, stand before that of number 0.
        seek(names, SeekFrom::Start(u64::from(*first) + 2))?;
        let mut listing = Vec::with_capacity(LISTING);
        let mut entries = RawDir::new(names, listing.spare_capacity_mut());
        let mut looked_at = 0_u32;
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let number = entry.file_name().to_str().ok().and_then(|name| name.parse().ok());
            let Some(number) = number.filter(|number| number >= first) else { continue };
            self.socket(directory, number)?.flatten().into_iter().for_each(&mut take);
            looked_at += 1;
            if looked_at.is_multiple_of(STRETCH) && Instant::now() > until {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// None: no such descriptor, or it was closed meanwhile; the inner one: it is no socket.
    fn socket(&self, dir: &Directory, number: u32) -> rustix::io::Result<Option<Option<u32>>> {
        let found = match dir {
            Directory::Links(dir) => linked(dir, number),
            Directory::Infos(dir) => {
                let info = told(dir, number);
                info.map(|info| info.filter(|it| it.mount == self.mount).map(|it| it.inode))
            }
        };
        match found {
            Ok(inode) => Ok(Some(inode)),
            Err(Errno::NOENT) => Ok(None),
            Err(cause) => Err(cause),
        }
    }
}

impl Table {
    pub(super) fn open(process: impl AsFd) -> rustix::io::Result<Self> {
        let count = statat(&process, "fd", AtFlags::empty())?.st_size;
        let count = u32::try_from(count).unwrap_or_default();
        Ok(Self { directory: Directory::open(&process)?, count })
    }
}

impl Directory {
    fn open(process: impl AsFd) -> rustix::io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match openat(&process, "fd", flags, Mode::empty()) {
            Ok(links) => Ok(Self::Links(links)),
            Err(Errno::ACCESS) => {
                Ok(Self::Infos(openat(&process, "fdinfo", flags, Mode::empty())?))
            }
            Err(cause) => Err(cause),
        }
    }
}

fn linked(dir: &OwnedFd, number: u32) -> rustix::io::Result<Option<u32>> {
    let mut room = [MaybeUninit::uninit(); LINK];
    let (name, _) = readlinkat_raw(dir, DecInt::new(number), &mut room)?;
    Ok(named(name))
}

/// `socket:[8036]`.
fn named(link: &[u8]) -> Option<u32> {
    let inode = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    str::from_utf8(inode).ok()?.parse().ok()
}

fn told(dir: &OwnedFd, number: u32) -> rustix::io::Result<Option<Info>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(dir, DecInt::new(number), flags, Mode::empty())?;
    let mut text = [0; TEXT];
    let length = read(file, &mut text)?;
    Ok(info(&text[..length]))
}

/// Lines of the kernel's: `pos`, `flags`, `mnt_id`, `ino`, and what else the descriptor's kind has.
fn info(text: &[u8]) -> Option<Info> {
    let value = |field: &[u8]| {
        let line = text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(field))?;
        str::from_utf8(line.trim_ascii()).ok()?.parse::<u64>().ok()
    };
    let inode = u32::try_from(value(b"ino:")?).ok()?;
    Some(Info { mount: value(b"mnt_id:")?.try_into().ok()?, inode })
}

#[cfg(test)]
mod tests {
    use std::{fs::File, net::UdpSocket, time::Duration};

    use proptest::prelude::*;

    use super::*;

    const FAR: u32 = 3072;
    const SOCKET: &str = "pos:\t0\nflags:\t02000002\nmnt_id:\t9\nino:\t8036\n";

    #[test]
    fn the_kernels_lines_read() {
        assert_eq!(info(SOCKET.as_bytes()), Some(Info { mount: 9, inode: 8036 }));
        assert_eq!(named(b"socket:[8036]"), Some(8036));
        for other in ["socket:[4294967296]", "socket:[8036", "pipe:[8036]", "/a/socket:[8036]"] {
            assert_eq!(named(other.as_bytes()), None, "{other}");
        }
        let before_5_14 = "pos:\t0\nflags:\t02000002\nmnt_id:\t9\n";
        assert_eq!(info(before_5_14.as_bytes()), None);
        let too_large = SOCKET.replace("8036", "4294967296");
        assert_eq!(info(too_large.as_bytes()), None);
    }

    #[test]
    fn sockets_are_found_behind_a_gap_and_files_are_not() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let far = rustix::io::fcntl_dupfd_cloexec(&socket, FAR as i32).unwrap();
        let file = File::open("/proc/self/status").unwrap();
        let own = format!("/proc/self/fdinfo/{}", far.as_raw_fd());
        let wanted = info(&std::fs::read(own).unwrap()).unwrap().inode;
        let process = File::open("/proc/self").unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        let sockets = Descriptors::of_sockets(&socket).unwrap();
        let Directory::Links(_) = Directory::open(&process).unwrap() else { panic!("own links") };
        let infos = openat(&process, "fdinfo", OFlags::RDONLY, Mode::empty()).unwrap();
        for directory in [Directory::open(&process).unwrap(), Directory::Infos(infos)] {
            let mut table = Table { directory, count: 0 };
            // All are listed, or all are tried.
            for count in [64, 4 * FAR] {
                table.count = count;
                let mut found = sockets.tried(&table, 0..count, until).unwrap().sockets;
                assert!(sockets.rest(&table, until, |inode| found.push(inode)).unwrap());
                assert_eq!(found.iter().filter(|inode| **inode == wanted).count(), 2);
            }
        }
        let of_file = std::fs::read(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).unwrap();
        assert_ne!(info(&of_file).unwrap().mount, sockets.mount);
    }

    proptest! {
        #[test]
        fn any_text_holds(text: Vec<u8>) {
            let _ = info(&text);
        }

        #[test]
        fn a_number_is_read_as_written(mount in 0_u32.., inode in 0_u32..) {
            let text = format!("pos:\t0\nmnt_id:\t{mount}\nino:\t{inode}\ntfd: 5\n");
            prop_assert_eq!(info(text.as_bytes()), Some(Info { mount, inode }));
        }
    }
}
