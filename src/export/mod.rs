//! Export: an allocation → the files a trainer reads, with every count exact, as bytes.
//!
//! Sampling by probability draws only about the planned amounts, so each language gets a file of
//! exactly its rows and the trainer reads every row once. What the trainer does with rows that are
//! too long, or with a last batch that is not full, stands in `realised.csv` and in the README
//! beside it.

mod check;
mod data;
mod format;
mod parquet;
mod plan;
mod portion;
mod realised;
mod trainer;
mod trainers;

pub use data::DataFile;
pub use format::Format;
pub use plan::{Plan, Settings};
pub use portion::{Length, Portion, Row, Rows};
pub use trainer::{OnLong, Trainer};

/// Why an allocation could not be exported.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ExportError {
    /// No language has a pair.
    #[error("nothing to export: no language has a pair")]
    Empty,
    /// A name that cannot be part of a file name and of a list of names.
    #[error("`{found}` cannot name a file, expected letters, digits, `_` and `-`")]
    Name {
        /// The name.
        found: String,
    },
    /// Two portions of one language would write one file.
    #[error("`{lang}` is given twice, expected one portion a language")]
    Twice {
        /// The language.
        lang: String,
    },
    /// Pairs are wanted of a language that has none.
    #[error("`{lang}`: {pairs} pairs are allocated, but the corpus has none")]
    NoRows {
        /// The language.
        lang: String,
        /// Pairs allocated.
        pairs: u64,
    },
    /// The configuration does not go into YAML.
    #[error("cannot write the configuration as YAML: {cause}")]
    Yaml {
        /// What the writer said.
        cause: String,
    },
}

/// The files of one export. Small ones are ready; the data, which may be large, comes in chunks.
#[derive(Debug)]
pub struct Exported<'p> {
    /// Path, relative to the folder of the export, and bytes.
    pub files: Vec<(String, Vec<u8>)>,
    /// Data files.
    pub data: Vec<DataFile<'p>>,
    /// Command that starts the trainer, in the folder of the export; none where that is not known.
    pub start: Option<String>,
}

impl Exported<'_> {
    /// All files with all bytes in memory.
    pub fn into_files(self) -> Vec<(String, Vec<u8>)> {
        let data = self
            .data
            .iter()
            .map(|file| (file.path().to_owned(), file.chunks().flatten().collect()));
        let data: Vec<_> = data.collect();
        self.files.into_iter().chain(data).collect()
    }
}

/// Everything that the trainer of a plan needs; `realised.csv` and a README, which say what it will
/// read; and a program that checks it.
pub fn export<'p>(plan: &'p Plan<'_>) -> Result<Exported<'p>, ExportError> {
    let mut exported = trainers::files(plan)?;
    let check = check::program(plan, &exported.data);
    exported.files.push(("realised.csv".to_owned(), realised::table(plan).into_bytes()));
    exported.files.push(("README.md".to_owned(), realised::readme(plan, &exported).into_bytes()));
    exported.files.push(("check_counts.py".to_owned(), check.into_bytes()));
    Ok(exported)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three unique rows of a language, of which so many are drawn.
    pub(super) fn portion(name: &'static str, drawn: u64) -> Portion<'static> {
        let row = move |index: usize| Row {
            instruction: "Translate.".to_owned(),
            input: format!("{name} {}", ["one", "two", "three"][index]),
            output: "x\n\"y\"".to_owned(),
            to: name.to_owned(),
        };
        let validation = if name == "swh_Latn" { 2 } else { 0 };
        Portion {
            name: name.to_owned(),
            drawn,
            rows: Rows::new(3, row),
            validation: Rows::new(validation, row),
            lengths: None,
            replaced: 0,
        }
    }

    /// A plan of two languages with rows, the first of which repeats, and one without.
    pub(super) fn plan(trainer: Trainer, format: Format) -> Plan<'static> {
        let lengths =
            [(5, 9), (6, 10), (7, 12)].map(|(prompt, total)| Length { prompt, total }).to_vec();
        let portions = vec![
            portion("swh_Latn", 8),
            portion("fin_Latn", 0),
            Portion { lengths: Some(lengths), ..portion("tur_Latn", 2) },
        ];
        let settings = Settings { limit: 9, ..Settings::new(trainer, format) };
        Plan::new(
            settings,
            portions,
            "parallot 0.1.0 (rev 0123abc), input sha256 00ff",
            "0123abcd",
            7,
        )
        .unwrap()
    }

    /// The file of an export of a plan.
    pub(super) fn file(plan: &Plan, path: &str) -> String {
        let files = export(plan).unwrap().into_files();
        let paths: Vec<String> = files.iter().map(|(path, _)| path.clone()).collect();
        let found = files
            .into_iter()
            .find(|(found, _)| found == path)
            .unwrap_or_else(|| panic!("no {path} in {paths:?}"));
        String::from_utf8(found.1).unwrap()
    }

    #[test]
    fn every_trainer_gets_every_row_and_no_file_of_a_language_without() {
        for trainer in Trainer::ALL {
            for &format in trainer.formats() {
                let plan = plan(trainer, format);
                let exported = export(&plan).unwrap();
                let of = |name: &str| {
                    let named = exported
                        .data
                        .iter()
                        .filter(|file| file.path().contains(&format!("muit_{name}.")));
                    named.map(DataFile::count).collect::<Vec<_>>()
                };
                assert_eq!(
                    (of("swh_Latn"), of("tur_Latn"), of("fin_Latn")),
                    (vec![8], vec![2], vec![]),
                    "{trainer:?} {format:?}"
                );
                assert!(
                    exported.data.iter().all(|file| file.path().contains("0123abcd")),
                    "{trainer:?}: the plan in every path"
                );
                for (path, bytes) in exported.into_files() {
                    assert!(!bytes.is_empty() && !path.contains("fin"), "{trainer:?}: {path}");
                    assert!(
                        !String::from_utf8_lossy(&bytes).contains("fin_Latn"),
                        "{trainer:?}: {path}"
                    );
                }
            }
        }
    }
}
