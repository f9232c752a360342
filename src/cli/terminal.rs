//! The terminal: results to stdout, everything else to stderr, progress bars where somebody
//! watches.

use super::failure::Failure;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
#[cfg(feature = "train")]
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, Write};
use std::sync::OnceLock;

/// Why results did not arrive, the first time that they did not.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// A line of results. One that does not arrive is told at the end, by [`all_said`]: the work goes
/// on, whose files are worth having.
pub(super) fn say(line: &str) {
    keep(writeln!(io::stdout().lock(), "{line}"));
}

/// Whether all results arrived, to the last byte. A reader who has gone away is no error.
pub(super) fn all_said() -> Result<(), Failure> {
    keep(io::stdout().lock().flush());
    LOST.get().map_or(Ok(()), |error| {
        Err(Failure::work(anyhow::anyhow!(
            "cannot write the results to the standard output: {error}"
        )))
    })
}

/// Keeps why a piece of results did not arrive.
pub(super) fn keep(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        LOST.get_or_init(|| error);
    }
}

/// A line beside the results: progress, warnings, errors.
pub(super) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// A table; columns of numbers are aligned to the right.
pub(super) fn table(headers: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let rows: Vec<Vec<String>> = rows.into_iter().collect();
    let number = |cell: &String| {
        cell.starts_with(|first: char| first.is_ascii_digit() || "+-\u{2212}?".contains(first))
    };
    let numbers: Vec<bool> = (0..headers.len())
        .map(|at| rows.iter().filter_map(|row| row.get(at)).all(number))
        .collect();
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(headers.to_vec());
    for row in rows {
        table.add_row(row);
    }
    for (column, _) in table.column_iter_mut().zip(numbers).filter(|(_, number)| *number) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let text = table.to_string();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Bars on a terminal; hidden elsewhere, where the lines between do their work.
#[cfg(feature = "train")]
pub(super) fn bars() -> MultiProgress {
    let target = if io::IsTerminal::is_terminal(&io::stderr()) {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    MultiProgress::with_draw_target(target)
}

/// A bar over units of work with the time left; `{msg}` says what is being done.
#[cfg(feature = "train")]
pub(super) fn bar(bars: &MultiProgress, length: u64, prefix: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{prefix:<10} [{bar:30}] {percent:>3} %  {eta:>4} left  {msg}",
    );
    let bar = bars.add(ProgressBar::new(length).with_prefix(prefix.to_owned()));
    style.map_or(bar.clone(), |style| bar.with_style(style.progress_chars("=> ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_right_and_words_left() {
        let rows =
            [["a", "9", "x"], ["bcd", "+10", "yz"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(
            table(&["name", "pairs", "law"], rows),
            " name  pairs  law\n a         9  x\n bcd     +10  yz"
        );
    }
}
