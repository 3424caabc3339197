//! Bytes read from the front, never past their end.

#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn part(&mut self, count: usize) -> Option<Self> {
        self.take(count).map(Self)
    }

    /// Up to a byte that is there, which is taken too.
    pub(super) fn until(&mut self, end: u8) -> Option<&'a [u8]> {
        let at = self.0.iter().position(|byte| *byte == end)?;
        let taken = self.take(at)?;
        self.take(1)?;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn be24(&mut self) -> Option<usize> {
        self.array().map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]) as usize)
    }

    pub(super) fn le24(&mut self) -> Option<usize> {
        self.array().map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]) as usize)
    }

    pub(super) fn le32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// A BER element (X.690, definite lengths of at most four bytes): its tag and what is in it.
    pub(super) fn ber(&mut self) -> Option<(u8, Self)> {
        let tag = self.u8()?;
        let length = match self.u8()? {
            short @ 0..=0x7f => usize::from(short),
            long @ 0x81..=0x84 => {
                let octets = self.take(usize::from(long & 0x7f))?;
                octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet))
            }
            _ => return None,
        };
        Some((tag, self.part(length)?))
    }

    /// The next element, if it has that tag.
    pub(super) fn tagged(&mut self, wanted: u8) -> Option<Self> {
        self.ber().filter(|(tag, _)| *tag == wanted).map(|(_, inside)| inside)
    }
}
