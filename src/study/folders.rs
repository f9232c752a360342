//! Where an experiment's files are: records beside the experiments, fits and plots beside their
//! folder.

use super::StudyError;
use crate::design::{self, DesignRow};
use crate::files;
use crate::spec::Experiment;
use std::path::{Path, PathBuf};

/// The folders of one experiment, `HOME/experiments/NAME.yaml`.
#[derive(Debug, Clone)]
pub struct Folders {
    /// Name of the experiment.
    pub name: String,
    /// The YAML.
    pub experiment: PathBuf,
    /// One record a run.
    pub records: PathBuf,
    /// Laws and allocation.
    pub fits: PathBuf,
    /// Plots and the page.
    pub plots: PathBuf,
}

impl Folders {
    /// The folders of an experiment given by its file, or by its name below `experiments/`.
    pub fn of(experiment: &str) -> Result<Self, StudyError> {
        let given = Path::new(experiment);
        let named = Path::new("experiments").join(format!("{experiment}.yaml"));
        let path = match () {
            () if files::exists(given) => given.to_owned(),
            () if files::exists(&named) => named,
            () => return Err(StudyError::NoExperiment { experiment: experiment.to_owned() }),
        };
        let name =
            path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        // folders are called after it, and one of these would be another folder than its own
        if ["", ".", ".."].contains(&name.as_str()) {
            return Err(StudyError::Called { path, name });
        }
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
        // fits and plots stand beside `experiments/`, as in this repository; a YAML elsewhere keeps
        // them beside itself
        let in_experiments = folder.file_name().is_some_and(|last| last == "experiments");
        let home = folder
            .parent()
            .filter(|_| in_experiments)
            .map_or_else(|| folder.clone(), Path::to_owned);
        Ok(Folders {
            records: folder.join("records").join(&name),
            fits: home.join("fits").join(&name),
            plots: home.join("plots").join(&name),
            experiment: path,
            name,
        })
    }

    /// Reads the experiment, with the design that was planned for it.
    pub fn read(&self) -> Result<Experiment, StudyError> {
        let mut experiment = Experiment::read(&self.experiment)?;
        let langs: Vec<String> =
            experiment.langs().iter().map(|lang| lang.code().to_owned()).collect();
        experiment.design = self.read_design(&langs)?.into_iter().map(|row| row.run).collect();
        Ok(experiment)
    }

    /// The table of the design that is planned for the experiment.
    pub fn design(&self) -> PathBuf {
        self.records.join("design.csv")
    }

    /// Its rows; none where nothing is planned.
    pub fn read_design(&self, langs: &[String]) -> Result<Vec<DesignRow>, StudyError> {
        let path = self.design();
        if !files::exists(&path) {
            return Ok(Vec::new());
        }
        let text = files::read_text(&path)?;
        design::from_csv(langs, &text).map_err(|cause| StudyError::Design { path, cause })
    }

    /// The folder that paths in the YAML are relative to.
    pub fn base(&self) -> &Path {
        self.experiment.parent().unwrap_or(Path::new("."))
    }
}
