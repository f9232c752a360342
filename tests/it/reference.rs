//! `docs/reference` is made from the program: the verbs with their flags, and the columns of every table that they write.
//!
//! `PARALLOT_REFERENCE=write cargo test --release --locked --test it reference` makes it anew.

use super::place::Place;
use parallot::files;
use std::fmt::Write;
use std::path::Path;

/// Compares a page with what is kept, or writes it where that is asked for.
fn assert_page(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference").join(name);
    if std::env::var("PARALLOT_REFERENCE").is_ok() {
        files::write(&path, text.as_bytes()).unwrap();
    }
    let kept = files::read_text(&path).unwrap_or_default();
    assert!(kept == text, "`docs/reference/{name}` is not what the program says; `PARALLOT_REFERENCE=write` makes it anew");
}

#[test]
#[cfg(feature = "train")]
fn verbs_are_described_as_they_are() {
    let verbs = ["quickstart", "sweep", "import", "fit", "allocate", "validate", "evaluate", "similarity", "report", "export", "bench"];
    let place = Place::new();
    let mut text = "# Verbs\n\nMade from `parallot VERB --help`.\n".to_owned();
    for verb in verbs {
        let help = place.done(&format!("{verb} --help")).stdout;
        let _ = write!(text, "\n## parallot {verb}\n\n```text\n{}\n```\n", help.trim_end());
    }
    assert_page("verbs.md", &text);
}

#[test]
fn tables_are_described_as_they_are() {
    let place = Place::with_fits();
    place.done("allocate tiny --budget 3k");
    place.done("validate tiny --budget 3k --trainer simulated --seeds 2");
    place.done("report tiny");
    place.done("export tiny --out out");
    let mut text = "# Tables\n\nThe columns of every CSV, in their order. The first line of a table is a comment: the version, the command as it was typed, and the \
                    SHA-256 of what it was made from. Units stand in the names: `_nats` per target token, `_log` a difference of natural logarithms, \
                    `lo90` and `hi90` the ends of a 90 % interval.\n"
        .to_owned();
    for folder in ["experiments/records/tiny", "fits/tiny", "plots/tiny", "out"] {
        let mut tables: Vec<_> = files::walk(&place.path(folder)).unwrap();
        tables.retain(|path| path.extension().is_some_and(|ending| ending == "csv") && !path.to_string_lossy().contains("validate-"));
        tables.sort();
        for path in tables {
            let content = files::read_text(&path).unwrap();
            let header = content.lines().find(|line| !line.starts_with('#')).unwrap();
            let name = path.strip_prefix(place.path(folder)).unwrap().display();
            let _ = write!(text, "\n## `{}/{name}`\n\n`{}`\n", folder.replace("tiny", "X"), header.replace(',', "`, `"));
        }
    }
    assert_page("tables.md", &text);
}
