//! A fresh folder, the real binary at work in it, and transcripts of what it said.

use parallot::files;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Three constructed languages and settings so small that everything about them is quick.
pub const TINY: &str = "\
analysis: a try
base:
  preset: nano
  vocab_size: 300
  context: 64
  tokenizer_pairs: 50
  pretraining: {tokens: 2000, shares: {eng_Latn: 0.94}, batch_tokens: 512}
tuning: {prompt: compact, batch_pairs: 4}
sizes: [0, 100, 200, 400, 800, 1600]
seeds: [1, 2]
evaluation: {pairs: 8}
constructed:
  seed: 1
  train: 1600
  dev: 20
  test: 20
  sisters:
  - {lang: qaa_Latn, name: Near, vocabulary: 0.9, order: svo, morphology: english}
  - {lang: qab_Latn, name: Middle, vocabulary: 0.5, order: svo, morphology: suffix}
  - {lang: qac_Latn, name: Far, vocabulary: 0.1, order: sov, morphology: case}
";

/// A fresh folder; gone when dropped.
pub struct Place(tempfile::TempDir);

impl Place {
    /// An empty folder.
    pub fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    /// A folder with the tiny experiment under `experiments/`.
    pub fn with_tiny() -> Self {
        let place = Place::new();
        place.write("experiments/tiny.yaml", TINY);
        place
    }

    /// A folder in which simulated runs of the tiny experiment have been swept and fitted.
    pub fn with_fits() -> Self {
        let place = Place::with_tiny();
        place.done("sweep tiny --trainer simulated");
        place.done("fit tiny --n-draws 20");
        place
    }

    /// A path in the folder.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        files::write(&self.path(name), content.as_ref()).unwrap();
    }

    /// The text of a file.
    pub fn read(&self, name: impl AsRef<Path>) -> String {
        files::read_text(&self.path(name)).unwrap()
    }

    /// The data files of an export by their names, which lie in a folder named for the plan.
    pub fn exported(&self, folder: &str) -> BTreeMap<String, String> {
        let files = self.tree(&format!("{folder}/data")).into_iter();
        let text = |(path, bytes): (PathBuf, Vec<u8>)| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, String::from_utf8_lossy(&bytes).into_owned())
        };
        files.map(text).collect()
    }

    /// The files below a folder with their content, in order of their names; locks and temporary
    /// files are left out.
    pub fn tree(&self, folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![self.path(folder)];
        while let Some(folder) = folders.pop() {
            for path in folder.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if !path.file_name().unwrap().to_string_lossy().starts_with('.') {
                    found.push((
                        path.strip_prefix(self.0.path()).unwrap().to_owned(),
                        files::read(&path).unwrap(),
                    ));
                }
            }
        }
        found.sort();
        found
    }

    /// The records of an experiment: name and text of each.
    pub fn records(&self, experiment: &str) -> Vec<(String, String)> {
        let folder = Path::new("experiments/records").join(experiment);
        let paths = files::list(&self.path(&folder), "json").unwrap();
        let names =
            paths.iter().filter_map(|path| path.file_name()).filter(|name| *name != "sweep.json");
        names
            .map(|name| folder.join(name))
            .map(|path| (path.to_string_lossy().into_owned(), self.read(&path)))
            .collect()
    }

    /// The program with arguments between spaces, to be run here.
    pub fn command(&self, line: &str) -> Command {
        let mut command = self.bare(assert_cmd::cargo::cargo_bin!("parallot"));
        command.args(line.split_whitespace());
        command
    }

    /// A command to be run here, of whose surroundings nothing is known that matters.
    fn bare(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.0.path()).stdin(Stdio::null());
        let of_the_hub = [
            "HF_ENDPOINT",
            "HF_HOME",
            "HF_HUB_CACHE",
            "HUGGINGFACE_HUB_CACHE",
            "HF_TOKEN",
            "HF_HUB_OFFLINE",
            "http_proxy",
            "HTTP_PROXY",
        ];
        for name in ["PARALLOT_DATA", "PARALLOT_CACHE", "COLUMNS", "RUST_BACKTRACE"]
            .into_iter()
            .chain(of_the_hub)
        {
            command.env_remove(name);
        }
        command
    }

    /// Runs the program to its end, after what a shell does first, such as setting a limit.
    #[cfg(unix)]
    pub fn run_after(&self, first: &str, line: &str) -> Ran {
        let mut command = self.bare("sh");
        command
            .arg("-c")
            .arg(format!("{first}; exec \"$0\" {line}"))
            .arg(assert_cmd::cargo::cargo_bin!("parallot"));
        let mut ran = Ran::of(line, &mut command);
        ran.line += &format!("  # {first}");
        ran
    }

    /// Runs the program to its end.
    pub fn run(&self, line: &str) -> Ran {
        self.run_with(line, &[])
    }

    /// The same with environment variables.
    pub fn run_with(&self, line: &str, variables: &[(&str, &str)]) -> Ran {
        Ran::of(line, self.command(line).envs(variables.iter().copied()))
    }

    /// Runs what must succeed.
    pub fn done(&self, line: &str) -> Ran {
        self.run(line).succeeded()
    }

    /// Runs what must fail with an exit status and a message of the house's style.
    pub fn fails(&self, status: i32, line: &str) -> Ran {
        self.run(line).failed(status)
    }
}

/// What a run of the program did.
pub struct Ran {
    /// Its arguments, and what is odd about its input.
    pub line: String,
    status: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl Ran {
    /// Runs a command to its end; what it writes elsewhere is not kept.
    pub fn of(line: &str, command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran {
            line: line.to_owned(),
            status: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Asserts that it failed with an exit status and a message of the house's style.
    pub fn failed(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{self}");
        self.check_message();
        self
    }

    /// Asserts that it succeeded.
    pub fn succeeded(self) -> Self {
        assert_eq!(self.status, Some(0), "{self}");
        self
    }

    /// The house's style: one line `error: `, in lower case, without a final stop, every file named
    /// once, and no panic.
    fn check_message(&self) {
        assert!(!self.stderr.contains("panicked"), "{self}");
        let errors: Vec<&str> =
            self.stderr.lines().filter_map(|line| line.strip_prefix("error: ")).collect();
        let &[error] = errors.as_slice() else {
            panic!("{} lines start with `error: `\n{self}", errors.len())
        };
        assert!(!error.starts_with(char::is_uppercase) && !error.ends_with('.'), "{self}");
        for quoted in error
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|quoted| quoted.contains('/') && !quoted.contains(' '))
        {
            assert_eq!(
                error.matches(quoted).count(),
                1,
                "{quoted} is named more than once\n{self}"
            );
        }
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ parallot {}", self.line)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                writeln!(f, "--- {name}\n{}", text.trim_end_matches('\n'))?;
            }
        }
        writeln!(
            f,
            "--- status {}",
            self.status.map_or("none".to_owned(), |status| status.to_string())
        )
    }
}

/// Compares transcripts with the kept ones, all but versions, hashes and times.
pub fn assert_transcript(name: &str, runs: &[Ran]) {
    let text: Vec<String> = runs.iter().map(ToString::to_string).collect();
    let filters = [
        (r"\d+\.\d+\.\d+ \(rev [0-9a-z]+\)", "[version]"),
        (r"\b[0-9a-f]{16}([0-9a-f]{48})?\b", "[hash]"),
        (r"made in \d+ (s|min)", "made in [time]"),
    ];
    insta::with_settings!({ filters => filters, omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, text.join("\n"));
    });
}
