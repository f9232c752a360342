//! Tokens a second of training steps on random sequences: `cargo bench --bench step -- [preset] [steps]`.

use candle_core::{DType, Device};
use parallot::model::{Batch, Llama, ModelConfig};
use parallot::spec::{Optimisation, Preset};
use parallot::train::fit_batches;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench reports to a person")]
fn main() {
    // SAFETY: the first thing that the process does, before any thread
    unsafe { parallot::train::keep_candle_on_its_thread() };
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let preset = match arguments.first().map(String::as_str) {
        Some("micro") => Preset::Micro,
        Some("small") => Preset::Small,
        _ => Preset::Nano,
    };
    let steps = arguments.get(1).and_then(|steps| steps.parse().ok()).unwrap_or(20);
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let config = ModelConfig::of(preset, None);
    let model = Llama::random(config, 256, DType::F32, &Device::Cpu, &mut rng).unwrap();
    // 16 pairs a batch: 40 tokens of prompt and English, 60 of response, as the Bible has them
    let sequences: Vec<Vec<u32>> =
        (0..16 * steps).map(|_| (0..rng.random_range(80..120)).map(|_| rng.random_range(0..config.vocab_size as u32)).collect()).collect();
    let batches: Vec<Batch> = sequences.chunks(16).map(|part| Batch::new(part.iter().map(|s| (s.as_slice(), 40)))).collect();
    let mut marks = vec![Instant::now()];
    let mut tokens = vec![0];
    fit_batches(&model, &batches, &Optimisation::default(), |progress| {
        marks.push(Instant::now());
        tokens.push(progress.tokens);
    })
    .unwrap();
    let mut speeds: Vec<f64> =
        (1..marks.len()).map(|at| (tokens[at] - tokens[at - 1]) as f64 / (marks[at] - marks[at - 1]).as_secs_f64()).collect();
    speeds.sort_by(f64::total_cmp);
    println!("{preset:?}: {:.0} tokens/s (median of {steps} steps, {} threads)", speeds[speeds.len() / 2], rayon::current_num_threads());
}
