//! What every verb says when something is wrong: status 2 for usage and input, 1 where the work
//! failed.

use super::place::{Place, Ran, TINY, assert_transcript};
use parallot::record::Store;

/// Runs on variants of the tiny experiment, each with one text replaced by another.
fn variants(cases: &[(&str, &str)]) -> Vec<Ran> {
    let place = Place::new();
    let run = |(from, to): &(&str, &str)| {
        assert!(TINY.contains(from), "{from}");
        place.write("tiny.yaml", TINY.replace(from, to));
        let mut ran = place.fails(2, "sweep tiny.yaml --trainer simulated");
        ran.line += &format!("  # {to}");
        ran
    };
    cases.iter().map(run).collect()
}

#[test]
fn usage() {
    let place = Place::with_tiny();
    let nothing = place.run("");
    assert!(nothing.to_string().ends_with("status 2\n"));
    let lines = [
        "frobnicate",
        "sweep",
        "sweep nowhere",
        "sweep tiny --jobs 0",
        "sweep tiny --jobs x",
        "sweep tiny --json",
        "allocate",
        "allocate tiny --budget 12x",
        "export tiny",
        "bench --model large",
        "bench --steps 0",
        "bench --stack 0",
    ];
    let mut runs = vec![nothing];
    runs.extend(lines.map(|line| place.fails(2, line)));
    assert_transcript("usage", &runs);
}

#[cfg(all(feature = "train", not(feature = "cuda")))]
#[test]
fn devices() {
    let place = Place::with_tiny();
    assert_transcript(
        "devices",
        &["sweep tiny --device cuda", "sweep tiny --device tpu", "bench --device cuda"]
            .map(|line| place.fails(2, line)),
    );
}

#[test]
fn experiments() {
    let cases = [
        ("seeds: [1, 2]", "seed: [1, 2]"),
        ("preset: nano", "preset: huge"),
        ("vocab_size: 300", "vocab_size: 200"),
        ("vocab_size: 300", "vocab_size: many"),
        ("shares: {eng_Latn: 0.94}", "shares: {eng_Latn: 1.5}"),
        ("shares: {eng_Latn: 0.94}", "shares: {qaa_Latn: 0.5}"),
        ("shares: {eng_Latn: 0.94}", "shares: {eng_Latn: 0.5, fra_Latn: 0.5}"),
        ("lang: qaa_Latn", "lang: near"),
        ("lang: qab_Latn", "lang: qaa_Latn"),
        ("lang: qab_Latn", "lang: eng_Latn"),
        ("sizes: [0, 100,", "sizes: [0, 200,"),
        ("sizes: [0, 100, 200, 400, 800, 1600]", "sizes: [0]"),
        ("sizes: [0, 100,", "sizes: [0, -100,"),
        ("seeds: [1, 2]", "seeds: []"),
        ("batch_pairs: 4", "batch_pairs: 0"),
        ("batch_pairs: 4", "optimisation: {peak_lr: .nan}"),
        ("batch_pairs: 4", "micro_batch_pairs: 0"),
        ("batch_pairs: 4", "schedule: trunks"),
        ("batch_pairs: 4", "schedule: {trunk: {cooldown_share: 2}}"),
        ("batch_pairs: 4", "schedule: trunk, epochs: 2"),
        ("vocabulary: 0.5", "vocabulary: 5"),
        ("constructed:", "languages: []\nconstructions:"),
        ("analysis: a try", "analysis: [a try"),
    ];
    assert_transcript("experiments", &variants(&cases));
}

#[test]
fn corpora() {
    let place = Place::new();
    let corpora = |corpora: &str| {
        let head = TINY.split("constructed:").next().unwrap();
        place.write(
            "corpora.yaml",
            format!("{head}languages:\n- {{lang: tur_Latn, corpora: [{corpora}]}}\n"),
        );
        let mut ran = place.fails(2, "sweep corpora.yaml --trainer simulated --strict");
        ran.line += &format!("  # {corpora}");
        ran
    };
    let row = r#"{"en": "a word", "tr": "söz"}"#;
    place.write("bad.jsonl", format!("{row}\n{{\"en\": 1\n"));
    place.write("column.jsonl", format!("{row}\n"));
    place.write("empty.jsonl", "");
    // the first bytes of a gzip file, and nothing after them
    place.write("cut.jsonl.gz", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0x4c]);
    let runs = [
        corpora("{path: missing.jsonl, english: en, other: tr}"),
        corpora("{path: cut.jsonl.gz, english: en, other: tr}"),
        corpora("{path: bad.jsonl, english: en, other: tr}"),
        corpora("{path: column.jsonl, english: en, other: xx}"),
        corpora("{path: empty.jsonl, english: en, other: tr}"),
        corpora("{path: column.jsonl, other: tr}"),
        corpora("{path: column.jsonl, english: en, other: tr, split: part}"),
        corpora("{path: column.txt, english: en, other: tr}"),
    ];
    assert_transcript("corpora", &runs);
}

