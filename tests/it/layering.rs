//! The shape of the house: who may name whom, who may touch files, the terminal, the environment
//! and the clock.
//!
//! `src/lib.rs` lists the modules, lowest layer first, a blank line between layers; that list is
//! the one this test holds.

use parallot::files;
use std::path::Path;

/// Most lines of a file; longer ones are split by noun.
const MOST_LINES: usize = 400;

/// Widest comment, columns: rustfmt breaks code and leaves comments as they are.
const WIDEST: usize = 100;

/// What only `files` names.
const FILE_SYSTEM: [&str; 4] = ["std::fs", "fs::", "File::open", "File::create"];

/// What only `cli` names.
const SURROUNDINGS: [&str; 9] = [
    "std::env",
    "env::var",
    "stdout",
    "stderr",
    "println!",
    "print!",
    "eprintln!",
    "Instant::now",
    "SystemTime::now",
];

/// The one setting outside `cli`: `train` documents why.
const CANDLE_SETTING: &str = "std::env::set_var(\"CANDLE_NUM_THREADS\", \"1\")";

/// One file below `src/`.
pub(super) struct Source {
    pub(super) path: String,
    text: String,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    /// The module of the library that the file belongs to.
    pub(super) fn module(&self) -> &str {
        self.path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    /// Modules between the root of the crate and the file, itself counted.
    fn depth(&self) -> usize {
        self.path.trim_end_matches("/mod.rs").split('/').count()
    }

    /// Lines that are no comments.
    fn code(&self) -> impl Iterator<Item = &str> {
        self.text.lines().map(str::trim).filter(|line| !line.starts_with("//"))
    }

    /// Whether it holds nothing but tests.
    pub(super) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// The same up to the tests, which stand last, or in files of their own.
    pub(super) fn production(&self) -> impl Iterator<Item = &str> {
        let is_test = self.is_test();
        self.code().take_while(move |line| !is_test && !line.starts_with("mod tests"))
    }
}

/// The layers that `lib.rs` lists.
fn layers(lib: &str) -> Vec<Vec<&str>> {
    let blocks = lib.split("\n\n").map(|block| {
        let modules =
            block.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
        modules.collect::<Vec<_>>()
    });
    blocks.filter(|block| !block.is_empty()).collect()
}

/// Where `name` stands in `line` as a whole path, not as the end of a longer identifier.
fn places<'a>(line: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    let continues = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(name).map(|(at, _)| at).filter(move |&at| !line[..at].ends_with(continues))
}

/// Modules that a line names by `crate::`; a group of modules is no single name, and not our style.
fn named(line: &str) -> impl Iterator<Item = &str> {
    places(line, "crate::").map(|at| {
        let rest = &line[at + "crate::".len()..];
        &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())]
    })
}

/// All that is out of place in some sources.
fn faults(lib: &str, sources: &[Source]) -> Vec<String> {
    let layers = layers(lib);
    let layer = |module: &str| layers.iter().position(|layer| layer.contains(&module));
    let mut faults = Vec::new();
    for source in sources {
        let (path, module) = (&source.path, source.module());
        let Some(own) = layer(module) else {
            faults.push(format!("{path}: `{module}` stands in no layer"));
            continue;
        };
        for other in source.code().flat_map(named).filter(|&other| other != module) {
            match layer(other) {
                Some(found) if found < own => {}
                Some(_) => faults
                    .push(format!("{path}: `{module}` names `{other}`, which is not below it")),
                None => faults.push(format!("{path}: names `crate::{other}`, which is no module")),
            }
        }
        let to_root = "super::".repeat(source.depth());
        for line in source.production().filter(|line| places(line, &to_root).next().is_some()) {
            faults.push(format!("{path}: reaches the root by `{line}`"));
        }
        faults.extend(misplaced(source).iter().map(|what| format!("{path}: names `{what}`")));
        faults.extend(ill_formed(source).map(|what| format!("{path}: {what}")));
    }
    faults
}

/// What a file names that is another module's business.
fn misplaced(source: &Source) -> Vec<&'static str> {
    let module = source.module();
    let is_excused = |line: &str| module == "train" && line.contains(CANDLE_SETTING);
    let lines: Vec<&str> = source.production().filter(|line| !is_excused(line)).collect();
    let files = FILE_SYSTEM.iter().filter(|_| module != "files");
    let surroundings = SURROUNDINGS.iter().filter(|_| module != "cli");
    files
        .chain(surroundings)
        .copied()
        .filter(|name| lines.iter().any(|line| places(line, name).next().is_some()))
        .collect()
}

/// What is wrong with a file whatever it says.
fn ill_formed(source: &Source) -> impl Iterator<Item = String> {
    let opening = (!source.text.starts_with("//! "))
        .then(|| "does not start with what the module is, `//!`".to_owned());
    let lines = source.text.lines().count();
    opening.into_iter().chain(
        (lines > MOST_LINES).then(|| format!("{lines} lines, expected at most {MOST_LINES}")),
    )
}

