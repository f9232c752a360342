//! What the targets share: bytes put into a file, and a reader's answer to it.
//!
//! A target fails when its reader panics, overflows or takes memory or time without bounds; an
//! error is a good answer.

use parallot::corpus::{Bitext, Source};
use parallot::import::{self, Amount, Kind, Selection, Sense, Take};
use std::fs;
use std::path::Path;

/// Writes bytes to a file of this name in a fresh folder and hands its path over.
pub fn with_file(name: &str, bytes: &[u8], read: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().expect("a folder above the file")).expect("a folder");
    fs::write(&path, bytes).expect("a temporary file");
    read(&path);
}

/// Imports what lies at a path, by every rule which values to take.
pub fn import(path: &Path, kind: Kind) {
    let Ok(logs) = import::read(&[path.to_owned()], Some(kind), None) else { return };
    let default =
        Selection { amount: Some(Amount::Key("pairs".to_owned())), ..Selection::default() };
    let selections = [
        Selection { amount: Some(Amount::Step), ..Selection::default() },
        Selection { take: Take::Best, ..default.clone() },
        Selection { sense: Some(Sense::Rises { ceiling: 100.0 }), ..default },
    ];
    for selection in &selections {
        if let Ok(imported) = import::select(&logs, selection) {
            import::to_csv(&imported.rows, "fuzzed").expect("rows are CSV");
        }
    }
}

/// Reads a bitext from one file, by the description of its columns in YAML.
pub fn corpus(name: &str, columns: &str, bytes: &[u8]) {
    with_file(name, bytes, |path| {
        let yaml = format!("{{path: {name}, {columns}}}");
        let source: Source = serde_yaml::from_str(&yaml).expect("a source");
        let root = path.parent().expect("a folder above the file");
        let turkish = "tur_Latn".parse().expect("a language");
        let _ = Bitext::read(turkish, "Turkish", &[source], root, false);
    });
}
