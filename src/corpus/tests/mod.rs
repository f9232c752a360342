//! Corpora as a whole: every format, what is refused, and that nothing leaks.

mod split;

use super::*;
use crate::files;
use crate::units::Lang;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

type ReadResult = Result<(Bitext, ReadReport), CorpusError>;

fn turkish() -> Lang {
    "tur_Latn".parse().unwrap()
}

fn sources(yaml: &str) -> Vec<Source> {
    serde_yaml::from_str(yaml).unwrap()
}

/// Reads sources over files made for the occasion.
fn read(named: &[(&str, &[u8])], yaml: &str, strict: bool) -> ReadResult {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in named {
        files::write(&folder.path().join(name), bytes).unwrap();
    }
    Bitext::read(turkish(), "Turkish", &sources(yaml), folder.path(), strict)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn pairs(pairs: &[Pair]) -> Vec<(&str, &str)> {
    pairs.iter().map(|pair| (pair.english.as_str(), pair.other.as_str())).collect()
}

fn parquet() -> Vec<u8> {
    use polars::prelude::*;
    let columns = [
        ("en", ["One.", "Two.", "Three."]),
        ("xx", ["Bir.", "İki.", "Üç."]),
        ("split", ["train", "dev", "test"]),
    ];
    let columns = columns.iter().map(|(name, cells)| Column::new((*name).into(), cells)).collect();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .finish(&mut DataFrame::new_infer_height(columns).unwrap())
        .unwrap();
    bytes
}

/// The same with both sides in a struct.
fn nested_parquet() -> Vec<u8> {
    use polars::prelude::*;
    let side = |name: &str, cells: [&str; 3]| Series::new(name.into(), cells);
    let sides = [side("en", ["One.", "Two.", "Three."]), side("xx", ["Bir.", "İki.", "Üç."])];
    let pair =
        StructChunked::from_series("translation".into(), 3, sides.iter()).unwrap().into_series();
    let columns = vec![pair.into(), Column::new("split".into(), ["train", "dev", "test"])];
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .finish(&mut DataFrame::new_infer_height(columns).unwrap())
        .unwrap();
    bytes
}

#[test]
fn a_file_without_a_usable_row_says_why() {
    let cases: [(&str, &[u8], &str, &str); 5] = [
        (
            "a.json",
            br#"{"translation": {"en": "a", "tr": "b"}}"#,
            "en, other: tr",
            "`en` is missing, as in line 1; the first has `translation.en`, `translation.tr`",
        ),
        ("a.json", br#"[1, 2]"#, "en, other: tr", "2 bad rows: not a JSON object, as in line 1, 2"),
        ("a.tsv", b"\xdd\tb\n\xde\td\n", "0, other: 1", "2 bad rows: not UTF-8, as in line 1, 2"),
        (
            "a.tsv",
            b"T\0h\0\t\0E\0\n",
            "0, other: 1",
            "a NUL stands in it, as in UTF-16 without its mark",
        ),
        ("a.csv", b"a,\nb,\n", "0, other: 1", "`1` is empty"),
    ];
    for (name, bytes, columns, expected) in cases {
        let error =
            read(&[(name, bytes)], &format!("[{{path: {name}, english: {columns}}}]"), false)
                .unwrap_err()
                .to_string();
        assert!(error.contains("has no usable row") && error.contains(expected), "{error}");
    }
}

#[test]
fn every_format_gives_the_same_bitext() {
    let jsonl = concat!(
        "\u{feff}{\"en\": \"One.\", \"xx\": \"Bir.\", \"split\": \"train\", \"id\": 7}\r\n",
        "{\"en\": \"Two.\", \"xx\": \"I\u{307}ki.\", \"split\": \"validation\"}\r\n\r\n",
        "{\"en\": \"  Three. \", \"xx\": \"U\u{308}c\u{327}.\", \"split\": \"test\"}",
    );
    let tsv = "split\ten\tnote\txx\ntrain\tOne.\t\tBir.\ndev\tTwo.\t\tİki.\ntest\tThree.\t\tÜç.\n";
    let bare = tsv.split_once('\n').unwrap().1;
    let zstd = zstd::encode_all(bare.as_bytes(), 3).unwrap();
    let array = r#"[{"translation": {"en": "One.", "xx": "Bir."}, "split": "train"}, {"translation": {"en": "Two.", "xx": "İki."},
        "split": "dev"}, {"translation": {"en": "Three.", "xx": "Üç."}, "split": "test"}]"#;
    let csv =
        "split,en,xx\r\ntrain,One.,Bir.\r\ndev,\"Two.\",\"İki.\"\r\ntest,\"\nThree. \",Üç.\r\n";
    let utf16: Vec<u8> =
        format!("\u{feff}{tsv}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let named: [(&str, &[u8]); 15] = [
        ("array.json", array.as_bytes()),
        ("a.csv", csv.as_bytes()),
        ("bare.csv", csv.split_once('\n').unwrap().1.as_bytes()),
        ("utf16.tsv", &utf16),
        ("nested.parquet", &nested_parquet()),
        ("a.jsonl", jsonl.as_bytes()),
        ("a.jsonl.gz", &gzip(jsonl.as_bytes())),
        ("a.tsv", tsv.as_bytes()),
        ("bare.tsv.zst", &zstd),
        ("a.parquet", &parquet()),
        ("train.en.gz", &gzip(b"One.\n")),
        ("train.tr", b"Bir.\n"),
        ("dev.en", b"Two.\n"),
        ("dev.tr", "İki.\n".as_bytes()),
        ("test.tsv", "Three.\tÜç.\n".as_bytes()),
    ];
    let (expected, report) =
        read(&named, "[{path: a.jsonl, english: en, other: xx, split: split}]", true).unwrap();
    assert_eq!(pairs(expected.train.pairs()), [("One.", "Bir.")]);
    assert_eq!(pairs(expected.dev.pairs()), [("Two.", "İki.")]);
    assert_eq!(pairs(expected.test.pairs()), [("Three.", "Üç.")]);
    assert_eq!(report.to_string(), "`a.jsonl`: 3 rows, 1 train, 1 dev, 1 test");
    for yaml in [
        "[{path: a.jsonl.gz, english: en, other: xx, split: split}]",
        "[{path: a.tsv, english: en, other: xx, split: split}]",
        "[{path: bare.tsv.zst, english: 1, other: 3, split: 0}]",
        "[{path: a.parquet, english: en, other: xx, split: split}]",
        "[{path: nested.parquet, english: translation.en, other: translation.xx, split: split}]",
        "[{path: array.json, english: translation.en, other: translation.xx, split: split}]",
        "[{path: a.csv, english: en, other: xx, split: split}]",
        "[{path: bare.csv, english: 1, other: 2, split: 0}]",
        "[{path: utf16.tsv, english: en, other: xx, split: split}]",
        "[{moses: {english: train.en.gz, other: train.tr}, as: train}, \
        {moses: {english: dev.en, other: dev.tr}, as: dev}, \
          {path: test.tsv, english: 0, other: 1, as: test}]",
    ] {
        assert_eq!(read(&named, yaml, true).unwrap().0, expected, "{yaml}");
    }
}

