//! Lines of plain and compressed files, one at a time.

use super::error::CorpusError;
use super::report::Reason;
use super::unpacked::{self, Stream};
use crate::files::FileError;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

/// How much of a file is read into memory: a few megabytes of an archive can hold a line, or lines,
/// of many gigabytes.
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

/// The lines of a file, without their ends and without a byte order mark; packed if the name ends
/// so, UTF-16 if it starts so.
///
/// A damaged or truncated archive is an error at the line where it shows, never an early end.
pub(super) struct Lines {
    path: PathBuf,
    reader: Stream,
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
        let reader = unpacked::open(path)?;
        Ok(Lines { path: path.to_owned(), reader, line: Vec::new(), number: 0, bytes: 0, bounds })
    }

    /// The next line and its number, counted from 1.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &[u8])>, CorpusError> {
        self.line.clear();
        let read =
            self.reader.by_ref().take(self.bounds.line + 1).read_until(b'\n', &mut self.line);
        let read =
            read.map_err(|cause| FileError { action: "read", path: self.path.clone(), cause })?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.bytes += read as u64;
        self.check(read as u64)?;
        let mut line = self.line.as_slice();
        line = line.strip_suffix(b"\n").unwrap_or(line);
        line = line.strip_suffix(b"\r").unwrap_or(line);
        Ok(Some((self.number, line)))
    }

    fn check(&self, read: u64) -> Result<(), CorpusError> {
        let Bounds { line: longest, lines, bytes } = self.bounds;
        let path = || self.path.clone();
        let large = |most, what| Err(CorpusError::LargeTable { path: path(), most, what });
        match () {
            () if read > longest => {
                Err(CorpusError::LongLine { path: path(), line: self.number, longest })
            }
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

/// A line as text.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, Reason> {
    let text = std::str::from_utf8(bytes).map_err(|_| Reason::NotUtf8)?;
    // half of the lines of UTF-16 are UTF-8 by their bytes
    if text.contains('\0') { Err(Reason::Nul) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files;
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn bzip2(text: &[u8]) -> Vec<u8> {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zip(name: &str, text: &[u8]) -> Vec<u8> {
        let mut writer = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let stored = ::zip::write::SimpleFileOptions::default()
            .compression_method(::zip::CompressionMethod::Stored);
        for (name, text) in [("README", &b"notes"[..]), (name, text)] {
            writer.start_file(name, stored).unwrap();
            writer.write_all(text).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    /// Two lines as xz wrote them, and as Python packed them into a zip file.
    const XZ: &[u8] = &[
        253, 55, 122, 88, 90, 0, 0, 4, 230, 214, 180, 70, 2, 0, 33, 1, 22, 0, 0, 0, 116, 47, 229,
        163, 1, 0, 8, 111, 110, 101, 10, 116, 119, 195, 182, 10, 0, 0, 0, 0, 125, 71, 80, 23, 232,
        222, 220, 218, 0, 1, 33, 9, 108, 24, 197, 213, 31, 182, 243, 125, 1, 0, 0, 0, 0, 4, 89, 90,
    ];

    const ZIP: &[u8] = &[
        80, 75, 3, 4, 20, 0, 0, 0, 8, 0, 250, 77, 123, 93, 101, 190, 190, 227, 11, 0, 0, 0, 9, 0,
        0, 0, 5, 0, 0, 0, 97, 46, 116, 120, 116, 203, 207, 75, 229, 42, 41, 63, 188, 141, 11, 0,
        80, 75, 1, 2, 20, 3, 20, 0, 0, 0, 8, 0, 250, 77, 123, 93, 101, 190, 190, 227, 11, 0, 0, 0,
        9, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 1, 0, 0, 0, 0, 97, 46, 116, 120, 116,
        80, 75, 5, 6, 0, 0, 0, 0, 1, 0, 1, 0, 51, 0, 0, 0, 46, 0, 0, 0, 0, 0,
    ];

    fn lines(name: &str, bytes: &[u8]) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        files::write(&folder.path().join(name), bytes).unwrap();
        let mut lines =
            Lines::open(&folder.path().join(name)).map_err(|error| error.to_string())?;
        let mut found = Vec::new();
        while let Some((number, line)) = lines.next().map_err(|error| error.to_string())? {
            found.push(format!("{number} {}", String::from_utf8_lossy(line)));
        }
        Ok(found)
    }

    /// Text that does not compress well, so that every cut of the archive loses some of it.
    fn long_text() -> Vec<u8> {
        (0..2000u64)
            .flat_map(|i| format!("{}\n", i.wrapping_mul(0x9E37_79B9_7F4A_7C15)).into_bytes())
            .collect()
    }

    #[test]
    fn marks_and_line_ends_are_removed() {
        let text = b"\xEF\xBB\xBFone\r\ntwo\n\nfour";
        let expected = ["1 one", "2 two", "3 ", "4 four"];
        assert_eq!(lines("a.txt", text).unwrap(), expected);
        assert_eq!(lines("a.txt.gz", &gzip(text)).unwrap(), expected);
        assert_eq!(lines("a.txt.zst", &zstd::encode_all(&text[..], 3).unwrap()).unwrap(), expected);
        assert_eq!(lines("a.txt.bz2", &bzip2(text)).unwrap(), expected);
        assert_eq!(lines("A.TXT.ZIP", &zip("a.txt", text)).unwrap(), expected);
        assert_eq!(lines("a.txt.xz", XZ).unwrap(), ["1 one", "2 twö"]);
        assert_eq!(lines("a.zip", ZIP).unwrap(), ["1 one", "2 twö"]);
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            let utf16: Vec<u8> = "\u{feff}one\r\ntwö 𐐷".encode_utf16().flat_map(order).collect();
            assert_eq!(lines("a.txt", &utf16).unwrap(), ["1 one", "2 twö 𐐷"]);
            assert_eq!(lines("a.txt.gz", &gzip(&utf16)).unwrap(), ["1 one", "2 twö 𐐷"]);
        }
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
            assert_eq!(
                error,
                format!(
                    "`{}` line 2 is longer than 9 bytes, expected a line for each row",
                    path.display()
                )
            );
            for (bounds, what) in [
                (Bounds { lines: 1, ..TABLE }, "1 lines"),
                (Bounds { bytes: 12, ..TABLE }, "12 bytes"),
            ] {
                let mut lines = Lines::within(bounds, &path).unwrap();
                lines.next().unwrap();
                let error = lines.next().unwrap_err().to_string();
                assert_eq!(
                    error,
                    format!(
                        "`{}` has more than {what}, expected a table of at most that",
                        path.display()
                    )
                );
            }
        }
    }

    #[test]
    fn archives_of_several_members_are_read_whole() {
        let both = [gzip(b"one\n"), gzip(b"two\n")].concat();
        assert_eq!(lines("a.gz", &both).unwrap(), ["1 one", "2 two"]);
        assert_eq!(
            lines("a.bz2", &[bzip2(b"one\n"), bzip2(b"two\n")].concat()).unwrap(),
            ["1 one", "2 two"]
        );
        assert_eq!(lines("a.xz", &[XZ, XZ].concat()).unwrap().len(), 4);
    }

    #[test]
    fn archives_cut_anywhere_are_errors_that_name_the_file() {
        let text = long_text();
        let zst = zstd::encode_all(&text[..], 3).unwrap();
        for (name, whole) in [
            ("a.jsonl.gz", gzip(&text)),
            ("a.jsonl.zst", zst),
            ("a.jsonl.bz2", bzip2(&text)),
            ("a.zip", zip("a", &text)),
        ] {
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
        assert!(lines("a.xz", b"plain text\n").is_err());
        assert!(lines("a.bz2", b"plain text\n").is_err());
        assert!(lines("a.zip", b"plain text\n").is_err());
    }
}
