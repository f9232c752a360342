//! Files: read, write whole or not at all, hash, lock. The only user of `std::fs`; every error
//! names its path once.
#![allow(clippy::disallowed_methods, reason = "this module is the one that wraps std::fs")]

mod claim;

pub use claim::{Claim, Owner, claim, claimed};

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};

/// What went wrong with a file, and which file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`: {cause}", path.display())]
pub struct FileError {
    /// What was tried: `read`, `write`, `create`, `remove`, `lock`, `list`.
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said; part of the message, hence not a source as well.
    pub cause: io::Error,
}

impl FileError {
    /// Whether the file has no room: the disk is full, or what one may write of it is used up. That
    /// is never the fault of an input.
    pub fn is_full(&self) -> bool {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        matches!(self.cause.kind(), StorageFull | QuotaExceeded | FileTooLarge)
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |cause| FileError { action, path, cause }
}

/// Opens a file for buffered reading.
pub fn open(path: &Path) -> Result<io::BufReader<fs::File>, FileError> {
    let file = fs::File::open(path).map_err(failed("read", path))?;
    if file.metadata().map_err(failed("read", path))?.is_dir() {
        return Err(failed("read", path)(io::Error::other("it is a folder, expected a file")));
    }
    let mut file = io::BufReader::with_capacity(1 << 16, file);
    if file.fill_buf().map_err(failed("read", path))?.starts_with(POINTER) {
        let message = "it is a pointer of git-lfs, expected the file that it stands for; `git lfs \
        pull` fetches it";
        return Err(failed("read", path)(io::Error::other(message)));
    }
    Ok(file)
}

/// How the text starts that git leaves in place of a large file where git-lfs is not installed.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// The bytes of a file.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(failed("read", path))?;
    Ok(bytes)
}

/// The bytes of a file that is mapped into memory rather than read.
pub fn map(path: &Path) -> Result<memmap2::Mmap, FileError> {
    let file = open(path)?;
    // SAFETY: as everywhere that files are mapped, nobody may cut the file short meanwhile; weights
    // are written once
    unsafe { memmap2::Mmap::map(file.get_ref()) }.map_err(failed("read", path))
}

/// Removes a file.
pub fn remove(path: &Path) -> Result<(), FileError> {
    fs::remove_file(path).map_err(failed("remove", path))
}

/// Copies a file, whole or not at all.
pub fn copy(from: &Path, to: &Path) -> Result<(), FileError> {
    write(to, &read(from)?)
}

/// Largest text, bytes: what is larger was not meant, and is not read into memory.
const MOST_TEXT: u64 = 1 << 30;

/// The text of a UTF-8 file.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    let file = open(path)?;
    let size = file.get_ref().metadata().map_err(failed("read", path))?.len();
    let mut bytes = Vec::new();
    if size <= MOST_TEXT {
        bytes.reserve_exact(size as usize);
        // what is no plain file may go on for ever, and has no size
        file.take(MOST_TEXT + 1).read_to_end(&mut bytes).map_err(failed("read", path))?;
    }
    if size.max(bytes.len() as u64) > MOST_TEXT {
        return Err(failed("read", path)(io::Error::other(
            "it is larger than 1 GiB, expected a text of at most that",
        )));
    }
    String::from_utf8(bytes).map_err(|error| {
        failed("read", path)(io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
    })
}

/// The value of a JSON file; `wrong` says of what file its text is not.
pub fn read_json<T: DeserializeOwned, E: From<FileError>>(
    path: &Path,
    wrong: impl FnOnce(PathBuf, serde_json::Error) -> E,
) -> Result<T, E> {
    serde_json::from_str(&read_text(path)?).map_err(|cause| wrong(path.to_owned(), cause))
}

/// The same of a file that need not be there.
pub fn read_json_if_there<T: DeserializeOwned, E: From<FileError>>(
    path: &Path,
    wrong: impl FnOnce(PathBuf, serde_json::Error) -> E,
) -> Result<Option<T>, E> {
    exists(path).then(|| read_json(path, wrong)).transpose()
}

