//! `check_counts.py`: a program of the export that counts the rows of its own files.

use super::DataFile;
use super::plan::Plan;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The program; needs nothing but Python, for Parquet files `pyarrow`.
pub(super) fn program(plan: &Plan, data: &[DataFile]) -> String {
    let mut text = format!(
        "# {}\n\"\"\"Asserts that every file has the rows of the plan, per language.\"\"\"\n\n",
        plan.stamp
    );
    text += "import json\nfrom collections import Counter\nfrom pathlib import Path\n\n";
    text += "# rows of each file\nFILES = {\n";
    for file in data {
        let _ = writeln!(text, "    \"{}\": {},", file.path(), file.count());
    }
    text += "}\n# rows of each language in files that hold several\nPOOLED = {\n";
    for file in data.iter().filter(|file| file.names_language()) {
        let counts: BTreeMap<&str, u64> = file.counts().filter(|(_, count)| *count > 0).collect();
        let counts = counts
            .iter()
            .map(|(name, count)| format!("\"{name}\": {count}"))
            .collect::<Vec<_>>()
            .join(", ");
        let _ = writeln!(text, "    \"{}\": {{{counts}}},", file.path());
    }
    text + "}\n" + PROGRAM
}

const PROGRAM: &str = r#"

def rows(path):
    if path.suffix == ".parquet":
        from pyarrow.parquet import read_metadata

        return read_metadata(path).num_rows
    with path.open("rb") as lines:
        return sum(1 for _ in lines)


home = Path(__file__).resolve().parent
for name, planned in FILES.items():
    found = rows(home / name)
    assert found == planned, f"{name}: {found} rows, expected {planned}"
for name, planned in POOLED.items():
    with (home / name).open(encoding="utf-8") as lines:
        found = Counter(json.loads(line)["lang"] for line in lines)
    assert found == planned, f"{name}: {dict(found)}, expected {planned}"
print(f"{len(FILES)} files, every count as planned")
"#;

#[cfg(test)]
mod tests {
    use super::super::tests::{file, plan};
    use super::super::{Format, Trainer};

    #[test]
    fn every_file_is_named_with_its_rows() {
        let program = file(&plan(Trainer::Jsonl, Format::Messages), "check_counts.py");
        assert!(program.contains("    \"data/0123abcd/muit_swh_Latn.jsonl\": 8,\n"), "{program}");
        assert!(program.contains("    \"data/0123abcd/train.jsonl\": 10,\n"), "{program}");
        assert!(
            program.contains(
                "    \"data/0123abcd/train.jsonl\": {\"swh_Latn\": 8, \"tur_Latn\": 2},\n"
            ),
            "{program}"
        );
    }
}