/// The lines of a file with a comment that is too wide, whether it stands alone or after code.
fn wide_comments(source: &Source) -> impl Iterator<Item = usize> {
    let is_comment = |line: &str| {
        let trails = |(_, text): (&str, &str)| !text.contains('"');
        line.trim_start().starts_with("//") || line.rsplit_once(" // ").is_some_and(trails)
    };
    let lines = (1..).zip(source.text.lines());
    lines
        .filter(move |(_, line)| line.chars().count() > WIDEST && is_comment(line))
        .map(|(at, _)| at)
}

/// Files below a folder, whose paths start with `prefix`.
pub(super) fn sources(folder: &Path, prefix: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut entries: Vec<_> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = format!("{prefix}{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            found.extend(sources(&path, &format!("{name}/")));
        } else if name.ends_with(".rs") && name != "lib.rs" && name != "main.rs" {
            found.push(Source::new(&name, &files::read_text(&path).unwrap()));
        }
    }
    found
}

#[test]
fn every_module_keeps_its_place() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources = sources(&src, "");
    assert!(sources.len() > 50, "only {} files were found", sources.len());
    let faults = faults(&files::read_text(&src.join("lib.rs")).unwrap(), &sources);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn test_files_say_what_they_are_and_stay_short() {
    let tests = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it"), "");
    let faults: Vec<String> = tests
        .iter()
        .flat_map(|file| ill_formed(file).map(|what| format!("{}: {what}", file.path)))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn comments_are_no_wider_than_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src", "tests", "benches", "examples", "fuzz/src", "fuzz/fuzz_targets"];
    let files: Vec<Source> = folders
        .iter()
        .flat_map(|folder| sources(&root.join(folder), &format!("{folder}/")))
        .collect();
    assert!(files.iter().any(|file| file.path == "src/lib.rs"));
    let wide: Vec<String> = files
        .iter()
        .flat_map(|file| wide_comments(file).map(|at| format!("{}:{at}", file.path)))
        .collect();
    assert!(wide.is_empty(), "comments of more than {WIDEST} columns:\n{}", wide.join("\n"));
    let (fits, wide) = ("–".repeat(WIDEST - 4), "–".repeat(WIDEST - 3));
    let text = format!(
        "//! {fits}\n    // {wide}\n/// {wide}\nlet x = 1; // {wide}\nlet y = \"a // {wide}\";\n"
    );
    let planted = Source::new("law.rs", &text);
    assert_eq!(wide_comments(&planted).collect::<Vec<_>>(), [2, 3, 4]);
}

#[test]
fn a_planted_fault_is_found() {
    let lib = "//! The crate.\n\npub mod files;\n\npub mod corpus;\npub mod law;\n\n#[cfg(feature \
    = \"train\")]\npub mod train;\n\npub mod cli;\n";
    let found = |path: &str, text: &str| {
        faults(lib, &[Source::new(path, &format!("//! A module.\n{text}\n"))])
    };
    let innocent = [
        (
            "corpus/mod.rs",
            "use crate::files::{self, FileError};\n// crate::cli is only talked about",
        ),
        (
            "corpus/pool.rs",
            "use super::error::CorpusError;\n#[cfg(test)]\nmod tests \
            {\n    use std::fs;\n    use super::super::x;\n}",
        ),
        ("files.rs", "use std::fs;"),
        ("cli/terminal.rs", "use crate::train;\nlet start = std::time::Instant::now();"),
        ("train/mod.rs", "unsafe { std::env::set_var(\"CANDLE_NUM_THREADS\", \"1\") };"),
    ];
    for (path, text) in innocent {
        assert_eq!(found(path, text), [""; 0], "{path}");
    }
    let guilty = [
        (
            "files.rs",
            "use crate::corpus::Pair;",
            "files.rs: `files` names `corpus`, which is not below it",
        ),
        (
            "law.rs",
            "let x = crate::corpus::Pair;",
            "law.rs: `law` names `corpus`, which is not below it",
        ),
        ("law.rs", "use super::corpus;", "law.rs: reaches the root by `use super::corpus;`"),
        ("law.rs", "use crate::{cli, corpus};", "law.rs: names `crate::`, which is no module"),
        ("stray.rs", "", "stray.rs: `stray` stands in no layer"),
        ("corpus/pool.rs", "use std::fs::File;", "corpus/pool.rs: names `std::fs`"),
        ("train/mod.rs", "std::env::set_var(\"HOME\", \"1\");", "train/mod.rs: names `std::env`"),
        ("law.rs", "println!(\"{x}\");", "law.rs: names `println!`"),
        ("law.rs", "let start = std::time::Instant::now();", "law.rs: names `Instant::now`"),
    ];
    for (path, text, fault) in guilty {
        assert!(
            found(path, text).iter().any(|found| found == fault),
            "{path}: {text} gave {:?}",
            found(path, text)
        );
    }
    assert_eq!(faults(lib, &[Source::new("law.rs", "use x;")]).len(), 1, "a file without a doc");
    assert_eq!(found("law.rs", &"x\n".repeat(MOST_LINES)).len(), 1, "a long file");
}
