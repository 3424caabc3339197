//! Reading a message from front to back, never beyond its end.

use super::name::{MAX_OCTETS, Name};

/// More cannot be needed: each leads to a label of at least two octets.
const MAX_POINTERS: usize = MAX_OCTETS / 2;

/// What cannot be read, in words.
pub(super) type Fault = &'static str;

#[cfg(test)]
thread_local! {
    /// Reads so far, by which tests see how much work a message makes.
    pub(super) static STEPS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// A place in a message, and where the part that is read ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    message: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { message, at: 0, end: message.len() }
    }

    pub(super) fn left(&self) -> usize {
        self.end - self.at
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        #[cfg(test)]
        STEPS.set(STEPS.get() + 1);
        if count > self.left() {
            return Err("ends too early");
        }
        let bytes = self.message.get(self.at..self.at + count).ok_or("ends too early")?;
        self.at += count;
        Ok(bytes)
    }

    pub(super) fn rest(&mut self) -> &'a [u8] {
        self.bytes(self.left()).unwrap_or_default()
    }

    pub(super) fn u8(&mut self) -> Result<u8, Fault> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.bytes(N)?.try_into().map_err(|_| "ends too early")
    }

    /// Bytes behind a length octet.
    pub(super) fn counted(&mut self) -> Result<&'a [u8], Fault> {
        let count = self.u8()?;
        self.bytes(count.into())
    }

    /// The next `count` bytes as a part of their own; pointers in it still reach the whole message.
    pub(super) fn part(&mut self, count: usize) -> Result<Self, Fault> {
        let at = self.at;
        self.bytes(count)?;
        Ok(Self { message: self.message, at, end: at + count })
    }

    /// A name, of which the end may stand anywhere before it (RFC 1035, section 4.1.4).
    pub(super) fn name(&mut self) -> Result<Name, Fault> {
        let mut wire = Vec::with_capacity(32);
        let mut reader = *self;
        let mut lowest = self.at;
        for pointers in 0..=MAX_POINTERS {
            let pointer = reader.labels(&mut wire)?;
            if pointers == 0 {
                self.at = reader.at;
            }
            let Some(pointer) = pointer else { return Ok(Name::from_wire(wire)) };
            if pointer >= lowest {
                return Err("has a compression pointer that does not lead back");
            }
            lowest = pointer;
            reader = Self { message: self.message, at: pointer, end: self.message.len() };
        }
        Err("has too many compression pointers")
    }

    /// A name that must not be compressed.
    pub(super) fn plain_name(&mut self) -> Result<Name, Fault> {
        let mut wire = Vec::with_capacity(32);
        match self.labels(&mut wire)? {
            None => Ok(Name::from_wire(wire)),
            Some(_) => Err("has a compression pointer where none is allowed"),
        }
    }

    /// Up to the root or to a pointer, which is given.
    fn labels(&mut self, wire: &mut Vec<u8>) -> Result<Option<usize>, Fault> {
        loop {
            let length = self.u8()?;
            match length >> 6 {
                0b00 => {
                    let label = self.bytes(length.into())?;
                    wire.push(length);
                    wire.extend_from_slice(label);
                    if wire.len() > MAX_OCTETS {
                        return Err("has a name of more than 255 octets");
                    }
                    if length == 0 {
                        return Ok(None);
                    }
                }
                0b11 => {
                    let low = self.u8()?;
                    return Ok(Some(usize::from(u16::from_be_bytes([length & 0x3f, low]))));
                }
                // RFC 6891, section 5 ended the one, nobody ever began the other.
                _ => return Err("has a label of an unknown kind"),
            }
        }
    }
}
