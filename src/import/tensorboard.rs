//! TensorBoard event files: scalars of `Event` messages in TFRecord framing.
//!
//! ```text
//! Event { 1: double wall_time, 2: int64 step, 5: Summary { 1: Value } }
//! Value { 1: tag, 2: float simple_value, 8: TensorProto }
//! TensorProto { 1: dtype, 4: tensor_content, 5: float_val, 6: double_val }
//! ```
//!
//! Torch and Hugging Face write `simple_value`; TensorFlow 2 writes a tensor of one element.
//! Source: `event.proto`, `summary.proto` and `tensor.proto` of TensorFlow. All else in the
//! messages is skipped.

use super::error::{ImportError, malformed};
use super::event_folders::{self, Folder};
use super::kind::Kind;
use super::log::Run;
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

/// Reads the runs of some event files; a restarted run leaves several files in a folder, or several
/// folders.
pub(super) fn read(paths: &[PathBuf], notes: &mut Vec<String>) -> Result<Vec<Run>, ImportError> {
    let mut folders: BTreeMap<&Path, Vec<&Path>> = BTreeMap::new();
    for path in paths {
        folders.entry(path.parent().unwrap_or(Path::new(""))).or_default().push(path);
    }
    let folders = folders
        .into_iter()
        .map(|(path, files)| folder(path, &files, notes))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(event_folders::runs(folders, notes))
}

/// One folder; a step logged again replaces the earlier value.
fn folder(path: &Path, files: &[&Path], notes: &mut Vec<String>) -> Result<Folder, ImportError> {
    let mut logs = files.iter().map(|file| scalars(file, notes)).collect::<Result<Vec<_>, _>>()?;
    logs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let start = logs.first().map_or(0.0, |(start, _)| *start);
    let values = logs
        .into_iter()
        .flat_map(|(_, scalars)| scalars)
        .map(|scalar| ((scalar.tag, scalar.step), scalar.value))
        .collect();
    Ok(Folder { path: path.to_owned(), start, values })
}

/// When a file was begun, seconds, and its scalars.
fn scalars(path: &Path, notes: &mut Vec<String>) -> Result<(f64, Vec<Scalar>), ImportError> {
    let bytes = files::read(path)?;
    let records =
        tfrecord::records(&bytes).map_err(|error| malformed(path, Kind::Tensorboard, error))?;
    if records.truncated {
        notes.push(format!("the last record of `{}` is cut short and left out", path.display()));
    }
    let events = records.whole.iter().enumerate().map(|(index, record)| {
        event(record).ok_or_else(|| {
            malformed(path, Kind::Tensorboard, format!("record {index} is not an event"))
        })
    });
    let events = events.collect::<Result<Vec<_>, _>>()?;
    // clocks of events may be those of other machines; the name has the time at which the file was
    // made
    let start = made_at(path).or(events.first().map(|(time, _)| *time)).unwrap_or(0.0);
    Ok((start, events.into_iter().flat_map(|(_, scalars)| scalars).collect()))
}

/// The seconds in the name of an event file, `events.out.tfevents.SECONDS.HOST`.
fn made_at(path: &Path) -> Option<f64> {
    let name = path.file_name()?.to_string_lossy();
    name.split_once("tfevents.")?.1.split('.').next()?.parse().ok()
}

/// When an event was written, seconds, and its scalars; none where the bytes are no message.
fn event(bytes: &[u8]) -> Option<(f64, Vec<Scalar>)> {
    let (mut time, mut step) = (0.0, 0);
    let mut values = Vec::new();
    for (number, field) in fields(bytes)? {
        match (number, field) {
            (1, Field::Fixed64(value)) => time = f64::from_le_bytes(value),
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
    Some((time, values.into_iter().map(|(tag, value)| Scalar { tag, step, value }).collect()))
}

/// Tag and scalar of a summary's value; an inner `None` is a value that is no scalar, such as an
/// image.
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
