//! The library `datasets`: `load.py`, a program that loads the rows, asserts their counts and
//! shuffles them.
//!
//! Interleaving by probability draws only about the planned amounts; files of exact counts, one
//! after the other, are exact.

use super::Plan;
use crate::export::plan::{SEED, validation_name};
use crate::export::{DataFile, Exported};
use std::fmt::Write;

/// To be imported: `from load import train, validation`.
pub(super) fn files<'p>(plan: &'p Plan<'_>) -> Exported<'p> {
    let train = plan.train_files();
    let mut text = plan.head()
        + "\"\"\"`from load import train, validation`: the rows of the plan, and those to validate \
        on per language.\"\"\"\n\n";
    text +=
        "from pathlib import Path\n\nfrom datasets import concatenate_datasets, load_dataset\n\n";
    text += "HOME = Path(__file__).resolve().parent\n# rows of each language\nTRAIN = {\n";
    for (file, portion) in train.iter().zip(&plan.portions) {
        let _ =
            writeln!(text, "    \"{}\": (\"{}\", {}),", portion.name, file.path(), file.count());
    }
    text += "}\nVALIDATION = {\n";
    for portion in plan.validated() {
        let _ = writeln!(
            text,
            "    \"{}\": \"{}\",",
            portion.name,
            plan.path(&validation_name(portion))
        );
    }
    let _ = write!(
        text,
        "}}\n{PROGRAM}train = \
        concatenate_datasets(list(parts.values())).shuffle(seed={SEED})\n{END}"
    );
    let data: Vec<DataFile> = train.into_iter().chain(plan.validation_files()).collect();
    Exported {
        files: vec![("load.py".to_owned(), text.into_bytes())],
        data,
        start: Some("python3 load.py".to_owned()),
    }
}

const PROGRAM: &str = r#"

def read(path):
    return load_dataset("json", data_files=str(HOME / path), split="train")


parts = {lang: read(path) for lang, (path, _) in TRAIN.items()}
for lang, (_, rows) in TRAIN.items():
    assert len(parts[lang]) == rows, f"{lang}: {len(parts[lang])} rows, expected {rows}"
"#;

const END: &str = r#"validation = {lang: read(path) for lang, path in VALIDATION.items()}

if __name__ == "__main__":
    print(f"{len(train)} rows of {len(parts)} languages")
"#;