/// Whether something is at the path.
pub fn exists(path: &Path) -> bool {
    path.exists()
}

/// Whether two paths lead to one thing that is there.
pub fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

/// A path that leads to the same place from every folder; what is not there keeps its name.
pub fn absolute(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Whether a folder is at the path.
pub fn is_folder(path: &Path) -> bool {
    path.is_dir()
}

/// The first bytes of a file, at most `most`.
pub fn head(path: &Path, most: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    open(path)?.take(most).read_to_end(&mut bytes).map_err(failed("read", path))?;
    Ok(bytes)
}

/// Creates a folder and those above it.
pub fn create_folder(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(failed("create", path))
}

/// Writes a file whole or not at all: a temporary file beside it, synced, then renamed over it.
/// Folders above it are created.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_parts(path, [bytes])
}

/// The same for a file that is too large to be in memory: its parts in a row.
pub fn write_parts<B: AsRef<[u8]>>(
    path: &Path,
    parts: impl IntoIterator<Item = B>,
) -> Result<(), FileError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    create_folder(folder)?;
    let file = temporary(folder).map_err(failed("write", path))?;
    // the file itself: an error of the temporary one would name its path as well
    let mut inner = file.as_file();
    parts
        .into_iter()
        .try_for_each(|part| inner.write_all(part.as_ref()))
        .map_err(failed("write", path))?;
    file.as_file().sync_all().map_err(failed("write", path))?;
    file.persist(path).map_err(|error| failed("write", path)(error.error))?;
    Ok(())
}

/// Removes a file, and the folders above it that are empty then, up to `folder`, which stays.
pub fn remove_below(folder: &Path, path: &Path) -> Result<(), FileError> {
    fs::remove_file(path).map_err(failed("remove", path))?;
    for above in path.ancestors().skip(1).take_while(|above| *above != folder) {
        // one that holds something else stays as well
        if fs::remove_dir(above).is_err() {
            break;
        }
    }
    Ok(())
}

/// A temporary file, which is to become one like any other: whoever the umask lets may read it.
fn temporary(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.prefix(".tmp-").tempfile_in(folder)
}

/// Checks that files can be written into a folder, by writing one; called before long work starts.
pub fn check_writable(folder: &Path) -> Result<(), FileError> {
    create_folder(folder)?;
    temporary(folder).map_err(failed("write", folder))?;
    Ok(())
}

/// The finished files of a folder with this extension, sorted by name; none where the folder does
/// not exist.
pub fn list(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, FileError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed("list", folder))?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed("list", folder))?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && path.extension().is_some_and(|found| found == extension) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Every file below a folder, sorted by path. Hidden files and folders are left out, and links to
/// folders, which may lead in circles.
pub fn walk(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut folders = vec![folder.to_owned()];
    let mut paths = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(failed("list", &folder))? {
            let entry = entry.map_err(failed("list", &folder))?;
            let kind = entry.file_type().map_err(failed("list", &folder))?;
            let path = entry.path();
            match entry.file_name().to_string_lossy().starts_with('.') {
                true => {}
                false if kind.is_dir() => folders.push(path),
                false if path.is_file() => paths.push(path),
                false => {}
            }
        }
    }
    paths.sort();
    Ok(paths)
}

