//! Recipes: named starting points for the keys of `tuning`, each of which can be changed.
//!
//! | recipe | pairs | instruction data | weights |
//! |---|---|---|---|
//! | `translation` | English to X | none | all |
//! | `coit` | English to X | in English and in X (Zhu et al. 2023, CoIT) | all |
//! | `muit` | English to X | in every language (Zhu et al. 2023, MuIT) | all |
//! | `translation-following` | both ways | in English and in X (Ranaldi et al. 2023) | all |
//! | `question-translation` | X to English (Zhang et al. 2024) | none | adapters |
//!
//! The pairs of `question-translation` are questions without answers, its adapters of rank 8 on
//! queries and values.

use super::instruction::{InstructionFile, InstructionSpec, Scope};
use super::lora::{LoraSpec, Module};
use super::schedule::ScheduleSpec;
use super::tuning::{Method, Optimisation, Tuning};
use crate::corpus::PromptStyle;
use crate::units::Direction;
use serde::{Deserialize, Deserializer};

/// A named starting point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recipe {
    /// Pairs alone.
    #[default]
    Translation,
    /// Cross-lingual instruction tuning.
    Coit,
    /// Multilingual instruction tuning.
    Muit,
    /// Translation demonstrations in both directions among instructions.
    TranslationFollowing,
    /// Translation of questions into English, whose answers nobody gives.
    QuestionTranslation,
}

impl Recipe {
    /// Its keys, before any of them is changed.
    pub fn tuning(self) -> Tuning {
        let instructions = |scope| Some(InstructionSpec { scope, ..InstructionSpec::default() });
        let plain = Tuning::default();
        match self {
            Recipe::Translation => plain,
            Recipe::Coit => Tuning { instructions: instructions(Scope::Own), ..plain },
            Recipe::Muit => Tuning { instructions: instructions(Scope::All), ..plain },
            Recipe::TranslationFollowing => Tuning {
                direction: Direction::Both,
                instructions: instructions(Scope::Own),
                ..plain
            },
            Recipe::QuestionTranslation => Tuning {
                direction: Direction::ToEnglish,
                prompt: PromptStyle::Question,
                epochs: 3,
                // rank, alpha and modules as that release has them; the rate stays ours, theirs is
                // for models a thousand times larger
                method: Method::Lora(LoraSpec {
                    rank: 8,
                    alpha: 16.0,
                    dropout: 0.0,
                    target_modules: vec![Module::QProj, Module::VProj],
                }),
                optimisation: Optimisation { warmup_share: 0.1, ..Optimisation::default() },
                ..plain
            },
        }
    }
}

impl<'de> Deserialize<'de> for Tuning {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        WireTuning::deserialize(deserializer).map(WireTuning::resolve)
    }
}

/// The keys of `tuning` that are given.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WireTuning {
    recipe: Recipe,
    direction: Option<Direction>,
    prompt: Option<PromptStyle>,
    epochs: Option<u32>,
    batch_pairs: Option<usize>,
    micro_batch_pairs: Option<usize>,
    recompute: bool,
    #[serde(with = "serde_yaml::with::singleton_map")]
    method: Option<WireMethod>,
    schedule: Option<ScheduleSpec>,
    instructions: Option<WireInstructions>,
    optimisation: WireOptimisation,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireMethod {
    Full,
    Lora(WireLora),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireLora {
    rank: Option<usize>,
    alpha: Option<f64>,
    dropout: Option<f64>,
    target_modules: Option<Vec<Module>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireInstructions {
    files: Option<Vec<InstructionFile>>,
    scope: Option<Scope>,
    most: Option<usize>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WireOptimisation {
    peak_lr: Option<f64>,
    min_lr_share: Option<f64>,
    warmup_share: Option<f64>,
    weight_decay: Option<f64>,
    grad_clip: Option<f64>,
    beta1: Option<f64>,
    beta2: Option<f64>,
}

impl WireTuning {
    /// The recipe with what is given in place of its own.
    fn resolve(self) -> Tuning {
        let own = self.recipe.tuning();
        let given = self.optimisation;
        let optimisation = Optimisation {
            peak_lr: given.peak_lr.unwrap_or(own.optimisation.peak_lr),
            min_lr_share: given.min_lr_share.unwrap_or(own.optimisation.min_lr_share),
            warmup_share: given.warmup_share.unwrap_or(own.optimisation.warmup_share),
            weight_decay: given.weight_decay.unwrap_or(own.optimisation.weight_decay),
            grad_clip: given.grad_clip.unwrap_or(own.optimisation.grad_clip),
            beta1: given.beta1.unwrap_or(own.optimisation.beta1),
            beta2: given.beta2.unwrap_or(own.optimisation.beta2),
        };
        Tuning {
            direction: self.direction.unwrap_or(own.direction),
            prompt: self.prompt.unwrap_or(own.prompt),
            epochs: self.epochs.unwrap_or(own.epochs),
            batch_pairs: self.batch_pairs.unwrap_or(own.batch_pairs),
            micro_batch_pairs: self.micro_batch_pairs.or(own.micro_batch_pairs),
            recompute: self.recompute || own.recompute,
            method: self.method.map_or(own.method.clone(), |method| method.resolve(own.method)),
            schedule: self.schedule.unwrap_or(own.schedule),
            instructions: match (self.instructions, own.instructions) {
                (Some(given), own) => Some(given.resolve(own.unwrap_or_default())),
                (None, own) => own,
            },
            optimisation,
        }
    }
}

impl WireMethod {
    fn resolve(self, own: Method) -> Method {
        let WireMethod::Lora(given) = self else { return Method::Full };
        let own = if let Method::Lora(own) = own { own } else { LoraSpec::default() };
        Method::Lora(LoraSpec {
            rank: given.rank.unwrap_or(own.rank),
            alpha: given.alpha.unwrap_or(own.alpha),
            dropout: given.dropout.unwrap_or(own.dropout),
            target_modules: given.target_modules.unwrap_or(own.target_modules),
        })
    }
}

impl WireInstructions {
    fn resolve(self, own: InstructionSpec) -> InstructionSpec {
        InstructionSpec {
            files: self.files.unwrap_or(own.files),
            scope: self.scope.unwrap_or(own.scope),
            most: self.most.or(own.most),
            ..own
        }
    }
}
