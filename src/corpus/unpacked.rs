//! Files as they come, as a stream of UTF-8: plain or packed, in UTF-8 or in UTF-16 with its mark.

use super::error::CorpusError;
use crate::files::{self, FileError};
use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;
use zip::{CompressionMethod, ZipArchive};

/// Endings of the names of packed files.
const PACKED: [&str; 5] = [".gz", ".zst", ".xz", ".bz2", ".zip"];

/// Largest dictionary of an xz file, KiB: that of its best level is a quarter of it.
const MOST_DICTIONARY: u32 = 256 << 10;

/// A stream of bytes; of text where the file is one.
pub(super) type Stream = Box<dyn BufRead>;

/// The name of a file without the ending that says how it is packed, in lower case.
pub(super) fn plain_name(path: &Path) -> String {
    let name =
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().to_lowercase());
    PACKED.iter().find_map(|packed| name.strip_suffix(packed)).unwrap_or(&name).to_owned()
}

/// The text of a file, unpacked as its name says. What starts with the mark of UTF-16 becomes
/// UTF-8, other bytes stay as they are.
pub(super) fn open(path: &Path) -> Result<Stream, CorpusError> {
    let failed = |cause| FileError { action: "read", path: path.to_owned(), cause };
    let text = DecodeReaderBytesBuilder::new()
        .bom_sniffing(true)
        .utf8_passthru(true)
        .strip_bom(true)
        .build(unpacked(path)?);
    let mut text = BufReader::with_capacity(1 << 16, text);
    // the start is decoded here, so that an archive that is none is an error at once
    text.fill_buf().map_err(failed)?;
    Ok(Box::new(text))
}

/// The bytes of a file, unpacked as its name says.
pub(super) fn unpacked(path: &Path) -> Result<Stream, CorpusError> {
    let mut file = files::open(path)?;
    let name =
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().to_lowercase());
    let packed = PACKED.into_iter().find(|packed| name.ends_with(packed));
    let failed = |cause| FileError { action: "read", path: path.to_owned(), cause };
    // to some decoders a file of no bytes is a finished one; it is what an interrupted copy leaves
    if packed.is_some() && file.fill_buf().map_err(failed)?.is_empty() {
        return Err(failed(io::Error::from(io::ErrorKind::UnexpectedEof)).into());
    }
    Ok(match packed {
        Some(".gz") => Box::new(BufReader::new(MultiGzDecoder::new(file))),
        Some(".zst") => Box::new(BufReader::new(zstd::Decoder::with_buffer(file).map_err(failed)?)),
        Some(".xz") => Box::new(BufReader::new(lzma_rust2::XzReader::new_mem_limit(
            file,
            true,
            MOST_DICTIONARY,
        ))),
        Some(".bz2") => Box::new(BufReader::new(bzip2::bufread::MultiBzDecoder::new(file))),
        Some(".zip") => member(path, file)?,
        _ => Box::new(file),
    })
}

/// The only file in a zip archive, beside licences and notes.
fn member<R: BufRead + Seek + 'static>(path: &Path, file: R) -> Result<Stream, CorpusError> {
    let wrong = |cause: String| CorpusError::Zip { path: path.to_owned(), cause };
    let mut archive = ZipArchive::new(file).map_err(|error| wrong(error.to_string()))?;
    let mut found = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|error| wrong(error.to_string()))?;
        let name = entry.name().map_err(|error| wrong(error.to_string()))?.into_owned();
        if entry.is_file() && !is_note(&name) {
            found.push((
                name,
                entry.data_start(),
                entry.compressed_size(),
                entry.compression(),
                entry.encrypted(),
            ));
        }
    }
    let (start, size, method) = match found.as_slice() {
        [(_, Some(start), size, method, false)] => (*start, *size, *method),
        [(name, ..)] => {
            return Err(wrong(format!(
                "`{name}` in it cannot be read, expected a file without a password"
            )));
        }
        [] => return Err(wrong("it holds no file".to_owned())),
        several => {
            let names: Vec<String> =
                several.iter().take(4).map(|(name, ..)| format!("`{name}`")).collect();
            return Err(wrong(format!(
                "it holds {} files, {}, expected one: unpack it and name them",
                several.len(),
                names.join(", ")
            )));
        }
    };
    let mut file = archive.into_inner();
    file.seek(SeekFrom::Start(start)).map_err(|cause| FileError {
        action: "read",
        path: path.to_owned(),
        cause,
    })?;
    let packed = file.take(size);
    match method {
        CompressionMethod::Stored => Ok(Box::new(packed)),
        CompressionMethod::DEFLATE => Ok(Box::new(BufReader::new(DeflateDecoder::new(packed)))),
        other => Err(wrong(format!("its file is packed with {other:?}, expected deflate or none"))),
    }
}

/// Whether a file of an archive goes with the text and is none.
fn is_note(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name).to_lowercase();
    name.starts_with("__MACOSX/")
        || file.starts_with('.')
        || ["readme", "license", "licence"].iter().any(|note| file.starts_with(note))
}
