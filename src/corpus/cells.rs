//! Rows of cells: TSV, whose cells stand between tabs as they are, and CSV, whose cells may have
//! quotes and line breaks.

use super::error::CorpusError;
use super::lines::{Lines, utf8};
use super::report::Reason;
use super::unpacked::{self, Stream};
use csv::{ByteRecord, ReaderBuilder, Terminator};
use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::path::Path;
use std::rc::Rc;

/// Most bytes of a row of CSV: a quote that is never closed makes one row of all that follows.
const MOST_ROW: u64 = 64 << 20;

/// Marks that stand between cells of what is called CSV; Excel writes the second where the comma is
/// that of decimals.
const BETWEEN: [u8; 3] = [b',', b';', b'\t'];

/// What is done with the cells of a row, given its line counted from 1; an error ends the reading.
pub(super) type Visit<'a> =
    &'a mut dyn FnMut(u64, Result<Vec<String>, Reason>) -> Result<(), CorpusError>;

/// Visits every row of a TSV file that is not empty; `lines` are those of the file.
pub(super) fn tsv(mut lines: Lines, visit: Visit<'_>) -> Result<(), CorpusError> {
    while let Some((number, line)) = lines.next()? {
        if !line.trim_ascii().is_empty() {
            visit(number, utf8(line).map(|line| line.split('\t').map(str::to_owned).collect()))?;
        }
    }
    Ok(())
}

/// Visits every row of a CSV file that is not empty.
pub(super) fn csv(path: &Path, visit: Visit<'_>) -> Result<(), CorpusError> {
    let mut stream = unpacked::open(path)?;
    let wrong = |cause: String| CorpusError::Csv { path: path.to_owned(), cause };
    let delimiter = delimiter(stream.fill_buf().map_err(|error| wrong(error.to_string()))?);
    let left = Rc::new(Cell::new(MOST_ROW));
    let stream = Bounded { stream, left: left.clone() };
    // a carriage return before the end of a line is left to the cell: as part of the end it would
    // count as a line of its own
    let mut builder = ReaderBuilder::new();
    let mut reader = builder
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .terminator(Terminator::Any(b'\n'))
        .from_reader(stream);
    let mut record = ByteRecord::new();
    loop {
        left.set(MOST_ROW);
        if !reader.read_byte_record(&mut record).map_err(|error| wrong(error.to_string()))? {
            return Ok(());
        }
        // the reader's own line is before empty lines that it skips; the last row may have no end
        let breaks: usize = record.iter().flatten().filter(|&&byte| byte == b'\n').count();
        let from_end = reader.position().line().saturating_sub(1 + breaks as u64);
        let line = record.position().map_or(0, csv::Position::line).max(from_end);
        if record.iter().any(|cell| !cell.trim_ascii().is_empty()) {
            let text =
                |cell| utf8(cell).map(|cell| cell.strip_suffix('\r').unwrap_or(cell).to_owned());
            visit(line, record.iter().map(text).collect())?;
        }
    }
}

/// The mark that stands between the cells of the first line, outside of quotes; a comma where none
/// does.
fn delimiter(start: &[u8]) -> u8 {
    let mut counts = [0; BETWEEN.len()];
    let mut quoted = false;
    for byte in start {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => break,
            _ if quoted => {}
            byte => BETWEEN
                .iter()
                .zip(&mut counts)
                .filter(|(mark, _)| *mark == byte)
                .for_each(|(_, count)| *count += 1),
        }
    }
    let most = (0..BETWEEN.len()).rev().max_by_key(|&index| counts[index]);
    most.map_or(b',', |index| BETWEEN[index])
}

/// A stream that ends with an error after so many bytes.
struct Bounded {
    stream: Stream,
    left: Rc<Cell<u64>>,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        let left = self.left.get().checked_sub(read as u64).ok_or_else(|| {
            let message = format!("a row is longer than {MOST_ROW} bytes; is a quote not closed?");
            io::Error::new(io::ErrorKind::InvalidData, message)
        })?;
        self.left.set(left);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files;

    #[test]
    fn quotes_line_breaks_and_other_marks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let expected =
            [(1, vec!["en", "tr"]), (2, vec!["a, \"b\"", "one\ntwo"]), (5, vec!["c;d", ""])];
        let comma = "en,tr\r\n\"a, \"\"b\"\"\",\"one\ntwo\"\r\n\r\nc;d,\r\n";
        let semicolon = "\u{feff}en;tr\n\"a, \"\"b\"\"\";\"one\ntwo\"\n\n\"c;d\";\n";
        for text in [comma, semicolon] {
            files::write(&path, text.as_bytes()).unwrap();
            let mut found = Vec::new();
            csv(&path, &mut |line, cells| {
                found.push((line, cells.unwrap()));
                Ok(())
            })
            .unwrap();
            assert_eq!(
                found,
                expected
                    .iter()
                    .map(|(line, cells)| (
                        *line,
                        cells.iter().map(|cell| (*cell).to_owned()).collect()
                    ))
                    .collect::<Vec<_>>()
            );
        }
        assert_eq!(delimiter(b"\"a,b,c\";d\n,,,,"), b';');
        assert_eq!(delimiter(b"a\tb"), b'\t');
        assert_eq!(delimiter(b"a"), b',');
    }
}
