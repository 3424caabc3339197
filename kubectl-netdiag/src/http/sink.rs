//! Where an answer's body goes, unpacked where that was asked for.

use std::{
    fs::File,
    io::{self, Write},
    path::PathBuf,
};

use bytes::Bytes;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use netdiag_wire::http::{HttpField, field};

use crate::stream::Output;

/// A body that is kept in memory is cut off here.
const MAX_KEPT: usize = 64 * 1024;

pub(crate) enum Sink {
    /// Nobody wants it: it is not sent back at all.
    Nowhere,
    Stdout(Output),
    /// Made with the first bytes, so that a request that fails leaves nothing behind.
    File(PathBuf, Option<File>),
    /// For this program itself.
    Kept(Vec<u8>),
}

/// A coding that can be undone (RFC 9110, section 8.4.1).
pub(super) enum Unpack {
    AsItIs,
    Gzip(MultiGzDecoder<Vec<u8>>),
    Zlib(ZlibDecoder<Vec<u8>>),
    /// `deflate` without the head that it must have, as some servers send it.
    Deflate(DeflateDecoder<Vec<u8>>),
    /// `deflate`, before its first byte.
    Undecided,
}

impl Sink {
    pub(super) fn is_wanted(&self) -> bool {
        !matches!(self, Self::Nowhere)
    }

    pub(super) async fn write(&mut self, bytes: Bytes) -> io::Result<()> {
        match self {
            Self::Nowhere => Ok(()),
            Self::Stdout(output) => output.write(bytes).await,
            Self::File(path, file) => {
                let file = match file {
                    Some(file) => file,
                    None => file.insert(File::options().write(true).create_new(true).open(path)?),
                };
                file.write_all(&bytes)
            }
            Self::Kept(kept) => {
                let room = MAX_KEPT - kept.len();
                kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
                Ok(())
            }
        }
    }

    /// Waits until everything is written.
    pub(super) async fn finish(self) -> io::Result<()> {
        match self {
            Self::Stdout(output) => output.finish().await,
            Self::File(_, Some(file)) => file.sync_all(),
            Self::File(_, None) | Self::Nowhere | Self::Kept(_) => Ok(()),
        }
    }
}

impl Unpack {
    /// By the answer's head; `br` and others stay packed.
    pub(super) fn of(fields: &[HttpField]) -> Self {
        let coding = field(fields, "content-encoding").map(|it| it.to_string().to_lowercase());
        match coding.as_deref() {
            Some("gzip" | "x-gzip") => Self::Gzip(MultiGzDecoder::new(Vec::new())),
            Some("deflate") => Self::Undecided,
            _ => Self::AsItIs,
        }
    }

    /// How many bytes to unpack at a time: a bomb makes a thousand of each.
    pub(super) fn at_once(&self) -> usize {
        const PACKED: usize = 4 * 1024;
        if matches!(self, Self::AsItIs) { usize::MAX } else { PACKED }
    }

    /// What these bytes come to.
    pub(super) fn take(&mut self, bytes: Bytes) -> io::Result<Bytes> {
        if let (Self::Undecided, [first, ..]) = (&*self, &bytes[..]) {
            let is_zlib = first & 0x0f == 8;
            *self = match is_zlib {
                true => Self::Zlib(ZlibDecoder::new(Vec::new())),
                false => Self::Deflate(DeflateDecoder::new(Vec::new())),
            };
        }
        let decoder: &mut dyn Write = match self {
            Self::AsItIs | Self::Undecided => return Ok(bytes),
            Self::Gzip(decoder) => decoder,
            Self::Zlib(decoder) => decoder,
            Self::Deflate(decoder) => decoder,
        };
        decoder.write_all(&bytes)?;
        decoder.flush()?;
        Ok(self.made())
    }

    /// What is left; an error where the end is missing.
    pub(super) fn finish(&mut self) -> io::Result<Bytes> {
        match self {
            Self::AsItIs | Self::Undecided => {}
            Self::Gzip(decoder) => decoder.try_finish()?,
            Self::Zlib(decoder) => decoder.try_finish()?,
            Self::Deflate(decoder) => decoder.try_finish()?,
        }
        Ok(self.made())
    }

    fn made(&mut self) -> Bytes {
        let made = match self {
            Self::AsItIs | Self::Undecided => return Bytes::new(),
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Zlib(decoder) => decoder.get_mut(),
            Self::Deflate(decoder) => decoder.get_mut(),
        };
        std::mem::take(made).into()
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write};

    use super::*;

    fn unpacked(coding: &str, packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut unpack = Unpack::of(&[HttpField::new("Content-Encoding", coding)]);
        let mut all = Vec::new();
        for byte in packed.chunks(1) {
            all.extend_from_slice(&unpack.take(Bytes::copy_from_slice(byte))?);
        }
        all.extend_from_slice(&unpack.finish()?);
        Ok(all)
    }

    #[test]
    fn codings_are_undone_byte_by_byte() {
        let text = b"hello hello hello".repeat(100);
        let mut gzip = write::GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&text).unwrap();
        assert_eq!(unpacked("gzip", &gzip.finish().unwrap()).unwrap(), text);
        let mut zlib = write::ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(&text).unwrap();
        assert_eq!(unpacked("deflate", &zlib.finish().unwrap()).unwrap(), text);
        let mut raw = write::DeflateEncoder::new(Vec::new(), Compression::best());
        raw.write_all(&text).unwrap();
        assert_eq!(unpacked("deflate", &raw.finish().unwrap()).unwrap(), text);
        assert_eq!(unpacked("br", b"as it is").unwrap(), b"as it is");
        for bad in [b"no gzip at all".as_slice(), b"short", &[]] {
            assert!(unpacked("gzip", bad).is_err(), "{bad:?}");
        }
    }
}
