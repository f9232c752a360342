//! TFRecord framing: records one after another, each with two checksums.
//!
//! ```text
//! u64 length · u32 crc(length) · data · u32 crc(data)      little endian
//! crc(x) = rot15(crc32c(x)) + 0xa282ead8
//! ```
//!
//! Source: `tensorflow/core/lib/io/record_writer.h`.

/// Bytes before and after the data of a record.
const HEAD: usize = 12;
const TAIL: usize = 4;

/// Why bytes are not a row of records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum RecordError {
    /// A checksum that is not that of the bytes before it.
    #[error("the checksum of the {part} at byte {at} is wrong")]
    Checksum { part: &'static str, at: usize },
}

/// The whole records of a file, and whether one at its end is cut short, as a writer at work leaves
/// it.
#[derive(Debug, PartialEq)]
pub(super) struct Records<'a> {
    pub whole: Vec<&'a [u8]>,
    pub truncated: bool,
}

/// The checksum of some bytes as the format writes it.
pub(super) fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Splits bytes into records.
pub(super) fn records(bytes: &[u8]) -> Result<Records<'_>, RecordError> {
    let mut whole = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let at = bytes.len() - rest.len();
        let Some(length) = length(rest, at)? else { return Ok(Records { whole, truncated: true }) };
        let data = rest.get(HEAD..).and_then(|rest| rest.split_at_checked(length));
        let Some((data, after)) = data else { return Ok(Records { whole, truncated: true }) };
        let Some((crc, after)) = after.split_first_chunk::<TAIL>() else {
            return Ok(Records { whole, truncated: true });
        };
        if u32::from_le_bytes(*crc) != masked_crc(data) {
            return Err(RecordError::Checksum { part: "data", at: at + HEAD });
        }
        whole.push(data);
        rest = after;
    }
    Ok(Records { whole, truncated: false })
}

/// Length of the record that starts here, checked; none where its head is cut short.
fn length(rest: &[u8], at: usize) -> Result<Option<usize>, RecordError> {
    let Some((length, after)) = rest.split_first_chunk::<8>() else { return Ok(None) };
    let Some((crc, _)) = after.split_first_chunk::<4>() else { return Ok(None) };
    if u32::from_le_bytes(*crc) != masked_crc(length) {
        return Err(RecordError::Checksum { part: "length", at });
    }
    // a length beyond the address space is beyond the end of the file as well
    Ok(Some(usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX)))
}

/// Whether bytes start like a record.
pub(super) fn starts_a_record(bytes: &[u8]) -> bool {
    matches!(length(bytes, 0), Ok(Some(_)))
}

#[cfg(test)]
pub(super) fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked_crc(&length).to_le_bytes(), data, &masked_crc(data).to_le_bytes()]
        .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_published_one() {
        // the first twelve bytes of every event file that starts with `brain.Event:2` and a wall
        // time: length 24
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283, "check value of CRC-32C");
        assert_eq!(masked_crc(&24u64.to_le_bytes()), u32::from_le_bytes([0xa3, 0x7f, 0x4b, 0x22]));
    }

    #[test]
    fn a_record_cut_short_ends_the_file_wherever_it_is_cut() {
        let whole = [record(b"one"), record(b""), record(b"three")].concat();
        assert_eq!(
            records(&whole).unwrap(),
            Records { whole: vec![b"one", b"", b"three"], truncated: false }
        );
        let two = record(b"one").len() + record(b"").len();
        for cut in two + 1..whole.len() {
            assert_eq!(
                records(&whole[..cut]).unwrap(),
                Records { whole: vec![b"one", b""], truncated: true },
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn a_flipped_bit_is_seen_in_every_byte() {
        let whole = [record(b"one"), record(b"two")].concat();
        for at in 0..whole.len() {
            let mut bad = whole.clone();
            bad[at] ^= 4;
            assert!(records(&bad).is_err(), "byte {at}");
        }
    }
}