#[test]
fn bad_rows_are_counted_by_line_or_fatal() {
    let mut rows: Vec<Vec<u8>> = (0..40)
        .map(|i| {
            format!("{{\"en\": \"Sentence number {i}.\", \"xx\": \"Cümle {i}.\"}}").into_bytes()
        })
        .collect();
    rows[3] = b"{\"en\": \"No other side.\"}".to_vec();
    rows[5] = b"{\"en\": \"Empty.\", \"xx\": \" \"}".to_vec();
    rows[7] = b"{\"en\": \"\xff\xfe\", \"xx\": \"x\"}".to_vec();
    rows[9] = b"{\"en\": \"cut".to_vec();
    rows[11] = b"{\"en\": 5, \"xx\": \"x\"}".to_vec();
    rows[13] = format!("{{\"en\": \"Short.\", \"xx\": \"{}\"}}", "uzun ".repeat(60)).into_bytes();
    rows[15] = b"{\"en\": \"Go.\", \"xx\": \"Oradan hemen git.\"}".to_vec();
    let text = rows.join(&b'\n');
    let yaml = "[{path: a.jsonl, english: en, other: xx, as: train}]";
    let (bitext, report) = read(&[("a.jsonl", &text)], yaml, false).unwrap();
    assert_eq!(bitext.train.len(), 34);
    assert!(
        bitext.train.pairs().iter().any(|pair| pair.english == "Go."),
        "short sentences differ in length without being absurd"
    );
    let found: Vec<(u64, String)> =
        report.files[0].examples.iter().map(|row| (row.line, row.reason.to_string())).collect();
    let expected = [
        (4, "`xx` is missing"),
        (6, "`xx` is empty"),
        (8, "not UTF-8"),
        (10, "not a JSON object"),
        (12, "`en` is not a text"),
        (14, "the lengths of the sides do not go together"),
    ];
    assert_eq!(found, expected.map(|(line, reason)| (line, reason.to_owned())));
    assert_eq!(report.bad_rows(), 6);
    assert!(report.to_string().contains("\n  1 bad rows: not UTF-8, as in line 8"), "{report}");
    let error = read(&[("a.jsonl", &text)], yaml, true).unwrap_err().to_string();
    assert!(error.ends_with("a.jsonl` line 4: `xx` is missing"), "{error}");
    let odd = [&rows[..3], &rows[13..14]].concat().join(&b'\n');
    assert!(
        read(&[("a.jsonl", &odd)], yaml, true)
            .unwrap_err()
            .to_string()
            .contains("line 4: the lengths")
    );
}

