//! Metadata JSON as it is stored: one raw deflate stream that can be framed as gzip without compressing again.

use std::cell::RefCell;

use bytes::Bytes;
use crc32fast::Hasher;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use crate::error::Error;

/// A JSON text, compressed once.
///
/// INVARIANT: `deflated` ends in a sync flush and holds no final block, so other blocks can follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    pub deflated: Bytes,
    pub crc32: u32,
    /// Bytes of the plain text.
    pub length: u64,
}

/// A gzip member's fixed start: deflate, no name, no time, unknown system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
const STORED_BLOCK_MAX: usize = 0xffff;

impl Packed {
    pub fn pack(plain: &[u8]) -> Result<Self, Error> {
        let deflated = deflate(plain)?;
        Ok(Self { deflated: Bytes::from(deflated), crc32: crc32fast::hash(plain), length: plain.len() as u64 })
    }

    /// The plain text, checked against its length and checksum.
    pub fn unpack(&self) -> Result<Bytes, Error> {
        let capacity = usize::try_from(self.length).map_err(Error::internal)?;
        let plain = inflate(&self.deflated, capacity)?;
        if plain.len() as u64 != self.length || crc32fast::hash(&plain) != self.crc32 {
            return Err(Error::internal(anyhow::anyhow!(
                "a stored document is damaged: {} bytes with another checksum instead of {} bytes",
                plain.len(),
                self.length
            )));
        }
        Ok(Bytes::from(plain))
    }

    /// One valid gzip member of `head`, this text, `tail`: what stands before it, the stream stays as it is, what follows.
    pub fn gzip_frame(&self, head: &[u8], tail: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let mut before = Vec::with_capacity(GZIP_HEADER.len() + head.len() + 16);
        before.extend_from_slice(&GZIP_HEADER);
        append_stored(&mut before, head, false);

        let mut checksum = Hasher::new();
        checksum.update(head);
        checksum.combine(&Hasher::new_with_initial_len(self.crc32, self.length));
        checksum.update(tail);
        let length = head.len() as u64 + self.length + tail.len() as u64;

        let mut after = Vec::with_capacity(tail.len() + 24);
        append_stored(&mut after, tail, true);
        after.extend_from_slice(&checksum.finalize().to_le_bytes());
        after.extend_from_slice(&((length & 0xffff_ffff) as u32).to_le_bytes());
        (before, after)
    }
}

/// The text as a raw deflate stream up to a sync flush.
///
/// The stream is driven by hand: the encoders of flate2 end a flush early once their own buffer was full, losing the rest.
fn deflate(plain: &[u8]) -> Result<Vec<u8>, Error> {
    ENCODER.with_borrow_mut(|encoder| {
        encoder.reset();
        let mut out = Vec::with_capacity(plain.len() / 6 + 64);
        loop {
            let rest = &plain[consumed(encoder.total_in(), plain)..];
            encoder.compress_vec(rest, &mut out, FlushCompress::Sync).map_err(Error::internal)?;
            // Room left over means that the flush is complete; no room, that there may be more.
            if out.len() < out.capacity() && encoder.total_in() == plain.len() as u64 {
                out.shrink_to_fit();
                return Ok(out);
            }
            out.reserve(out.capacity().max(64));
        }
    })
}

thread_local! {
    /// Its state takes 300 KB. Made anew for each commit, it would leave holes in the heap that the small documents kept
    /// in memory then tear apart: eight times what is in use was measured.
    static ENCODER: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(3), false));
}

/// What a stream without a final block says, `length` bytes of it at most.
fn inflate(deflated: &[u8], length: usize) -> Result<Vec<u8>, Error> {
    let mut decoder = Decompress::new(false);
    // One byte more than expected, so that a longer text is noticed.
    let mut out = Vec::with_capacity(length + 1);
    loop {
        let before = (decoder.total_in(), decoder.total_out());
        let rest = &deflated[consumed(decoder.total_in(), deflated)..];
        decoder.decompress_vec(rest, &mut out, FlushDecompress::Sync).map_err(Error::internal)?;
        if (decoder.total_in(), decoder.total_out()) == before || out.len() > length {
            return Ok(out);
        }
    }
}

/// How much of the input a stream has taken so far.
fn consumed(total_in: u64, input: &[u8]) -> usize {
    usize::try_from(total_in).unwrap_or(usize::MAX).min(input.len())
}

/// Appends `plain` as uncompressed deflate blocks; the last one is final if `ends` says so.
fn append_stored(out: &mut Vec<u8>, plain: &[u8], ends: bool) {
    let mut blocks = plain.chunks(STORED_BLOCK_MAX).peekable();
    if blocks.peek().is_none() && ends {
        out.extend_from_slice(&[1, 0, 0, 0xff, 0xff]);
    }
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        out.push(u8::from(ends && blocks.peek().is_none()));
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    fn framed(packed: &Packed, head: &[u8], tail: &[u8]) -> Vec<u8> {
        let (before, after) = packed.gzip_frame(head, tail);
        [before.as_slice(), &packed.deflated, &after].concat()
    }

    proptest! {
        #[test]
        fn a_frame_is_a_gzip_member_of_head_text_and_tail(
            head in proptest::collection::vec(any::<u8>(), 0..200),
            text in proptest::collection::vec(any::<u8>(), 0..5000),
            tail in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let packed = Packed::pack(&text).unwrap();
            let mut plain = Vec::new();
            GzDecoder::new(framed(&packed, &head, &tail).as_slice()).read_to_end(&mut plain).unwrap();
            prop_assert_eq!(plain, [head, text, tail].concat());
        }
    }

    #[test]
    fn large_texts_of_any_kind_come_back_whole() {
        let counted: String = (0..100_000).map(|number| format!("\"k{number}\":\"v\",")).collect();
        let mixed: Vec<u8> =
            (0..3_000_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for text in [counted.into_bytes(), mixed, vec![b'x'; 5_000_000], Vec::new()] {
            let packed = Packed::pack(&text).unwrap();
            assert!(packed.unpack().unwrap() == text, "{} bytes", text.len());
            let mut plain = Vec::new();
            GzDecoder::new(framed(&packed, b"", b"").as_slice()).read_to_end(&mut plain).unwrap();
            assert!(plain == text, "{} bytes", text.len());
        }
    }

    #[test]
    fn heads_over_one_stored_block_are_split() {
        let head = vec![b'x'; 200_000];
        let packed = Packed::pack(b"{}").unwrap();
        let mut plain = Vec::new();
        GzDecoder::new(framed(&packed, &head, b"").as_slice()).read_to_end(&mut plain).unwrap();
        assert_eq!(plain.len(), 200_002);
    }

    #[test]
    fn damage_is_noticed() {
        let mut packed = Packed::pack(b"{\"a\":1}").unwrap();
        assert_eq!(packed.unpack().unwrap().as_ref(), b"{\"a\":1}");
        packed.crc32 ^= 1;
        assert!(packed.unpack().is_err());
    }
}
