//! The code of a GOAWAY, which the library forgets when the server closes right behind it.

/// Length, type, flags and stream (RFC 9113, section 4.1).
const FRAME_HEAD: usize = 9;
/// And of GOAWAY the last stream and the code (section 6.8).
const GOAWAY_HEAD: usize = FRAME_HEAD + 8;
const GOAWAY: u8 = 7;

/// Follows what a server of HTTP/2 says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frames {
    /// The first bytes of the present frame.
    head: Vec<u8>,
    /// How much of its payload is still to come.
    left: usize,
    pub(crate) goaway: Option<u32>,
}

impl Frames {
    pub(crate) fn follow(&mut self, mut came: &[u8]) {
        while !came.is_empty() {
            let wanted = match self.head.len() {
                0..FRAME_HEAD => FRAME_HEAD - self.head.len(),
                _ => self.left,
            };
            let (taken, rest) = came.split_at(wanted.min(came.len()));
            came = rest;
            self.take(taken);
        }
    }

    fn take(&mut self, taken: &[u8]) {
        if self.head.len() >= FRAME_HEAD {
            self.left -= taken.len();
        }
        let room = GOAWAY_HEAD - self.head.len();
        self.head.extend_from_slice(&taken[..taken.len().min(room)]);
        if self.head.len() == FRAME_HEAD {
            self.left = usize::from(self.head[0]) << 16
                | usize::from(self.head[1]) << 8
                | usize::from(self.head[2]);
        }
        if let (Some(&GOAWAY), Some(code)) = (self.head.get(3), self.head.last_chunk())
            && self.head.len() == GOAWAY_HEAD
        {
            self.goaway = Some(u32::from_be_bytes(*code));
        }
        if self.head.len() >= FRAME_HEAD && self.left == 0 {
            self.head.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goaway_is_found_however_it_is_cut() {
        let settings = b"\0\0\0\x04\0\0\0\0\0";
        let data = b"\0\0\x21\0\0\0\0\0\x01\0\0\x08\x07 no frame of its own, is it\0\0";
        let goaway = b"\0\0\x0a\x07\0\0\0\0\0\0\0\0\x01\0\0\0\x0dhi";
        let said = [&settings[..], data, goaway, settings].concat();
        for size in [1, 2, 7, 9, 17, said.len()] {
            let mut frames = Frames::default();
            said.chunks(size).for_each(|piece| frames.follow(piece));
            assert_eq!(frames.goaway, Some(13), "in pieces of {size}");
        }
        let mut frames = Frames::default();
        frames.follow(&[&settings[..], data].concat());
        assert_eq!(frames.goaway, None);
    }
}
