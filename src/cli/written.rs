//! The files of an export, and what a person has made of them since: a list of their hashes, as `sha256sum --check` reads it, is written
//! beside them, and what is not as the list says is not written over.

use super::failure::{Failure, OrFail};
use crate::export::Exported;
use crate::files::{self, FileError};
use std::collections::BTreeMap;
use std::path::Path;

/// The list, in the folder of the export.
const LIST: &str = "exported.sha256";

/// Writes an export, the list last. Files that are there must be as an earlier export left them, or as this one writes them, unless `force`.
pub(super) fn write(exported: &Exported, folder: &Path, stamp: &str, force: bool) -> Result<(), Failure> {
    let small = exported.files.iter().map(|(name, bytes)| (name.as_str(), files::hash(bytes)));
    let data = exported.data.iter().map(|lines| (lines.path(), files::hash_parts(lines.chunks())));
    let hashes: BTreeMap<&str, String> = small.chain(data).collect();
    let list = folder.join(LIST);
    let list = if files::exists(&list) { files::read_text(&list).or_input()? } else { String::new() };
    let mut left: BTreeMap<&str, String> =
        list.lines().filter_map(|line| line.split_once("  ")).map(|(hash, name)| (name, hash.to_owned())).collect();
    if !force && let Some(name) = edited(folder, &hashes, &left).or_input()? {
        let error = anyhow::anyhow!("`{}` is not as an export left it, expected it so or not there", folder.join(name).display());
        return Err(Failure::input(error).hint("`--out` names another folder; `--force` writes over what was edited"));
    }
    for (name, bytes) in &exported.files {
        files::write(&folder.join(name), bytes).or_work()?;
    }
    for lines in &exported.data {
        files::write_parts(&folder.join(lines.path()), lines.chunks()).or_work()?;
    }
    // what is of an earlier export alone is still as that left it
    left.retain(|name, _| files::exists(&folder.join(name)));
    left.extend(hashes);
    let lines: String = left.iter().map(|(name, hash)| format!("{hash}  {name}\n")).collect();
    files::write(&folder.join(LIST), format!("# {stamp}\n{lines}").as_bytes()).or_work()
}

/// The first file that an export would write over and none has left so.
fn edited<'a>(folder: &Path, new: &BTreeMap<&'a str, String>, left: &BTreeMap<&str, String>) -> Result<Option<&'a str>, FileError> {
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
