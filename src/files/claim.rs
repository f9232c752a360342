//! Claims: one process at a time does one piece of work, also on file systems without locks, where machines share a folder.
//!
//! A claim is a file that says whose it is: made new or not at all, written again every minute while the work goes on, removed at its end. One
//! whose process is gone, or that nobody has written for ten minutes by the clock of the file system, is taken over.

use super::{FileError, create_folder, failed};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How often a claim is written again.
const BEAT: Duration = Duration::from_secs(60);
/// How long without that it counts.
const STALE: Duration = Duration::from_secs(600);

/// Who claims: a machine and a process on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    host: String,
    process: u32,
}

impl Owner {
    /// This process.
    pub fn this() -> Self {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").map_or_else(|_| "unknown".to_owned(), |host| host.trim().to_owned());
        Owner { host, process: std::process::id() }
    }

    fn of(text: &str) -> Option<Self> {
        let (host, process) = text.trim().rsplit_once(' ')?;
        Some(Owner { host: host.to_owned(), process: process.parse().ok()? })
    }

    /// Whether it is known to have ended: a process of this machine that is no longer there.
    fn is_gone(&self) -> bool {
        self.host == Owner::this().host && Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{}", self.process)).exists()
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.host, self.process)
    }
}

/// A claim that is held until it is dropped.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    /// Dropped with the claim, which ends the beat.
    _beat: Sender<()>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Claims a piece of work by its file; `Ok(None)` where another process is at work on it.
pub fn claim(path: &Path, owner: &Owner) -> Result<Option<Claim>, FileError> {
    create_folder(path.parent().unwrap_or(Path::new(".")))?;
    // what is stale is moved away by one process only, and then claimed anew
    for _ in 0..2 {
        match fs::File::options().create_new(true).write(true).open(path) {
            Ok(mut file) => {
                file.write_all(owner.to_string().as_bytes()).map_err(failed("write", path))?;
                return Ok(Some(Claim { path: path.to_owned(), _beat: beating(path, owner) }));
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed("create", path)(error)),
        }
        if claimed(path)?.is_some() {
            return Ok(None);
        }
        let aside = path.with_extension(format!("stale-{}", owner.process));
        if fs::rename(path, &aside).is_ok() {
            let _ = fs::remove_file(&aside);
        }
    }
    Ok(None)
}

/// Who is at work on what a file claims; nobody where it is absent or stale.
pub fn claimed(path: &Path) -> Result<Option<Owner>, FileError> {
    let (Ok(text), Ok(written)) = (fs::read_to_string(path), fs::metadata(path).and_then(|data| data.modified())) else { return Ok(None) };
    let owner = Owner::of(&text);
    if owner.as_ref().is_some_and(Owner::is_gone) {
        return Ok(None);
    }
    // now, by the clock that wrote the claim
    let probe = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("."))).map_err(failed("create", path))?;
    let now = probe.as_file().metadata().and_then(|data| data.modified()).map_err(failed("read", path))?;
    let is_stale = now.duration_since(written).is_ok_and(|age| age > STALE);
    // one that was just made may be empty yet
    Ok((!is_stale).then(|| owner.unwrap_or(Owner { host: "unknown".to_owned(), process: 0 })))
}

/// Writes a claim again and again, until the sender is dropped or the claim is another's.
fn beating(path: &Path, owner: &Owner) -> Sender<()> {
    let (sender, receiver) = channel();
    let (path, text) = (path.to_owned(), owner.to_string());
    std::thread::spawn(move || {
        while receiver.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
            if fs::read_to_string(&path).is_ok_and(|found| found == text) {
                let _ = fs::write(&path, &text);
            }
        }
    });
    sender
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_claims_at_a_time_and_what_is_left_behind_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.claim");
        let owner = Owner::this();
        let first = claim(&path, &owner).unwrap();
        assert!(first.is_some() && claim(&path, &owner).unwrap().is_none());
        assert_eq!(claimed(&path).unwrap(), Some(owner.clone()));
        drop(first);
        assert_eq!(claimed(&path).unwrap(), None);
        // a process of this machine that is gone
        let gone = Owner { process: u32::MAX, ..owner.clone() };
        fs::write(&path, gone.to_string()).unwrap();
        assert!(claim(&path, &owner).unwrap().is_some());
        // one of another machine counts while its file is fresh
        let other = Owner { host: "elsewhere".to_owned(), process: 7 };
        fs::write(&path, other.to_string()).unwrap();
        assert!(claim(&path, &owner).unwrap().is_none());
        let old = fs::metadata(&path).unwrap().modified().unwrap() - Duration::from_secs(700);
        fs::File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
        assert!(claim(&path, &owner).unwrap().is_some());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
