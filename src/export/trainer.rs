//! Trainers: the closed set of programs that an export can be for, and what each does with the rows
//! it is given.

use super::format::Format;
use std::cmp::Reverse;

/// A program that is written for, or a form that many read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trainer {
    /// LLaMA-Factory.
    LlamaFactory,
    /// One pooled file and one per language, for whatever reads JSON lines: Unsloth, eole, anything
    /// unknown.
    Jsonl,
    /// TRL, Hugging Face's trainer.
    Trl,
    /// Axolotl.
    Axolotl,
    /// ms-swift.
    MsSwift,
    /// verl.
    Verl,
    /// open-instruct, the trainer of Tülu.
    OpenInstruct,
    /// The library `datasets` of Hugging Face.
    HfDatasets,
    /// Megatron-LM and NeMo, which read a blend of data sets.
    Megatron,
    /// MosaicML's streaming data sets and LLM Foundry.
    MosaicmlStreaming,
    /// Source and target between tabs, for Marian and eole.
    Tsv,
}

/// What a trainer does with a row that is longer than its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLong {
    /// Cuts it and reads the rest.
    Truncates,
    /// Cuts it, and leaves it out where nothing of the answer is left.
    TruncatesOrDrops,
    /// Leaves it out in silence.
    Drops,
    /// Nothing that the export decides: it depends on the program that reads the files.
    Open,
}

impl OnLong {
    /// In a table.
    pub fn name(self) -> &'static str {
        match self {
            OnLong::Truncates => "truncated",
            OnLong::TruncatesOrDrops => "truncated, dropped without target",
            OnLong::Drops => "dropped",
            OnLong::Open => "open",
        }
    }
}

impl Trainer {
    /// All of them, the one that is meant where none is named first.
    pub const ALL: [Trainer; 11] = [
        Trainer::LlamaFactory,
        Trainer::Jsonl,
        Trainer::Trl,
        Trainer::Axolotl,
        Trainer::MsSwift,
        Trainer::Verl,
        Trainer::OpenInstruct,
        Trainer::HfDatasets,
        Trainer::Megatron,
        Trainer::MosaicmlStreaming,
        Trainer::Tsv,
    ];

