//! First inputs of the fuzz targets that read the project's own files; those of logs come from the
//! tests of `import`.
//!
//! With `PARALLOT_FUZZ_CORPUS` they are written below the folder that it names; see
//! `fuzz/README.md`.

use super::place::{Place, TINY};
use parallot::files;
use polars::prelude::*;
use std::path::Path;

fn parquet() -> Vec<u8> {
    let columns = [("en", ["One.", "Two."]), ("xx", ["Bir.", "İki."]), ("split", ["train", "dev"])];
    let columns = columns.iter().map(|(name, cells)| Column::new((*name).into(), cells)).collect();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .finish(&mut DataFrame::new_infer_height(columns).unwrap())
        .unwrap();
    bytes
}

#[test]
fn seeds_are_files_that_the_program_wrote_or_reads() {
    let place = Place::with_tiny();
    place.done("sweep tiny --trainer simulated");
    place.done("fit tiny --n-draws 2");
    let record = place.records("tiny").swap_remove(0).1;
    let manifest = place.read("experiments/records/tiny/sweep.json");
    let seeds: [(&str, Vec<u8>); 9] = [
        (
            "corpus_jsonl",
            "{\"en\": \"One.\", \"xx\": \"Bir.\", \"split\": \"train\"}\n{\"en\": 1}\n".into(),
        ),
        ("corpus_parquet", parquet()),
        ("corpus_tsv", "split\ten\txx\ntrain\tOne.\tBir.\ndev\tTwo.\tİki.\n".into()),
        ("experiment", TINY.into()),
        ("fits", place.read("fits/tiny/fits.json").into_bytes()),
        ("record", record.into_bytes()),
        ("record", manifest.into_bytes()),
        ("size_table", "run,x,curve\nzh-8k,8k,zh\n".into()),
        (
            "import_mlflow_store",
            "run_id: a\nrun_name: b\nstatus: 3\n\x001700000000100 1.5 100\n\x008000".into(),
        ),
    ];
    for (index, (target, seed)) in seeds.into_iter().enumerate() {
        assert!(!seed.is_empty(), "{target}");
        if let Ok(corpus) = std::env::var("PARALLOT_FUZZ_CORPUS") {
            files::write(&Path::new(&corpus).join(target).join(index.to_string()), &seed).unwrap();
        }
    }
}
