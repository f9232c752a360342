//! Claims: one process at a time does one piece of work, also on file systems without locks, where
//! machines share a folder.
//!
//! A claim is a file that says whose it is: made new or not at all, written again every minute
//! while the work goes on, removed at its end. One whose process is gone, or that nobody has
//! written for ten minutes by the clock of the file system, is taken over.

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
    /// This boot of the machine and its space of processes; a number says nothing of another.
    space: String,
    /// When the process started, in the unit of its system: numbers are used again.
    started: String,
}

impl Owner {
    /// This process.
    pub fn this() -> Self {
        let text = |path: &str| {
            fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
        };
        let processes = fs::read_link("/proc/self/ns/pid")
            .map(|link| link.display().to_string())
            .unwrap_or_default();
        let host = Some(text("/proc/sys/kernel/hostname"))
            .filter(|host| !host.is_empty())
            .unwrap_or_else(|| "unknown".to_owned());
        let process = std::process::id();
        let space = format!("{}/{processes}", text("/proc/sys/kernel/random/boot_id"));
        Owner { host, process, space, started: started(process).unwrap_or_default() }
    }

    fn of(text: &str) -> Self {
        let mut words = text.split_whitespace().map(str::to_owned);
        let mut next = || words.next().unwrap_or_default();
        let (host, process) = (next(), next().parse().unwrap_or(0));
        Owner {
            host: if host.is_empty() { "unknown".to_owned() } else { host },
            process,
            space: next(),
            started: next(),
        }
    }

    fn text(&self) -> String {
        format!("{} {} {} {}", self.host, self.process, self.space, self.started)
    }

    /// Whether it is known to have ended: a process that this one would see if it were there.
    fn is_gone(&self) -> bool {
        let this = Owner::this();
        let is_seen =
            self.host == this.host && self.space == this.space && !this.started.is_empty();
        is_seen && started(self.process).is_none_or(|started| started != self.started)
    }
}

/// When a process started, where it is seen: the 22nd field of its state, the second of which is a
/// name in brackets.
fn started(process: u32) -> Option<String> {
    let state = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    state.rsplit_once(')')?.1.split_whitespace().nth(19).map(str::to_owned)
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
    text: String,
    /// Dropped with the claim, which ends the beat.
    _beat: Sender<()>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        // one that was taken over is another's
        if fs::read_to_string(&self.path).is_ok_and(|found| found == self.text) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Claims a piece of work by its file; `Ok(None)` where another process is at work on it.
pub fn claim(path: &Path, owner: &Owner) -> Result<Option<Claim>, FileError> {
    create_folder(path.parent().unwrap_or(Path::new(".")))?;
    let text = owner.text();
    for _ in 0..2 {
        match fs::File::options().create_new(true).write(true).open(path) {
            Ok(mut file) => {
                if let Err(error) = file.write_all(text.as_bytes()) {
                    let _ = fs::remove_file(path);
                    return Err(failed("write", path)(error));
                }
                return Ok(Some(Claim {
                    path: path.to_owned(),
                    _beat: beating(path, &text),
                    text,
                }));
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed("create", path)(error)),
        }
        let Some(stale) = read(path)?.filter(|found| !is_held(path, found)) else {
            return Ok(None);
        };
        // several may find it stale: who moves away a claim that was made since puts it back
        let aside = path.with_extension(format!("stale-{}", owner.process));
        if fs::rename(path, &aside).is_ok() {
            let is_other = read(&aside)?.is_some_and(|found| found != stale);
            if is_other {
                let _ = fs::hard_link(&aside, path);
            }
            let _ = fs::remove_file(&aside);
            if is_other {
                return Ok(None);
            }
        }
    }
    Ok(None)
}

/// Who is at work on what a file claims; nobody where it is absent or stale.
pub fn claimed(path: &Path) -> Result<Option<Owner>, FileError> {
    Ok(read(path)?.filter(|found| is_held(path, found)).map(|found| Owner::of(&found)))
}

/// What a claim says; none where there is none.
fn read(path: &Path) -> Result<Option<String>, FileError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path)(error)),
    }
}

/// Whether a claim still counts: its process is not known to be gone, and it was written of late by
/// the clock of its file system. Where that cannot be read, it counts.
fn is_held(path: &Path, found: &str) -> bool {
    if Owner::of(found).is_gone() {
        return false;
    }
    let now = || {
        tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))
            .ok()?
            .as_file()
            .metadata()
            .ok()?
            .modified()
            .ok()
    };
    let age = || now()?.duration_since(fs::metadata(path).ok()?.modified().ok()?).ok();
    age().is_none_or(|age| age <= STALE)
}

/// Writes a claim again and again, until the sender is dropped or the claim is another's.
fn beating(path: &Path, text: &str) -> Sender<()> {
    let (sender, receiver) = channel();
    let (path, text) = (path.to_owned(), text.to_owned());
    std::thread::spawn(move || {
        while receiver.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
            if fs::read_to_string(&path).is_ok_and(|found| found == text) {
                // never made anew: it may have been given back in between
                let _ = fs::File::options()
                    .write(true)
                    .open(&path)
                    .and_then(|mut file| file.write_all(text.as_bytes()));
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
        // a process of this machine that is gone, and another one of its number
        let written = |owner: &Owner| fs::write(&path, owner.text()).unwrap();
        written(&Owner { process: u32::MAX, ..owner.clone() });
        assert!(claim(&path, &owner).unwrap().is_some());
        written(&Owner { started: "1".to_owned(), ..owner.clone() });
        assert!(claim(&path, &owner).unwrap().is_some());
        // one of another machine, or that cannot be read, counts while its file is fresh
        for bytes in [b"elsewhere 7 x 1".as_slice(), b"\xff\xfe", b""] {
            fs::write(&path, bytes).unwrap();
            assert!(claim(&path, &owner).unwrap().is_none());
        }
        let old = fs::metadata(&path).unwrap().modified().unwrap() - Duration::from_secs(700);
        fs::File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
        let taken = claim(&path, &owner).unwrap();
        assert!(taken.is_some());
        // what was taken over is not given back by who had it
        written(&Owner::of("elsewhere 7 x 1"));
        drop(taken);
        assert!(path.exists());
        fs::remove_file(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
