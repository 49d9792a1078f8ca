//! Bounded inflation of gzip or zstd, told apart by their first bytes, not by their names.

use std::io::Read;

use bytes::Bytes;

use super::Refusal;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The bytes as they are compiled; compressed ones are inflated up to the limit.
pub fn inflate(bytes: Bytes, bytes_max: u64) -> Result<Bytes, Refusal> {
    if bytes.starts_with(&GZIP) {
        return read_all(flate2::read::MultiGzDecoder::new(&bytes[..]), "gzip", bytes_max);
    }
    if bytes.starts_with(&ZSTD) {
        let decoder = ruzstd::decoding::StreamingDecoder::new(&bytes[..]);
        let decoder = decoder.map_err(|error| Refusal::Inflate { format: "zstd", why: error.to_string() })?;
        return read_all(decoder, "zstd", bytes_max);
    }
    if bytes.len() as u64 > bytes_max {
        return Err(Refusal::TooLarge { bytes_max });
    }
    Ok(bytes)
}

fn read_all(reader: impl Read, format: &'static str, bytes_max: u64) -> Result<Bytes, Refusal> {
    let mut inflated = Vec::new();
    let mut bounded = reader.take(bytes_max.saturating_add(1));
    bounded.read_to_end(&mut inflated).map_err(|error| Refusal::Inflate { format, why: error.to_string() })?;
    if inflated.len() as u64 > bytes_max {
        return Err(Refusal::TooLarge { bytes_max });
    }
    Ok(inflated.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Bytes {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).expect("memory takes it");
        encoder.finish().expect("memory takes it").into()
    }

    fn zstd(bytes: &[u8]) -> Bytes {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest).into()
    }

    #[test]
    fn compressed_components_come_out_as_they_went_in() {
        let plain = Bytes::from_iter((0..100_000_u32).map(|n| n as u8));
        for packed in [plain.clone(), gzip(&plain), zstd(&plain)] {
            assert_eq!(inflate(packed, 100_000).expect("fits"), plain);
        }
    }

    /// T12: a bomb stops at the limit, whatever it would become.
    #[test]
    fn a_bomb_is_refused() {
        let bomb = vec![0; 20 << 20];
        for packed in [gzip(&bomb), zstd(&bomb)] {
            assert!(packed.len() < 100_000, "the bomb is small: {}", packed.len());
            assert!(matches!(inflate(packed, 1 << 20), Err(Refusal::TooLarge { .. })));
        }
        assert!(matches!(inflate(bomb.into(), 1 << 20), Err(Refusal::TooLarge { .. })));
    }

    /// T12: what is cut short is no component.
    #[test]
    fn a_truncated_file_is_refused() {
        let plain: Vec<u8> = (0..50_000_u32).map(|n| (n * n) as u8).collect();
        for packed in [gzip(&plain), zstd(&plain)] {
            let cut = packed.slice(..packed.len() / 2);
            assert!(matches!(inflate(cut, 1 << 20), Err(Refusal::Inflate { .. })));
        }
    }
}
