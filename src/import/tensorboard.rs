//! TensorBoard event files: scalars of `Event` messages in TFRecord framing.
//!
//! ```text
//! Event { 2: int64 step, 5: Summary { 1: Value { 1: tag, 2: float simple_value, 8: TensorProto } } }
//! TensorProto { 1: dtype, 4: tensor_content, 5: float_val, 6: double_val }
//! ```
//!
//! Torch and Hugging Face write `simple_value`; TensorFlow 2 writes a tensor of one element.
//! Source: `event.proto`, `summary.proto` and `tensor.proto` of TensorFlow. All else in the messages is skipped.

use super::error::{ImportError, malformed};
use super::kind::Kind;
use super::log::{Run, name_of_folder};
use super::tfrecord;
use crate::files;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Types of tensors that hold scalars.
const DT_FLOAT: u64 = 1;
const DT_DOUBLE: u64 = 2;

/// One field of a message, by its wire type.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Field<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32([u8; 4]),
    Bytes(&'a [u8]),
}

/// A scalar of an event.
#[derive(Debug, PartialEq)]
struct Scalar {
    tag: String,
    step: i64,
    value: f64,
}

/// Reads one run a folder: a restarted run leaves several files in it.
pub(super) fn read(paths: &[PathBuf], notes: &mut Vec<String>) -> Result<Vec<Run>, ImportError> {
    let mut folders: BTreeMap<&Path, Vec<&Path>> = BTreeMap::new();
    for path in paths {
        folders.entry(path.parent().unwrap_or(Path::new(""))).or_default().push(path);
    }
    folders.into_iter().map(|(folder, files)| run(folder, &files, notes)).collect()
}

/// One run; a step logged again replaces the earlier value.
fn run(folder: &Path, files: &[&Path], notes: &mut Vec<String>) -> Result<Run, ImportError> {
    let mut values = BTreeMap::new();
    for path in files {
        values.extend(scalars(path, notes)?.into_iter().map(|scalar| ((scalar.tag, scalar.step), scalar.value)));
    }
    let mut run = Run::new(files.first().map_or_else(String::new, |file| name_of_folder(file)), folder);
    for ((tag, step), value) in values {
        run.push(&tag, Some(step as f64), value);
    }
    Ok(run)
}

fn scalars(path: &Path, notes: &mut Vec<String>) -> Result<Vec<Scalar>, ImportError> {
    let bytes = files::read(path)?;
    let records = tfrecord::records(&bytes).map_err(|error| malformed(path, Kind::Tensorboard, error))?;
    if records.truncated {
        notes.push(format!("the last record of `{}` is cut short and left out", path.display()));
    }
    let events =
        records.whole.iter().enumerate().map(|(index, record)| {
            event(record).ok_or_else(|| malformed(path, Kind::Tensorboard, format!("record {index} is not an event")))
        });
    Ok(events.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// The scalars of one event; none where the bytes are no message.
fn event(bytes: &[u8]) -> Option<Vec<Scalar>> {
    let mut step = 0;
    let mut values = Vec::new();
    for (number, field) in fields(bytes)? {
        match (number, field) {
            // int64 goes over the wire as its two's complement
            (2, Field::Varint(value)) => step = value as i64,
            (5, Field::Bytes(summary)) => {
                for (number, field) in fields(summary)? {
                    if let (1, Field::Bytes(value)) = (number, field) {
                        values.extend(summary_value(value)?);
                    }
                }
            }
            _ => {}
        }
    }
    Some(values.into_iter().map(|(tag, value)| Scalar { tag, step, value }).collect())
}

/// Tag and scalar of a summary's value; an inner `None` is a value that is no scalar, such as an image.
fn summary_value(bytes: &[u8]) -> Option<Option<(String, f64)>> {
    let (mut tag, mut scalar) = (None, None);
    for (number, field) in fields(bytes)? {
        match (number, field) {
            (1, Field::Bytes(text)) => tag = Some(std::str::from_utf8(text).ok()?.to_owned()),
            (2, Field::Fixed32(value)) => scalar = Some(f64::from(f32::from_le_bytes(value))),
            (8, Field::Bytes(message)) => scalar = tensor(&fields(message)?).or(scalar),
            _ => {}
        }
    }
    Some(tag.zip(scalar))
}

/// The only element of a tensor of floats, which stands in one of three places.
fn tensor(fields: &[(u64, Field<'_>)]) -> Option<f64> {
    let dtype = fields.iter().find_map(|field| match field {
        (1, Field::Varint(dtype)) => Some(*dtype),
        _ => None,
    });
    let float = |bytes: &[u8]| Some(f64::from(f32::from_le_bytes(bytes.try_into().ok()?)));
    let double = |bytes: &[u8]| Some(f64::from_le_bytes(bytes.try_into().ok()?));
    fields.iter().find_map(|&(number, field)| match (dtype?, number, field) {
        (DT_FLOAT, 4 | 5, Field::Bytes(bytes)) => float(bytes),
        (DT_FLOAT, 5, Field::Fixed32(bytes)) => float(&bytes),
        (DT_DOUBLE, 4 | 6, Field::Bytes(bytes)) => double(bytes),
        (DT_DOUBLE, 6, Field::Fixed64(bytes)) => double(&bytes),
        _ => None,
    })
}

/// The fields of a protobuf message; none where the bytes are no message.
fn fields(mut bytes: &[u8]) -> Option<Vec<(u64, Field<'_>)>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let field = match key & 7 {
            0 => Field::Varint(varint(&mut bytes)?),
            1 => Field::Fixed64(*take::<8>(&mut bytes)?),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let (field, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                Field::Bytes(field)
            }
            5 => Field::Fixed32(*take::<4>(&mut bytes)?),
            _ => return None,
        };
        found.push((key >> 3, field));
    }
    Some(found)
}

fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (taken, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(taken)
}

/// A number in groups of seven bits, the lowest first.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for group in 0..10 {
        let [byte] = *take::<1>(bytes)?;
        value |= u64::from(byte & 0x7f) << (7 * group);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
