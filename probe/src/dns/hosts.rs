//! The hosts file as each libc searches it: glibc 2.36 (`nss_files/files-hosts.c`) and musl 1.2.5
//! (`name_from_hosts` in `src/network/lookup_name.c`).
//!
//! glibc takes all lines that have the name where host.conf(5) says `multi on`, as it does in the
//! images of Debian, Fedora and their kin; it is taken to say so.

use std::net::{IpAddr, Ipv4Addr};

use netdiag_wire::{
    Family,
    dns::{HostsEntry, Libc},
};

use super::{
    literal::{inet_aton, inet_pton, v6_without_zone},
    resolv_conf::is_space,
};
use crate::names::MAX_FILE_BYTES;

/// musl has room for as many; a pod's file may have thousands.
const MAX_ADDRESSES: usize = 48;
/// musl reads a longer line in pieces of this size, each as a line of its own.
const MUSL_LINE: usize = 511;

/// `None` where the name is to be asked for; an entry without addresses where it is not, and yet
/// has none of this family.
pub(crate) fn find(contents: &[u8], name: &str, family: Family, libc: Libc) -> Option<HostsEntry> {
    let contents = &contents[..contents.len().min(MAX_FILE_BYTES)];
    let mut entry: Option<HostsEntry> = None;
    for (at, line) in contents.split_inclusive(|byte| *byte == b'\n').enumerate() {
        for found in in_line(line, name.as_bytes(), family, libc) {
            let entry = entry.get_or_insert_with(|| HostsEntry {
                name: found.name.to_vec().into(),
                addresses: Vec::new(),
                line: at as u32 + 1,
            });
            if entry.addresses.len() < MAX_ADDRESSES {
                entry.addresses.extend(found.address);
            }
        }
    }
    entry
}

struct Found<'a> {
    /// The first one of the line, which is the canonical one.
    name: &'a [u8],
    address: Option<IpAddr>,
}

fn in_line<'a>(line: &'a [u8], name: &[u8], family: Family, libc: Libc) -> Vec<Found<'a>> {
    match libc {
        Libc::Glibc => glibc(line, name, family).into_iter().collect(),
        Libc::Musl => line.chunks(MUSL_LINE).filter_map(|line| musl(line, name, family)).collect(),
    }
}

/// Names are compared without case; a line whose address is not of the family is passed over.
fn glibc<'a>(line: &'a [u8], name: &[u8], family: Family) -> Option<Found<'a>> {
    let text = line.split(|byte| matches!(byte, b'#' | 0)).next()?;
    let mut words = text.split(is_space).filter(|word| !word.is_empty());
    let address = of_family(inet_pton(words.next()?)?, family)?;
    let names: Vec<_> = words.collect();
    names
        .iter()
        .any(|word| word.eq_ignore_ascii_case(name))
        .then(|| Found { name: names[0], address: Some(address) })
}

/// Where IPv4 is asked for, an IPv6 line counts if it is IPv4's in disguise, or loopback.
fn of_family(address: IpAddr, family: Family) -> Option<IpAddr> {
    match (family, address) {
        (Family::Any, _) | (Family::V4, IpAddr::V4(_)) | (Family::V6, IpAddr::V6(_)) => {
            Some(address)
        }
        (Family::V4, IpAddr::V6(v6)) if v6.is_loopback() => Some(Ipv4Addr::LOCALHOST.into()),
        (Family::V4, IpAddr::V6(v6)) => v6.to_ipv4_mapped().map(IpAddr::from),
        (Family::V6, IpAddr::V4(_)) => None,
    }
}

