//! Memory of a run, an estimate: what weights, gradients, moments and activations take beside what
//! the process holds anyway.
//!
//! With P weights of which p are trained, a step of n tokens whose activations are in memory at a
//! time, m of them targets, L blocks of sizes d, q (queries, keys, values) and f, h heads,
//! sequences of t tokens and a vocabulary of V, entries of four bytes:
//!
//! ```text
//! shared by all runs   P
//! written-out passes   P + 2 P + g P + w L (5 d + q + 3 f + h t) n + 2 m V
//! candle's graph       p + 2 p + p + L (7 d + q + 3 f + h t) n + 3 m V
//! recomputed blocks    as above, but of all blocks x alone, d n, and one block whole
//! ```
//!
//! What is shared is the base; a run has a copy, moments, gradients of g lanes and activations, in
//! this order. A frozen base is not copied.
//!
//! On a card all that a step needs has a place of its own, which is counted to the byte
//! ([`memory_on_card`]); the base and a copy of it, and what the driver, cuBLAS and the kernels
//! take, come on top.
//!
//! The waste `w` of buffers that are handed from use to use, and the share of an evaluation that is
//! not served by what the step has left, were measured (benches/README.md).

use super::run::EVALUATION_BATCH_TOKENS;
use crate::corpus::Bitext;
use crate::corpus::prompt::{self, Choice};
use crate::model::{ModelConfig, PART_TOKENS, Precision, Setting, memory_on_card};
use crate::numeric::random::Purpose;
use crate::spec::{Experiment, Method, Tuning};
use crate::units::Pairs;

/// Bytes of an entry.
const BYTES: f64 = 4.0;

/// Memory of the buffers of passes over what is in use at a time: where one part follows another
/// they are of many sizes.
const WASTE: f64 = 1.1;
const WASTE_OF_LANES: f64 = 1.5;
/// Share of the activations of an evaluation that is not served by the buffers of the step before
/// it.
const EVALUATION_SHARE: f64 = 0.2;

/// What a step reads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Tokens of the largest batch.
    pub tokens: f64,
    /// Tokens of its sequences, the mean.
    pub tokens_per_sequence: f64,
    /// Share of the tokens that are targets.
    pub targets_share: f64,
}

/// Memory that runs add to their process, bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Memory {
    /// Held once for all of them.
    pub shared: f64,
    /// Held by each.
    pub run: f64,
}

/// Bytes of a whole example a token, before the tokenizer is known: much of it is the English of
/// the prompt.
const BYTES_PER_TOKEN: f64 = 4.0;
/// Pairs whose lengths are looked at.
const SAMPLE: usize = 2000;

impl Step {
    /// The largest step of a run on so many pairs of a language, by the lengths of the first
    /// examples of its shuffle.
    pub fn of(experiment: &Experiment, bitext: &Bitext, pairs: Pairs) -> Self {
        let tuning = &experiment.tuning;
        let shuffled = bitext.shuffled(0, Purpose::Pairs);
        let sample = &shuffled.pairs()[..SAMPLE.min(pairs.0 as usize).min(bitext.train.len())];
        let context = experiment.base.context() as f64;
        let lengths: Vec<[f64; 2]> = sample
            .iter()
            .enumerate()
            .map(|(index, pair)| {
                let choice = Choice::Training { seed: 0, lang: &bitext.lang, index };
                let example =
                    prompt::example(pair, tuning.direction, &bitext.name, tuning.prompt, choice);
                let [read, written] = [example.prompt.len(), example.response.len()]
                    .map(|bytes| bytes as f64 / BYTES_PER_TOKEN);
                [(read + written).min(context), written.min((context - read).max(0.0))]
            })
            .collect();
        let sum = |part: usize| lengths.iter().map(|length| length[part]).sum::<f64>().max(1.0);
        let batch = |batch: &[[f64; 2]]| batch.iter().map(|length| length[0]).sum::<f64>();
        Step {
            tokens: lengths.chunks(tuning.batch_pairs).map(batch).fold(0.0, f64::max),
            tokens_per_sequence: sum(0) / lengths.len().max(1) as f64,
            targets_share: sum(1) / sum(0),
        }
    }
}

impl Memory {
    /// The estimate of one run of an experiment.
    pub fn of(config: &ModelConfig, tuning: &Tuning, step: Step) -> Self {
        let weights = config.parameters() as f64;
        let trained = match &tuning.method {
            Method::Full => weights,
            Method::Lora(lora) => {
                let of = |module: &_| (config.dims(*module).0 + config.dims(*module).1) as f64;
                (config.n_layers * lora.rank) as f64
                    * lora.target_modules.iter().map(of).sum::<f64>()
            }
        };
        let plain = tuning.method == Method::Full && config.is_plain();
        let most = tuning
            .micro_batch_pairs
            .map_or(f64::INFINITY, |pairs| pairs as f64 * step.tokens_per_sequence);
        let tokens = step.tokens.min(most);
        let evaluated = EVALUATION_BATCH_TOKENS as f64;
        let run = if plain {
            let lanes = if tokens > PART_TOKENS as f64 { 2.0 } else { 1.0 };
            let waste = if lanes > 1.0 { WASTE_OF_LANES } else { WASTE };
            let evaluates = EVALUATION_SHARE * written(config, evaluated, step, tuning.recompute);
            (3.0 + lanes) * weights
                + waste * written(config, tokens, step, tuning.recompute)
                + evaluates
        } else {
            // no block keeps anything for a gradient that nobody asks for
            let evaluates = evaluated
                * (2.0 * step.targets_share * config.vocab_size as f64
                    + (config.d_model + 2 * config.d_ff) as f64);
            4.0 * trained + graph(config, tokens, step, tuning.recompute) + evaluates
        };
        Memory { shared: BYTES * weights, run: BYTES * run }
    }
}

