//! The files of an export, and what a person has made of them since: a list of their hashes, as
//! `sha256sum --check` reads it, is written beside them, and what is not as the list says is not
//! written over. What an earlier export wrote and this one does not is removed.

use super::failure::{Failure, OrFail};
use super::terminal::note;
use crate::export::Exported;
use crate::files::{self, FileError};
use std::collections::BTreeMap;
use std::path::{Component, Path};

/// The list, in the folder of the export.
const LIST: &str = "exported.sha256";

/// Writes an export, the list last. Files that are there must be as an earlier export left them, or
/// as this one writes them, unless `force`.
pub(super) fn write(
    exported: &Exported<'_>,
    folder: &Path,
    stamp: &str,
    force: bool,
) -> Result<(), Failure> {
    let small = exported.files.iter().map(|(name, bytes)| (name.as_str(), files::hash(bytes)));
    let data = exported.data.iter().map(|file| (file.path(), files::hash_parts(file.chunks())));
    let hashes: BTreeMap<&str, String> = small.chain(data).collect();
    let list = folder.join(LIST);
    let list =
        if files::exists(&list) { files::read_text(&list).or_input()? } else { String::new() };
    let mut left: BTreeMap<&str, String> = list
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(hash, name)| (name, hash.to_owned()))
        .collect();
    if !force && let Some(name) = edited(folder, &hashes, &left).or_input()? {
        let error = anyhow::anyhow!(
            "`{}` is not as an export left it, expected it so or not there",
            folder.join(name).display()
        );
        return Err(Failure::input(error)
            .hint("`--out` names another folder; `--force` writes over what was edited"));
    }
    for (name, bytes) in &exported.files {
        files::write(&folder.join(name), bytes).or_work()?;
    }
    for file in &exported.data {
        files::write_parts(&folder.join(file.path()), file.chunks()).or_work()?;
    }
    left.retain(|name, _| {
        !hashes.contains_key(name) && is_below(name) && files::exists(&folder.join(name))
    });
    for (name, hash) in std::mem::take(&mut left) {
        let path = folder.join(name);
        if files::hash_file(&path).or_work()? == hash {
            files::remove_below(folder, &path).or_work()?;
        } else {
            note(&format!(
                "note: `{}` is of an earlier export and was edited since; it stays",
                path.display()
            ));
            left.insert(name, hash);
        }
    }
    left.extend(hashes);
    let lines: String = left.iter().map(|(name, hash)| format!("{hash}  {name}\n")).collect();
    files::write(&folder.join(LIST), format!("# {stamp}\n{lines}").as_bytes()).or_work()
}

/// Whether a name of the list is one that an export could have written: the list is a file that
/// anybody can edit.
fn is_below(name: &str) -> bool {
    Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}

/// The first file that an export would write over and none has left so.
fn edited<'a>(
    folder: &Path,
    new: &BTreeMap<&'a str, String>,
    left: &BTreeMap<&str, String>,
) -> Result<Option<&'a str>, FileError> {
    for (&name, hash) in new {
        let path = folder.join(name);
        if files::exists(&path) {
            let found = files::hash_file(&path)?;
            if found != *hash && left.get(name) != Some(&found) {
                return Ok(Some(name));
            }
        }
    }
    Ok(None)
}
