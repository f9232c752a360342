//! Lines of plain and compressed files, one at a time.

use super::error::CorpusError;
use crate::files::{self, FileError};
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// How much of a file is read into memory: a few megabytes of an archive can hold a line, or lines, of many gigabytes.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Bytes of a line.
    line: u64,
    /// Lines.
    lines: u64,
    /// Bytes of all lines.
    bytes: u64,
}

/// For files whose lines are looked at one by one, and of which repeats are dropped.
const STREAM: Bounds = Bounds { line: 64 << 20, lines: u64::MAX, bytes: u64::MAX };
/// For files whose lines are all kept.
const TABLE: Bounds = Bounds { lines: 10_000_000, bytes: 1 << 30, ..STREAM };

/// The lines of a file, without their ends and without a byte order mark; compressed if the name ends so.
///
/// A damaged or truncated archive is an error at the line where it shows, never an early end.
pub(super) struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead>,
    line: Vec<u8>,
    number: u64,
    bytes: u64,
    bounds: Bounds,
}

impl Lines {
    /// The lines of a file of which not all are kept.
    pub(super) fn open(path: &Path) -> Result<Self, CorpusError> {
        Lines::within(STREAM, path)
    }

    /// The lines of a file that are all kept.
    pub(super) fn of_table(path: &Path) -> Result<Self, CorpusError> {
        Lines::within(TABLE, path)
    }

    fn within(bounds: Bounds, path: &Path) -> Result<Self, CorpusError> {
        let mut file = files::open(path)?;
        let packed = path.extension().and_then(|extension| extension.to_str());
        let failed = |cause| FileError { action: "read", path: path.to_owned(), cause };
        // to both decoders a file of no bytes is a finished one; it is what an interrupted copy leaves
        if matches!(packed, Some("gz" | "zst")) && file.fill_buf().map_err(failed)?.is_empty() {
            return Err(failed(io::Error::from(io::ErrorKind::UnexpectedEof)).into());
        }
        let reader: Box<dyn BufRead> = match packed {
            Some("gz") => Box::new(BufReader::new(MultiGzDecoder::new(file))),
            Some("zst") => Box::new(BufReader::new(zstd::Decoder::with_buffer(file).map_err(failed)?)),
            _ => Box::new(file),
        };
        Ok(Lines { path: path.to_owned(), reader, line: Vec::new(), number: 0, bytes: 0, bounds })
    }

    /// The next line and its number, counted from 1.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &[u8])>, CorpusError> {
        self.line.clear();
        let read = self.reader.by_ref().take(self.bounds.line + 1).read_until(b'\n', &mut self.line);
        let read = read.map_err(|cause| FileError { action: "read", path: self.path.clone(), cause })?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.bytes += read as u64;
        self.check(read as u64)?;
        let mut line = self.line.as_slice();
        if self.number == 1 {
            line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        }
        line = line.strip_suffix(b"\n").unwrap_or(line);
        line = line.strip_suffix(b"\r").unwrap_or(line);
        Ok(Some((self.number, line)))
    }

    fn check(&self, read: u64) -> Result<(), CorpusError> {
        let Bounds { line: longest, lines, bytes } = self.bounds;
        let path = || self.path.clone();
        let large = |most, what| Err(CorpusError::LargeTable { path: path(), most, what });
        match () {
            () if read > longest => Err(CorpusError::LongLine { path: path(), line: self.number, longest }),
            () if self.number > lines => large(lines, "lines"),
            () if self.bytes > bytes => large(bytes, "bytes"),
            () => Ok(()),
        }
    }

    /// How many lines the file has; reads it to its end.
    pub(super) fn count(mut self) -> Result<u64, CorpusError> {
        while self.next()?.is_some() {}
        Ok(self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn lines(name: &str, bytes: &[u8]) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        files::write(&folder.path().join(name), bytes).unwrap();
        let mut lines = Lines::open(&folder.path().join(name)).map_err(|error| error.to_string())?;
        let mut found = Vec::new();
        while let Some((number, line)) = lines.next().map_err(|error| error.to_string())? {
            found.push(format!("{number} {}", String::from_utf8_lossy(line)));
        }
        Ok(found)
    }

    /// Text that does not compress well, so that every cut of the archive loses some of it.
    fn long_text() -> Vec<u8> {
        (0..2000u64).flat_map(|i| format!("{}\n", i.wrapping_mul(0x9E37_79B9_7F4A_7C15)).into_bytes()).collect()
    }

    #[test]
    fn marks_and_line_ends_are_removed() {
        let text = b"\xEF\xBB\xBFone\r\ntwo\n\nfour";
        let expected = ["1 one", "2 two", "3 ", "4 four"];
        assert_eq!(lines("a.txt", text).unwrap(), expected);
        assert_eq!(lines("a.txt.gz", &gzip(text)).unwrap(), expected);
        assert_eq!(lines("a.txt.zst", &zstd::encode_all(&text[..], 3).unwrap()).unwrap(), expected);
    }

    #[test]
    fn a_line_without_end_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let text = b"12345678\n123456789\n1";
        for (name, bytes) in [("a.txt", text.to_vec()), ("a.txt.gz", gzip(text))] {
            let path = folder.path().join(name);
            files::write(&path, &bytes).unwrap();
            let mut lines = Lines::within(Bounds { line: 9, ..STREAM }, &path).unwrap();
            assert_eq!(lines.next().unwrap(), Some((1, &b"12345678"[..])));
            let error = lines.next().unwrap_err().to_string();
            assert_eq!(error, format!("`{}` line 2 is longer than 9 bytes, expected a line for each row", path.display()));
            for (bounds, what) in [(Bounds { lines: 1, ..TABLE }, "1 lines"), (Bounds { bytes: 12, ..TABLE }, "12 bytes")] {
                let mut lines = Lines::within(bounds, &path).unwrap();
                lines.next().unwrap();
                let error = lines.next().unwrap_err().to_string();
                assert_eq!(error, format!("`{}` has more than {what}, expected a table of at most that", path.display()));
            }
        }
    }

    #[test]
    fn archives_of_several_members_are_read_whole() {
        let both = [gzip(b"one\n"), gzip(b"two\n")].concat();
        assert_eq!(lines("a.gz", &both).unwrap(), ["1 one", "2 two"]);
    }

    #[test]
    fn archives_cut_anywhere_are_errors_that_name_the_file() {
        let text = long_text();
        for (name, whole) in [("a.jsonl.gz", gzip(&text)), ("a.jsonl.zst", zstd::encode_all(&text[..], 3).unwrap())] {
            assert_eq!(lines(name, &whole).unwrap().len(), 2000);
            for cut in [0, 1, 5, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
                let error = lines(name, &whole[..cut]).unwrap_err();
                assert_eq!(error.matches(name).count(), 1, "cut at {cut}: {error}");
            }
        }
    }

    #[test]
    fn a_plain_file_under_a_packed_name_is_an_error() {
        assert!(lines("a.gz", b"plain text\n").is_err());
        assert!(lines("a.zst", b"plain text\n").is_err());
    }
}