#[test]
fn what_would_give_a_shorter_or_shifted_corpus_is_an_error() {
    let rows = (0..500)
        .map(|i: u64| format!("{}\t{}\n", i.wrapping_mul(0x9E37_79B9_7F4A_7C15), i))
        .collect::<String>();
    let packed = gzip(rows.as_bytes());
    let error = read(
        &[("cut.tsv.gz", &packed[..packed.len() / 2])],
        "[{path: cut.tsv.gz, english: 0, other: 1}]",
        false,
    )
    .unwrap_err()
    .to_string();
    assert!(
        error.starts_with("cannot read `") && error.matches("cut.tsv.gz").count() == 1,
        "{error}"
    );

    let named: [(&str, &[u8]); 4] = [
        ("a.en", b"one\ntwo\nthree\n"),
        ("a.tr", b"bir\niki\n"),
        ("empty.tsv", b""),
        ("a.tsv", b"en\txx\na\tb\n"),
    ];
    for (yaml, message) in [
        ("[{moses: {english: a.en, other: a.tr}}]", "has 3 lines and `"),
        ("[{moses: {english: a.tr, other: a.en}}]", "has 2 lines and `"),
        ("[{path: empty.tsv, english: 0, other: 1}]", "has no usable row, found 0 rows"),
        ("[{path: a.tsv, english: en, other: tr}]", "has no column `tr`, found `en`, `xx`"),
        ("[{path: none.tsv, english: 0, other: 1}]", "none.tsv`: No such file"),
    ] {
        let error = read(&named, yaml, false).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let yaml = "[{path: a.parquet, english: en, other: tr}]";
    assert!(
        read(&[("a.parquet", &parquet())], yaml, false)
            .unwrap_err()
            .to_string()
            .contains("no column `tr`, found `en`, `xx`, `split`")
    );
    assert!(matches!(
        read(&[("a.parquet", b"PAR1 not")], yaml, false),
        Err(CorpusError::Parquet { .. })
    ));
}

proptest! {
    #[test]
    fn nothing_leaks_and_every_row_is_counted(
        rows in prop::collection::vec((0..3usize, 0..12u8, 0..12u8, 0..2usize), 2..80),
    ) {
        let mut texts =
            [String::from("train\tzero\tsıfır\n"), String::from("train\tnought\tsıfır\n")];
        for (split, english, other, source) in rows {
            // composed in one source and decomposed in the other: the same sentence all the same
            let mark = ["é", "e\u{301}"][source];
            texts[source].push_str(&format!(
                "{}\te{english}{mark}\tx {}{other}\n",
                ["train", "dev", "test"][split],
                [" ", ""][source]
            ));
        }
        let yaml = "[{path: a.tsv, english: 1, other: 2, split: 0}, \
        {path: b.tsv, english: 1, other: 2, split: 0}]";
        let (bitext, report) =
            read(&[("a.tsv", texts[0].as_bytes()), ("b.tsv", texts[1].as_bytes())], yaml, true)
                .unwrap();
        let parts = [bitext.train.pairs(), bitext.dev.pairs(), bitext.test.pairs()];
        for (i, j) in [(0, 1), (0, 2), (1, 2)] {
            for a in parts[i] {
                prop_assert!(parts[j].iter().all(|b| a.english != b.english && a.other != b.other));
            }
        }
        for part in parts {
            prop_assert_eq!(part.iter().collect::<BTreeSet<_>>().len(), part.len());
        }
        for file in &report.files {
            let counted = file.train
                + file.dev
                + file.test
                + file.duplicates
                + file.leaked_from_train
                + file.leaked_from_dev
                + file.above_bound
                + file.bad_rows();
            prop_assert_eq!(counted, file.rows);
        }
    }
}

/// The Bible in Arabic and Chinese, whose row counts its own description states.
#[test]
fn real_corpora_have_the_rows_they_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    if !files::exists(&root) {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no corpora at `{}`", root.display());
        println!("skipped: no corpora at `{}`", root.display());
        return;
    }
    for (lang, file, counts) in
        [("arb_Arab", "ar", [28250, 611, 1723]), ("zho_Hans", "zh", [28366, 610, 1726])]
    {
        let yaml =
            format!("[{{path: bible/{file}.jsonl.gz, english: en, other: xx, split: split}}]");
        let lang: Lang = lang.parse().unwrap();
        let (bitext, report) =
            Bitext::read(lang.clone(), lang.name(), &sources(&yaml), &root, false).unwrap();
        assert_eq!([bitext.train.len(), bitext.dev.len(), bitext.test.len()], counts, "{report}");
    }
    let (read, report) =
        Instructions::read(Path::new("instruct/alpaca_zh_demo.jsonl.gz"), &root, true).unwrap();
    assert_eq!((read.train.len(), read.dev.len(), read.test.len()), (879, 0, 113), "{report}");
}
