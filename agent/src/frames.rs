//! Frames (`netdiag_wire::frame`) on a stream: in by a library's codec, out as head and bytes.

use std::io;

use bytes::{Buf, Bytes};
use netdiag_wire::frame::{FrameError, Kind, LENGTH_BYTES, MAX_FRAME_BYTES};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio_util::codec::{
    Decoder, LengthDelimitedCodec, length_delimited::LengthDelimitedCodecError,
};

/// Whole frames, their length included, so that they can be passed on as they are.
pub(crate) struct Frames(LengthDelimitedCodec);

/// One frame as it came.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    whole: Bytes,
}

/// Why there is no next frame.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Garbled {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("a frame of more than {MAX_FRAME_BYTES} bytes")]
    TooLong,
    #[error(transparent)]
    Frame(#[from] FrameError),
}

impl Default for Frames {
    fn default() -> Self {
        let codec = LengthDelimitedCodec::builder()
            .max_frame_length(MAX_FRAME_BYTES)
            .num_skip(0)
            .length_adjustment(LENGTH_BYTES as isize)
            .new_codec();
        Self(codec)
    }
}

impl Decoder for Frames {
    type Item = Frame;
    type Error = Garbled;

    fn decode(&mut self, from: &mut bytes::BytesMut) -> Result<Option<Frame>, Garbled> {
        let Some(whole) = self.0.decode(from).map_err(garbled)? else { return Ok(None) };
        let kind = Kind::of(&whole[LENGTH_BYTES..])?;
        Ok(Some(Frame { kind, whole: whole.freeze() }))
    }
}

fn garbled(error: io::Error) -> Garbled {
    let is_long = error.get_ref().is_some_and(|inner| inner.is::<LengthDelimitedCodecError>());
    if is_long { Garbled::TooLong } else { Garbled::Io(error) }
}

impl Frame {
    pub(crate) fn new(kind: Kind, carried: &[u8]) -> Self {
        let whole = [&kind.head(carried.len())[..], carried].concat().into();
        Self { kind, whole }
    }

    pub(crate) fn carried(&self) -> Bytes {
        self.whole.slice(LENGTH_BYTES + 1..)
    }

    /// As it is sent.
    pub(crate) fn whole(self) -> Bytes {
        self.whole
    }
}

/// Writes a frame without joining its parts.
pub(crate) async fn write(
    to: &mut (impl AsyncWrite + Unpin),
    kind: Kind,
    carried: &[u8],
) -> io::Result<()> {
    let head = kind.head(carried.len());
    to.write_all_buf(&mut head.chain(carried)).await
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::*;

    /// What is read from `bytes` when they come in pieces of `step`, and the most that was held.
    fn decode(bytes: &[u8], step: usize) -> (Vec<(Kind, Bytes)>, Option<String>, usize) {
        let (mut codec, mut buffer) = (Frames::default(), BytesMut::new());
        let (mut frames, mut most) = (Vec::new(), 0);
        for piece in bytes.chunks(step) {
            buffer.extend_from_slice(piece);
            loop {
                match codec.decode(&mut buffer) {
                    Ok(Some(frame)) => frames.push((frame.kind, frame.carried())),
                    Ok(None) => break,
                    Err(garbled) => return (frames, Some(garbled.to_string()), most),
                }
                most = most.max(buffer.capacity());
            }
            most = most.max(buffer.capacity());
        }
        (frames, None, most)
    }

    #[test]
    fn a_length_beyond_the_bound_is_refused_before_it_is_held() {
        for head in [&b"\xff\xff\xff\xffd"[..], b"\0\x01\0\x02d", b"\x80\0\0\0e"] {
            let (frames, error, most) = decode(head, 1);
            assert_eq!(
                (frames.len(), error.as_deref()),
                (0, Some("a frame of more than 65537 bytes"))
            );
            assert!(most < 1024, "{most} bytes held");
        }
    }

    proptest! {
        #[test]
        fn what_is_sent_is_read_however_it_is_cut(
            carried in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..9),
            step in 1_usize..400,
        ) {
            let sent: Vec<_> = carried.iter().map(|bytes| Frame::new(Kind::Data, bytes)).collect();
            let sent: Vec<u8> = sent.into_iter().flat_map(Frame::whole).collect();
            let (frames, error, _) = decode(&sent, step);
            prop_assert_eq!(error, None);
            let read: Vec<_> = frames.iter().map(|(_, bytes)| bytes.to_vec()).collect();
            prop_assert_eq!(read, carried);
        }

        #[test]
        fn hostile_bytes_cost_a_bounded_buffer(
            bytes in prop::collection::vec(any::<u8>(), 0..2_000),
            step in 1_usize..400,
        ) {
            let (_, _, most) = decode(&bytes, step);
            prop_assert!(most <= 4 * MAX_FRAME_BYTES, "{} bytes held", most);
        }
    }
}
