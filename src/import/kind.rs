//! Programs whose logs are read, by their words.

use std::fmt;

/// Programs whose logs are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Hugging Face `trainer_state.json`, `all_results.json`, and LLaMA-Factory's
    /// `trainer_log.jsonl`.
    TrainerState,
    /// TensorBoard event files.
    Tensorboard,
    /// CSV exports of Weights & Biases: of a panel, of the table of runs, or by its API.
    Wandb,
    /// MLflow, its SQLite database or its file store.
    Mlflow,
    /// Results of lm-evaluation-harness.
    LmEval,
    /// JSON of sacrebleu.
    Sacrebleu,
    /// Lightning's `metrics.csv`.
    Lightning,
    /// Text logs of fairseq, Marian, OpenNMT-py, Sockeye, JoeyNMT, Megatron and torchtune, or of
    /// any program by a pattern.
    Text,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 8] = [
        Kind::TrainerState,
        Kind::Tensorboard,
        Kind::Wandb,
        Kind::Mlflow,
        Kind::LmEval,
        Kind::Sacrebleu,
        Kind::Lightning,
        Kind::Text,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::TrainerState => "trainer-state",
            Kind::Tensorboard => "tensorboard",
            Kind::Wandb => "wandb",
            Kind::Mlflow => "mlflow",
            Kind::LmEval => "lm-eval",
            Kind::Sacrebleu => "sacrebleu",
            Kind::Lightning => "lightning",
            Kind::Text => "text",
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
