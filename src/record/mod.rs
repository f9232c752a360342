//! Records: one finished or diverged small run, one JSON file each, and their points as a table.

mod manifest;
mod outcome;
mod points;
mod run;
mod store;
mod subject;
mod version;
mod wire;

pub use manifest::{CorpusRow, Manifest, RunRow};
pub use outcome::{Evaluation, Outcome};
pub use points::points_csv;
pub use run::RunRecord;
pub use store::{RecordError, Store};
pub use subject::{MixRow, Subject};
pub use version::TrainingVersion;