/// Bytes of a card that the driver, cuBLAS and the kernels take: 0.4 and 0.8 GB were left over in
/// two measurements on one H100.
const DRIVER: f64 = 600e6;

impl Memory {
    /// The estimate of a stack of runs of a plain network on a card.
    pub fn on_card(
        config: &ModelConfig,
        tuning: &Tuning,
        step: Step,
        context: usize,
        precision: Precision,
        runs: usize,
    ) -> Self {
        let most = tuning
            .micro_batch_pairs
            .map_or(f64::INFINITY, |pairs| pairs as f64 * step.tokens_per_sequence);
        let tokens = step.tokens.min(most);
        let setting = Setting {
            config: *config,
            runs,
            precision,
            micro_batch: None,
            recomputes: tuning.recompute,
            hopeless: f64::INFINITY,
        };
        let run = memory_on_card(
            &setting,
            context,
            tokens as usize,
            (tokens * step.targets_share) as usize,
        );
        Memory { shared: DRIVER + 2.0 * BYTES * config.parameters() as f64, run: run as f64 }
    }
}

/// Entries of the activations of written-out passes over a batch, two parts of which are in memory
/// at a time.
fn written(config: &ModelConfig, tokens: f64, step: Step, recomputes: bool) -> f64 {
    let [d, q, f] = [config.d_model, config.qkv_dim(), config.d_ff].map(|size| size as f64);
    let block = 5.0 * d + q + 3.0 * f + config.n_heads as f64 * step.tokens_per_sequence;
    let layers = config.n_layers as f64;
    let kept = if recomputes { layers * d + block } else { layers * block };
    // a backward of one block beside what all keep
    tokens.min(2.0 * PART_TOKENS as f64)
        * (kept + 5.0 * d + f + q + 2.0 * step.targets_share * config.vocab_size as f64)
}

/// Entries of the activations in candle's graph.
fn graph(config: &ModelConfig, tokens: f64, step: Step, recomputes: bool) -> f64 {
    let [d, q, f] = [config.d_model, config.qkv_dim(), config.d_ff].map(|size| size as f64);
    let block = 7.0 * d + q + 3.0 * f + config.n_heads as f64 * step.tokens_per_sequence;
    let layers = config.n_layers as f64;
    let kept = if recomputes { layers * d + block } else { layers * block };
    tokens * (kept + 3.0 * step.targets_share * config.vocab_size as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{LoraSpec, Preset};

    const STEP: Step = Step { tokens: 1000.0, tokens_per_sequence: 100.0, targets_share: 0.5 };

    fn memory(tuning: &Tuning, step: Step) -> Memory {
        Memory::of(&ModelConfig::of(Preset::Nano, None), tuning, step)
    }

    #[test]
    fn a_step_of_one_part_is_counted_by_hand() {
        // nano: P = 1,000,576, d = 128, q = 256, f = 352, L = 4, h = 4, V = 2048
        let token = 4.0 * (5.0 * 128.0 + 256.0 + 3.0 * 352.0 + 4.0 * 100.0)
            + 5.0 * 128.0
            + 352.0
            + 256.0
            + 2048.0;
        let found = memory(&Tuning::default(), STEP);
        assert_eq!(found.shared, 4.0 * 1_000_576.0);
        let expected = 4.0 * (4.0 * 1_000_576.0 + 1.1 * 1000.0 * token + 0.2 * 2048.0 * token);
        approx::assert_relative_eq!(found.run, expected, max_relative = 1e-12);
    }

    /// `nvidia-smi` on an H100 while `bench --model 135m --sequences 512` ran: 41,561 MiB.
    #[test]
    fn a_card_holds_what_was_measured() {
        let config = crate::train::workloads()
            .into_iter()
            .find(|workload| workload.name == "135m")
            .unwrap()
            .config;
        let step = Step { tokens: 65_536.0, tokens_per_sequence: 128.0, targets_share: 0.5 };
        let of =
            |tuning: &Tuning, precision| Memory::on_card(&config, tuning, step, 128, precision, 1);
        let found = of(&Tuning::default(), Precision::Bf16);
        approx::assert_relative_eq!(
            found.shared + found.run,
            37_401.0 * 1_048_576.0,
            max_relative = 0.03
        );
        assert!(
            of(&Tuning { recompute: true, ..Tuning::default() }, Precision::Bf16).run
                < 0.3 * found.run
        );
        assert!(of(&Tuning::default(), Precision::F32).run > 1.3 * found.run);
    }

    #[test]
    fn what_saves_memory_is_seen() {
        let long = Step { tokens: 9000.0, ..STEP };
        for method in [Method::Full, Method::Lora(LoraSpec::default())] {
            let plain = Tuning { method, ..Tuning::default() };
            let recomputed = Tuning { recompute: true, ..plain.clone() };
            let cut = Tuning { micro_batch_pairs: Some(8), ..plain.clone() };
            let [plain, recomputed, cut] =
                [plain, recomputed, cut].map(|tuning| memory(&tuning, long).run);
            assert!(recomputed < 0.7 * plain && cut < plain, "{plain} {recomputed} {cut}");
        }
        // more tokens than two parts wait for their turn where passes are written out
        assert_eq!(
            memory(&Tuning::default(), long).run,
            memory(&Tuning::default(), Step { tokens: 4000.0, ..STEP }).run
        );
    }
}