/// A lock on a folder, held until it is dropped or the process dies.
#[derive(Debug)]
pub struct FolderLock(#[expect(dead_code, reason = "the open file is the lock")] fs::File);

/// Locks a folder for one process; `Ok(None)` where another process holds it.
pub fn lock_folder(folder: &Path) -> Result<Option<FolderLock>, FileError> {
    create_folder(folder)?;
    let path = folder.join(".lock");
    let file = fs::File::options()
        .create(true)
        .write(true)
        .truncate(false)
        .open(&path)
        .map_err(failed("lock", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(FolderLock(file))),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(failed("lock", &path)(error)),
    }
}

/// SHA-256 of some bytes, as 64 hexadecimal digits.
pub fn hash(bytes: &[u8]) -> String {
    hash_parts([bytes])
}

/// SHA-256 of a file, which may be too large to be in memory.
pub fn hash_file(path: &Path) -> Result<String, FileError> {
    let (mut file, mut sha) = (open(path)?, Sha256::new());
    io::copy(&mut file, &mut sha).map_err(failed("read", path))?;
    Ok(hexadecimal(sha))
}

/// SHA-256 of the bytes of all parts in a row, for what is too large to be joined first.
pub fn hash_parts<B: AsRef<[u8]>>(parts: impl IntoIterator<Item = B>) -> String {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update(part.as_ref());
    }
    hexadecimal(sha)
}

fn hexadecimal(sha: Sha256) -> String {
    sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_replaces_the_whole_file_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/file.csv");
        write(&path, b"a long first text").unwrap();
        write(&path, b"short").unwrap();
        assert_eq!(read_text(&path).unwrap(), "short");
        assert_eq!(list(path.parent().unwrap(), "csv").unwrap(), std::slice::from_ref(&path));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_walk_finds_every_file_that_is_not_hidden() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b/c.json", "a.json", ".git/x", "b/.hidden"] {
            write(&folder.path().join(name), name.as_bytes()).unwrap();
        }
        assert_eq!(
            walk(folder.path()).unwrap(),
            ["a.json", "b/c.json"].map(|name| folder.path().join(name))
        );
        assert_eq!(head(&folder.path().join("a.json"), 2).unwrap(), b"a.");
    }

    #[test]
    fn one_file_by_two_paths_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join("a.csv"), folder.path().join("b.csv"));
        write_parts(&file, ["one", "two"]).unwrap();
        write(&other, b"onetwo").unwrap();
        create_folder(&folder.path().join("x")).unwrap();
        assert!(is_same(&file, &folder.path().join("x/../a.csv")));
        assert!(
            !is_same(&file, &other) && !is_same(&folder.path().join("c"), &folder.path().join("c"))
        );
        assert_eq!(hash_file(&file).unwrap(), hash_parts(["onet", "wo"]));
    }

    #[test]
    fn a_removed_file_takes_empty_folders_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two, three] =
            ["a/b/one", "a/b/two", "a/three"].map(|name| folder.path().join(name));
        for path in [&one, &two, &three] {
            write(path, b"x").unwrap();
        }
        remove_below(folder.path(), &one).unwrap();
        assert!(exists(&two));
        remove_below(folder.path(), &two).unwrap();
        assert!(!exists(&folder.path().join("a/b")) && exists(&three));
        remove_below(folder.path(), &three).unwrap();
        assert!(exists(folder.path()) && !exists(&folder.path().join("a")));
    }

    #[test]
    fn errors_name_the_path_once() {
        let error = read(Path::new("no/such/file")).unwrap_err().to_string();
        assert_eq!(error, "cannot read `no/such/file`: No such file or directory (os error 2)");
        assert_eq!(error.matches("no/such/file").count(), 1);
    }

    #[test]
    fn a_pointer_of_git_lfs_is_named_as_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        write(&path, b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
            .unwrap();
        for error in
            [read(&path).unwrap_err(), map(&path).unwrap_err(), hash_file(&path).unwrap_err()]
        {
            assert!(error.to_string().contains("is a pointer of git-lfs"), "{error}");
        }
    }

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let first = lock_folder(folder.path()).unwrap();
        assert!(first.is_some());
        assert!(lock_folder(folder.path()).unwrap().is_none());
        drop(first);
        assert!(lock_folder(folder.path()).unwrap().is_some());
    }

    #[test]
    fn the_hash_is_sha_256() {
        assert_eq!(hash(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
