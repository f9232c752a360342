//! What a design of models is worth: the share of the attainable gain that an allocation by it
//! loses, in worlds whose laws are known.
//!
//! `cargo bench --bench plan -- designs [worlds] [part of a name]` compares designs of the same
//! number of models; `-- decisions [worlds] [part of a name]` plays whole studies, batch by batch,
//! and counts how often `decided` was right. A line a world goes to the standard output.

mod studies;
mod world;

use studies::{Design, compared, played};
use world::{KINDS, Kind, Truth};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let what = words.first().map_or("designs", String::as_str);
    let worlds: u64 = words.get(1).and_then(|word| word.parse().ok()).unwrap_or(10);
    let part = words.get(2).map_or("", String::as_str);
    for kind in KINDS.into_iter().filter(|kind| kind.name.contains(part)) {
        for truth in [Truth::Same, Truth::Pairwise] {
            match what {
                "decisions" => decisions(kind, truth, worlds),
                _ => designs(kind, truth, worlds),
            }
        }
    }
}

fn designs(kind: Kind, truth: Truth, worlds: u64) {
    let counts = [1, 2, 4].map(|times| times * kind.languages);
    for count in counts {
        for design in Design::ALL {
            let lost: Vec<f64> =
                (0..worlds).filter_map(|seed| compared(kind, truth, seed, design, count)).collect();
            if !lost.is_empty() {
                println!(
                    "{}; {}; {}; {count} models; lost {:.3} (median {:.3}) of the gain in {} worlds",
                    kind.name,
                    truth.name(),
                    design.name(),
                    lost.iter().sum::<f64>() / lost.len() as f64,
                    median(&lost),
                    lost.len()
                );
            }
        }
    }
}

fn decisions(kind: Kind, truth: Truth, worlds: u64) {
    let (mut decided, mut right, mut lost, mut expected, mut models, mut pairs) =
        (0u32, 0u32, 0.0, 0.0, 0, 0.0);
    for seed in 0..worlds {
        let Some(study) = played(kind, truth, seed) else { continue };
        println!(
            "  world {seed}: {} models, regret {:.5}, expected {:.5}, matters from {:.5}, gain {:.4}",
            study.models,
            study.regret_nats,
            study.expected_nats,
            study.matters_nats,
            study.gain_nats
        );
        if study.is_decided {
            decided += 1;
            right += u32::from(study.regret_nats <= study.matters_nats);
        }
        lost += study.regret_nats / study.gain_nats / worlds as f64;
        expected += study.expected_nats / study.regret_nats.max(1e-9) / worlds as f64;
        models += study.models;
        pairs += study.pairs / kind.budget as f64 / worlds as f64;
    }
    println!(
        "{}; {}; decided in {decided} of {worlds}, right in {right}; lost {lost:.3} of the gain; \
         expected over true regret {expected:.1}; {:.1} models, {pairs:.1} budgets of pairs",
        kind.name,
        truth.name(),
        models as f64 / worlds as f64
    );
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
