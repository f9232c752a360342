//! Words: what `docs/glossary.md` bans stands nowhere, in code, pages and what the program prints.

use parallot::files;
use regex::Regex;
use std::path::{Path, PathBuf};

/// Folders and files that are read, and the endings of what is.
const READ: [&str; 7] =
    ["src", "tests", "benches", "docs", "examples", "README.md", "CONTRIBUTING.md"];
const ENDINGS: [&str; 6] = ["rs", "md", "snap", "yaml", "sh", "py"];

/// The left column of the table of words not used.
fn banned(glossary: &str) -> Vec<String> {
    let (_, rest) = glossary.split_once("## Words not used").unwrap();
    let table = rest.split("\n## ").next().unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    rows.filter(|word| *word != "not").map(|word| word.trim().to_owned()).collect()
}

/// Files below a path of the repository, the glossary and records left out.
fn read_files(home: &Path) -> Vec<PathBuf> {
    let below = READ.iter().map(|part| home.join(part)).filter(|path| path.exists());
    let all =
        below.flat_map(|path| if path.is_dir() { files::walk(&path).unwrap() } else { vec![path] });
    let is_read = |path: &PathBuf| {
        let ending = path
            .extension()
            .map(|ending| ending.to_string_lossy().into_owned())
            .unwrap_or_default();
        let text = path.to_string_lossy();
        ENDINGS.contains(&ending.as_str())
            && !text.ends_with("glossary.md")
            && !text.contains("/records/")
    };
    all.filter(is_read).collect()
}

#[test]
fn banned_words_stand_nowhere() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let words = banned(&files::read_text(&home.join("docs/glossary.md")).unwrap());
    assert!(words.len() > 10, "{words:?}");
    let pattern = Regex::new(&format!(r"(?i)\b({})\b", words.join("|"))).unwrap();
    assert!(pattern.is_match("It was Foretold.") && !pattern.is_match("parallot"));
    let read = read_files(home);
    assert!(read.len() > 100, "only {} files", read.len());
    let mut found = Vec::new();
    for path in read {
        for (at, line) in files::read_text(&path)
            .unwrap()
            .lines()
            .enumerate()
            .filter(|(_, line)| pattern.is_match(line))
        {
            // the name is made of the word
            if !line.contains("parallel + allot") && !line.contains("It was Foretold") {
                found.push(format!("{}:{}: {}", path.display(), at + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