    /// By which it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Trainer::LlamaFactory => "llamafactory",
            Trainer::Jsonl => "jsonl",
            Trainer::Trl => "trl",
            Trainer::Axolotl => "axolotl",
            Trainer::MsSwift => "ms-swift",
            Trainer::Verl => "verl",
            Trainer::OpenInstruct => "open-instruct",
            Trainer::HfDatasets => "hf-datasets",
            Trainer::Megatron => "megatron",
            Trainer::MosaicmlStreaming => "mosaicml-streaming",
            Trainer::Tsv => "tsv",
        }
    }

    /// The one of a name.
    pub fn of(name: &str) -> Option<Self> {
        Trainer::ALL.into_iter().find(|trainer| trainer.name() == name)
    }

    /// Forms of rows that it can be given, the best one first.
    pub fn formats(self) -> &'static [Format] {
        use Format::{Alpaca, Messages, Plain, PromptCompletion, Tsv};
        match self {
            Trainer::LlamaFactory => &[Alpaca],
            Trainer::Jsonl | Trainer::HfDatasets => &[Messages, PromptCompletion, Alpaca],
            Trainer::Trl => &[PromptCompletion],
            Trainer::Axolotl | Trainer::MsSwift => &[Messages, Alpaca],
            Trainer::Verl | Trainer::OpenInstruct | Trainer::MosaicmlStreaming => &[Messages],
            Trainer::Megatron => &[Plain],
            Trainer::Tsv => &[Tsv],
        }
    }

    /// Whether its configuration names the model that is tuned.
    pub fn names_model(self) -> bool {
        use Trainer::{Axolotl, LlamaFactory, MosaicmlStreaming, MsSwift, OpenInstruct, Trl, Verl};
        matches!(
            self,
            LlamaFactory | Trl | Axolotl | MsSwift | Verl | OpenInstruct | MosaicmlStreaming
        )
    }

    /// Whether its configuration has a longest row, in tokens.
    pub fn has_limit(self) -> bool {
        self.names_model()
    }

    /// What it does with rows above the limit, as it is configured here.
    pub fn on_long(self) -> OnLong {
        match self {
            Trainer::LlamaFactory | Trainer::Verl => OnLong::Truncates,
            Trainer::Trl | Trainer::OpenInstruct => OnLong::TruncatesOrDrops,
            Trainer::Axolotl | Trainer::MsSwift => OnLong::Drops,
            Trainer::Jsonl
            | Trainer::HfDatasets
            | Trainer::Megatron
            | Trainer::MosaicmlStreaming
            | Trainer::Tsv => OnLong::Open,
        }
    }

    /// Rows of a batch the last of which is left out where it is not full; none where every row is
    /// read.
    pub fn dropped_batch(self, rows: u64) -> Option<u64> {
        matches!(self, Trainer::Verl).then(|| dividing_batch(rows))
    }

    /// The versions that the export was tried with, or that it was not run.
    pub fn tested(self) -> &'static str {
        match self {
            Trainer::LlamaFactory => {
                "tested with llamafactory 0.9.5, transformers 5.6.0, datasets 4.0.0, torch 2.11.0"
            }
            Trainer::Trl => {
                "tested with trl 1.16.0, transformers 5.24.0, datasets 5.2.0, torch 2.11.0"
            }
            Trainer::HfDatasets | Trainer::Jsonl => "tested with datasets 5.2.0",
            Trainer::Axolotl => {
                "loading tested with axolotl 0.19.0, transformers 5.16.1, datasets 4.8.4"
            }
            Trainer::MsSwift => {
                "loading tested with ms-swift 4.6.0, transformers 5.19.0, datasets 4.8.4"
            }
            Trainer::Verl => "loading tested with verl 0.9.1, transformers 5.10.4",
            Trainer::MosaicmlStreaming => "loading tested with mosaicml-streaming 0.13.0",
            Trainer::OpenInstruct | Trainer::Megatron | Trainer::Tsv => {
                "not run with the trainer itself"
            }
        }
    }
}

/// Batches between these are as good as each other; the usual ones lie here.
const BATCHES: std::ops::RangeInclusive<u64> = 64..=256;
/// Processes of a machine, over which a batch is divided.
const GPUS: u64 = 8;

/// The batch that leaves the fewest of so many rows over, of those that divide over eight GPUs, the
/// largest of equals; all rows where they are fewer than a batch.
fn dividing_batch(rows: u64) -> u64 {
    let fewest = BATCHES
        .filter(|batch| batch % GPUS == 0)
        .min_by_key(|batch| (rows % batch, Reverse(*batch)));
    if rows <= *BATCHES.start() { rows.max(1) } else { fewest.unwrap_or(rows) }
}

/// The most GPUs of a machine over which a batch divides.
pub(super) fn gpus_for(batch: u64) -> u64 {
    [GPUS, 4, 2].into_iter().find(|gpus| batch.is_multiple_of(*gpus)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for trainer in Trainer::ALL {
            assert_eq!(Trainer::of(trainer.name()), Some(trainer));
            assert!(!trainer.formats().is_empty());
        }
        assert_eq!(Trainer::of("LlamaFactory"), None);
    }

    #[test]
    fn the_batch_divides_the_budget_where_it_can() {
        // 12,000 = 240 * 50, of which the default batch of 256 leaves 224 over
        assert_eq!((dividing_batch(12_000), 12_000 % 256), (240, 224));
        assert_eq!([1, 17, 64].map(dividing_batch), [1, 17, 64]);
        assert_eq!([240, 20, 10, 17].map(gpus_for), [8, 4, 2, 1]);
        // a prime: the largest batch of those that leave one row
        let prime = 12_007;
        let brute = (64..=256).filter(|batch| batch % 8 == 0).map(|batch| prime % batch).min();
        assert_eq!(Some(prime % dividing_batch(prime)), brute);
    }
}
