//! Byte streams: both bodies of a `POST` are frames, after one JSON line in the request's.
//!
//! A frame is a length of 32 bits (big-endian), a kind, and what it carries; the length counts the
//! kind. Event frames go to the caller only.

use crate::MAX_LINE_BYTES;

/// Media type of both bodies.
pub const CONTENT_TYPE: &str = "application/vnd.netdiag.stream";

/// Most bytes of one data frame.
pub const MAX_DATA_BYTES: usize = 64 * 1024;

/// Most that a frame's length may say.
pub const MAX_FRAME_BYTES: usize =
    1 + if MAX_DATA_BYTES > MAX_LINE_BYTES { MAX_DATA_BYTES } else { MAX_LINE_BYTES };

/// The length's own bytes.
pub const LENGTH_BYTES: usize = 4;

/// What a frame carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Kind {
    /// A [`crate::Line`] as JSON: first `accepted`, last `end` or `error`.
    Event = b'e',
    /// Bytes of the peer's, or for it; at least one.
    Data = b'd',
    /// Nothing: no data follows in this direction.
    End = b'z',
}

/// A frame that nobody of ours sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FrameError {
    #[error("a frame without a kind")]
    Empty,
    #[error("a frame of unknown kind {0:#04x}")]
    Kind(u8),
    #[error("a {0:?} frame of {1} bytes")]
    Length(Kind, usize),
}

impl Kind {
    /// Of a frame behind its length.
    pub fn of(frame: &[u8]) -> Result<Self, FrameError> {
        let (kind, carried) = frame.split_first().ok_or(FrameError::Empty)?;
        let (kind, bounds) = match kind {
            b'e' => (Self::Event, 1..=MAX_LINE_BYTES),
            b'd' => (Self::Data, 1..=MAX_DATA_BYTES),
            b'z' => (Self::End, 0..=0),
            kind => return Err(FrameError::Kind(*kind)),
        };
        match bounds.contains(&carried.len()) {
            true => Ok(kind),
            false => Err(FrameError::Length(kind, carried.len())),
        }
    }

    /// What stands before `carried` bytes, at most [`MAX_FRAME_BYTES`] - 1.
    pub fn head(self, carried: usize) -> [u8; LENGTH_BYTES + 1] {
        debug_assert!(carried < MAX_FRAME_BYTES);
        let [a, b, c, d] = (carried as u32 + 1).to_be_bytes();
        [a, b, c, d, self as u8]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn golden_frames() {
        assert_eq!(Kind::Data.head(2), [0, 0, 0, 3, b'd']);
        assert_eq!(Kind::Event.head(0x1_0000), [0, 1, 0, 1, b'e']);
        assert_eq!(Kind::End.head(0), [0, 0, 0, 1, b'z']);
        assert_eq!(MAX_FRAME_BYTES, 65_537);
    }

    #[test]
    fn what_nobody_sends_is_refused() {
        let long = [&b"d"[..], &[0; MAX_DATA_BYTES + 1]].concat();
        for (frame, error) in [
            (&b""[..], FrameError::Empty),
            (b"x", FrameError::Kind(b'x')),
            (b"d", FrameError::Length(Kind::Data, 0)),
            (b"e", FrameError::Length(Kind::Event, 0)),
            (b"zz", FrameError::Length(Kind::End, 1)),
            (&long, FrameError::Length(Kind::Data, MAX_DATA_BYTES + 1)),
        ] {
            assert_eq!(Kind::of(frame), Err(error));
        }
    }

    proptest! {
        #[test]
        fn a_head_says_what_follows(carried in 1..=MAX_DATA_BYTES) {
            let [a, b, c, d, kind] = Kind::Data.head(carried);
            prop_assert_eq!(u32::from_be_bytes([a, b, c, d]) as usize, carried + 1);
            let frame = [&[kind][..], &vec![0; carried]].concat();
            prop_assert_eq!(Kind::of(&frame), Ok(Kind::Data));
        }

        #[test]
        fn no_bytes_panic_it(frame: Vec<u8>) {
            let _ = Kind::of(&frame);
        }
    }
}