#[test]
fn a_trunk_is_not_stacked() {
    let place = Place::new();
    place.write("tiny.yaml", TINY.replace("batch_pairs: 4", "batch_pairs: 4, schedule: trunk"));
    assert_transcript("stacked_trunk", &[place.fails(2, "sweep tiny.yaml --stack 4 --list")]);
}

#[test]
fn stages_out_of_order() {
    let place = Place::with_tiny();
    let mut runs = vec![
        place.fails(2, "fit tiny"),
        place.fails(2, "allocate tiny --budget 3k"),
        place.fails(2, "report tiny"),
    ];
    place.done("sweep tiny --trainer simulated");
    runs.push(place.fails(2, "report tiny"));
    place.done("fit tiny --n-draws 20");
    runs.push(place.fails(2, "export tiny --out out"));
    assert_transcript("out_of_order", &runs);
}

#[test]
fn fits() {
    let place = Place::with_tiny();
    place.write("short.yaml", TINY.replace("[0, 100, 200, 400, 800, 1600]", "[100, 200]"));
    place.done("sweep tiny --trainer simulated");
    place.done("sweep short.yaml --trainer simulated");
    let lines = [
        "fit tiny --form cubic",
        "fit tiny --form power,cubic",
        "fit tiny --n-draws -1",
        "fit short.yaml",
    ];
    assert_transcript("fits", &lines.map(|line| place.fails(2, line)));
}

#[test]
fn allocations() {
    let place = Place::with_fits();
    let lines = [
        "allocate tiny --budget 0",
        "allocate tiny --budget 20k",
        "allocate tiny --budget 3k --epochs NaN",
        "allocate tiny --budget 3k --epochs 0",
        "allocate tiny --budget 3k --min fra=10",
        "allocate tiny --budget 3k --min qaa",
        "allocate tiny --budget 3k --min qaa=lots",
        "allocate tiny --budget 3k --min qaa=500 --max qaa=400",
        "allocate tiny --budget 3k --min qaa=2k --min qab=2k",
        "allocate tiny --budget 3k --max qaa=1k --max qab=1k --max qac=1",
        "allocate tiny --budget 3k --weight qaa=NaN",
        "allocate tiny --budget 3k --weight qaa=-1",
        "allocate tiny --budget 3k --weight qaa=0 --weight qab=0 --weight qac=0",
        "allocate --fits missing.json --budget 3k",
        "allocate tiny --fits fits/tiny/fits.json --budget 3k",
    ];
    assert_transcript("allocations", &lines.map(|line| place.fails(2, line)));
}

#[test]
fn corrupt_files() {
    let place = Place::with_fits();
    place.done("allocate tiny --budget 3k");
    place.write("fits/tiny/allocation.json", "{\"parallot\": 1");
    let mut runs = vec![place.fails(2, "report tiny"), place.fails(2, "export tiny --out out")];
    for content in ["", "{}", "[1, 2", "\u{feff}{}"] {
        place.write("fits/tiny/fits.json", content);
        runs.push(place.fails(2, "allocate tiny --budget 3k"));
    }
    runs.push(place.fails(2, "report tiny"));
    let (record, text) = place.records("tiny").swap_remove(0);
    place.write(&record, "{\"run_id\": ");
    runs.extend(["fit tiny", "sweep tiny --trainer simulated"].map(|line| place.fails(2, line)));
    place.write(&record, text.replacen("\"run_id\": \"", "\"run_id\": \"other ", 1));
    runs.push(place.fails(2, "fit tiny"));
    place.write("experiments/records/tiny/sweep.json", "{\"parallot\": ");
    runs.push(place.fails(2, "fit tiny"));
    assert_transcript("corrupt", &runs);
}

/// Whoever runs the tests may be allowed to write everywhere, so the folder in the way is a file.
#[test]
fn folders_that_cannot_be_written() {
    let place = Place::with_fits();
    place.done("allocate tiny --budget 3k");
    place.write("file", "");
    let lines = [
        "allocate tiny --budget 3k --out file/below",
        "report tiny --out file/below",
        "export tiny --out file/below",
        "quickstart --trainer simulated --out file/below",
    ];
    let mut runs = lines.map(|line| place.fails(2, line)).into_iter().collect::<Vec<_>>();
    place.write("experiments/records/other", "");
    place.write("experiments/other.yaml", TINY);
    runs.push(place.fails(2, "sweep other --trainer simulated"));
    assert_transcript("unwritable", &runs);
}

#[test]
fn a_second_sweep_at_the_same_time_is_refused() {
    let place = Place::with_tiny();
    let lock = Store::new(place.path("experiments/records/tiny")).lock().unwrap();
    assert_transcript("locked", &[place.fails(1, "sweep tiny --trainer simulated")]);
    drop(lock);
    place.done("sweep tiny --trainer simulated");
}