/// The very name, white space before and after it: not at the end of a file that lacks its last
/// line feed. A line of another family keeps the name from being asked for.
fn musl<'a>(line: &'a [u8], name: &[u8], family: Family) -> Option<Found<'a>> {
    let text = line.split(|byte| *byte == 0).next()?;
    let comment = text.iter().position(|byte| *byte == b'#');
    // The comment's sign becomes a line feed.
    let text = comment.map_or(text, |at| &text[..at]);
    let ends = |at: usize| match text.get(at) {
        Some(byte) => is_space(byte),
        None => comment.is_some(),
    };
    let stands = |at: &usize| {
        is_space(&text[at - 1]) && text[*at..].starts_with(name) && ends(at + name.len())
    };
    (1..text.len()).find(stands)?;
    let mut words = text.split(is_space);
    let literal = words.next()?;
    let v6 = || v6_without_zone(literal).map(IpAddr::from);
    let address = inet_aton(literal).map(IpAddr::from).or_else(v6)?;
    let name = words.find(|word| !word.is_empty()).unwrap_or_default();
    Some(Found { name, address: Some(address).filter(|address| family.has(*address)) })
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use proptest::prelude::*;

    use super::*;

    const FILE: &str = "# Kubernetes-managed hosts file.\n\
        127.0.0.1\tlocalhost\n\
        ::1\tlocalhost ip6-localhost\n\
        \n\
        10.1.2.3  Web.shop.svc web # the pod itself\n\
        fd00::3 web\n\
        10.9.9.9 # web\n\
        nonsense web\n\
        0x0a.4 old\n\
        fd00::7 six\n\
        ::ffff:10.1.1.1 mapped\n  10.5.5.5 indented\n10.6.6.6 last";

    fn shown(file: &str, name: &str, family: Family, libc: Libc) -> String {
        find(file.as_bytes(), name, family, libc).map_or("-".into(), |entry| {
            let addresses: Vec<_> = entry.addresses.iter().map(IpAddr::to_string).collect();
            format!("{}:{} {}", entry.line, entry.name, addresses.join(" ")).trim_end().into()
        })
    }

    #[test]
    fn names_as_each_libc_finds_them() {
        use Family::{Any, V4, V6};
        for (name, family, glibc, musl) in [
            ("web", Any, "5:Web.shop.svc 10.1.2.3 fd00::3", "5:Web.shop.svc 10.1.2.3 fd00::3"),
            ("WEB", Any, "5:Web.shop.svc 10.1.2.3 fd00::3", "-"),
            ("web.", Any, "-", "-"),
            ("we", Any, "-", "-"),
            ("web", V4, "5:Web.shop.svc 10.1.2.3", "5:Web.shop.svc 10.1.2.3"),
            ("web", V6, "6:web fd00::3", "5:Web.shop.svc fd00::3"),
            ("localhost", Any, "2:localhost 127.0.0.1 ::1", "2:localhost 127.0.0.1 ::1"),
            ("localhost", V4, "2:localhost 127.0.0.1 127.0.0.1", "2:localhost 127.0.0.1"),
            ("six", V4, "-", "10:six"),
            ("old", Any, "-", "9:old 10.0.0.4"),
            ("mapped", V4, "11:mapped 10.1.1.1", "11:mapped"),
            ("indented", Any, "12:indented 10.5.5.5", "-"),
            ("last", Any, "13:last 10.6.6.6", "-"),
            ("pod", Any, "-", "-"),
            ("10.1.2.3", Any, "-", "-"),
        ] {
            for (libc, wanted) in [(Libc::Glibc, glibc), (Libc::Musl, musl)] {
                assert_eq!(shown(FILE, name, family, libc), wanted, "{name} {family:?} {libc:?}");
            }
        }
    }

    fn holds(bytes: &[u8]) {
        for libc in [Libc::Glibc, Libc::Musl] {
            for family in [Family::Any, Family::V4, Family::V6] {
                let found = find(bytes, "web", family, libc);
                let read = &bytes[..bytes.len().min(MAX_FILE_BYTES)];
                assert_eq!(find(read, "web", family, libc), found);
                if let Some(entry) = found {
                    assert!(entry.addresses.len() <= MAX_ADDRESSES);
                    assert!(read.windows(3).any(|window| window.eq_ignore_ascii_case(b"web")));
                }
                let more = [read, b"\nnot-an-address web\n"].concat();
                if libc == Libc::Glibc && more.len() <= MAX_FILE_BYTES {
                    assert_eq!(find(&more, "web", family, libc), find(read, "web", family, libc));
                }
            }
        }
    }

    /// Fuzz target 3, `hosts`: every file of the corpus, which fuzzing may add to.
    #[test]
    fn the_corpus_holds() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/hosts");
        let files =
            fs::read_dir(corpus).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
        assert!(files.inspect(|bytes| holds(bytes)).count() >= 12);
    }

    proptest! {
        #[test]
        fn any_bytes_hold(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            holds(&bytes);
        }

        #[test]
        fn any_likely_text_holds(
            lines in proptest::collection::vec(
                "[0-9a-f.:x% \t#]{0,20}[ \t](web|Web|x)?[ \t#]?(web)?",
                0..40,
            )
        ) {
            holds(lines.join("\n").as_bytes());
        }
    }
}
