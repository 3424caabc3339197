//! Netlink messages and their attributes (netlink(7)) as bytes; every length is the sender's word
//! and is checked.

use nix::libc;

/// nlmsghdr.
const HEADER: usize = 16;
/// nlattr.
const ATTRIBUTE: usize = 4;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Message<'a> {
    pub(crate) kind: u16,
    pub(crate) flags: u16,
    pub(crate) sequence: u32,
    pub(crate) body: &'a [u8],
}

/// A request to the kernel.
pub(crate) fn request(kind: u16, flags: i32, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = (HEADER + body.len()) as u32;
    let mut bytes = Vec::from(length.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend((flags as u16).to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    // The sender's port: the kernel knows it.
    bytes.extend([0; 4]);
    bytes.extend(body);
    bytes
}

/// Every whole message, in order; what is cut off or lies of its length ends it.
pub(crate) fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let length = u32_at(bytes, 0)? as usize;
        let message = Message {
            kind: u16_at(bytes, 4)?,
            flags: u16_at(bytes, 6)?,
            sequence: u32_at(bytes, 8)?,
            body: bytes.get(HEADER..length)?,
        };
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(message)
    })
}

/// Kind and value of each, in order, as far as their lengths are true.
pub(crate) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(bytes, 0)?);
        // Without the marks of nested values and of network byte order.
        let kind = u16_at(bytes, 2)? & libc::NLA_TYPE_MASK as u16;
        let value = bytes.get(ATTRIBUTE..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

pub(crate) fn attribute(bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    attributes(bytes).find_map(|(kind, value)| (kind == wanted).then_some(value))
}

/// In this machine's order, as the kernel writes all but addresses and ports.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_reads_back() {
        let bytes = [request(20, 0x301, 7, &[1, 2, 3]), vec![0], request(3, 0, 8, &[])].concat();
        let read: Vec<_> = messages(&bytes).collect();
        assert_eq!(read[0], Message { kind: 20, flags: 0x301, sequence: 7, body: &[1, 2, 3] });
        assert_eq!(read[1], Message { kind: 3, flags: 0, sequence: 8, body: &[] });
        assert_eq!(read.len(), 2);
    }

    #[test]
    fn lengths_that_lie_end_it() {
        for length in [0_u32, 3, 15, 4_000_000_000] {
            let mut bytes = request(20, 0, 0, &[0xff; 40]);
            bytes[..4].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(messages(&bytes).count(), 0, "{length}");
        }
        for length in [0_u8, 1, 3, 9, 255] {
            assert_eq!(attributes(&[length, 0, 1, 0, 1, 2, 3, 4]).count(), 0, "{length}");
        }
        assert_eq!(
            attribute(&[5, 0, 1, 0, 9, 0, 0, 0, 8, 0, 2, 0x80, 1, 2, 3, 4], 2).unwrap().len(),
            4
        );
    }
}
