//! Lightning's `metrics.csv`: a row a logging, with the columns `epoch` and `step`, cells empty
//! where nothing was logged.

use super::error::{ImportError, malformed};
use super::event_folders::above_dates;
use super::kind::Kind;
use super::log::Run;
use super::wandb_api::push_rows;
use crate::files;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The columns that every such file has.
const COLUMNS: [&str; 2] = ["epoch", "step"];

/// Whether the first line of a CSV is that of such a file.
pub(super) fn is_header(line: &str) -> bool {
    COLUMNS
        .iter()
        .all(|column| line.split(',').any(|cell| cell.trim().trim_matches('"') == *column))
}

/// Reads one run a file, named by its folder; where a folder has but one
/// `lightning_logs/version_N`, by that folder.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<Run>, ImportError> {
    let folder = |path: &Path| path.parent().unwrap_or(Path::new("")).to_owned();
    let mut versions: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for above in paths.iter().filter_map(|path| above_dates(&folder(path))) {
        *versions.entry(above).or_default() += 1;
    }
    let mut runs = Vec::new();
    for path in paths {
        let wrong = |cause: csv::Error| malformed(path, Kind::Lightning, cause);
        let text = files::read_text(path)?;
        let mut reader =
            csv::Reader::from_reader(text.strip_prefix('\u{feff}').unwrap_or(&text).as_bytes());
        let header = reader.headers().map_err(wrong)?.clone();
        if !COLUMNS.iter().all(|column| header.iter().any(|found| found == *column)) {
            return Err(malformed(path, Kind::Lightning, "expected columns `epoch` and `step`"));
        }
        let rows = reader.records().collect::<Result<Vec<_>, _>>().map_err(wrong)?;
        let own = folder(path);
        let place =
            above_dates(&own).filter(|above| versions.get(above) == Some(&1)).unwrap_or(own);
        let name = place
            .file_name()
            .or(path.file_stem())
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mut run = Run::new(name, &place);
        push_rows(&mut run, "step", &header, &rows);
        run.series.retain(|metric, _| metric.key != "epoch");
        runs.push(run);
    }
    Ok(runs)
}
