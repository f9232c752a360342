//! Programs whose logs are read, by their words.

use std::fmt;

/// Programs whose logs are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Hugging Face `trainer_state.json`.
    TrainerState,
    /// TensorBoard event files.
    Tensorboard,
    /// CSV exports of Weights & Biases, of a panel or of the table of runs.
    Wandb,
    /// MLflow, its SQLite database or its file store.
    Mlflow,
    /// Results of lm-evaluation-harness.
    LmEval,
    /// JSON of sacrebleu.
    Sacrebleu,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 6] = [Kind::TrainerState, Kind::Tensorboard, Kind::Wandb, Kind::Mlflow, Kind::LmEval, Kind::Sacrebleu];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::TrainerState => "trainer-state",
            Kind::Tensorboard => "tensorboard",
            Kind::Wandb => "wandb",
            Kind::Mlflow => "mlflow",
            Kind::LmEval => "lm-eval",
            Kind::Sacrebleu => "sacrebleu",
        }
    }

    /// All words, for messages.
    pub fn names() -> String {
        Kind::ALL.map(Kind::name).join(", ")
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
