//! What a design of models is worth: the share of the attainable gain that an allocation by it
//! loses, in worlds whose laws are known.
//!
//! `cargo bench --bench plan -- designs [worlds] [part of a name]` compares designs of the same
//! number of models; `-- decisions [worlds] [part of a name]` plays whole studies, batch by batch,
//! and counts how often `decided` was right; `-- doses [worlds] [part of a name]` counts how often
//! the interval of a dose response holds the true gain. A line a world goes to the standard output.

#![allow(clippy::print_stdout, reason = "a bench reports to a person")]

mod studies;
mod world;

use studies::{Design, Response, Study, compared, played, responded};
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
                "doses" => doses(kind, truth, worlds),
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
    let studies: Vec<Study> = (0..worlds).filter_map(|seed| played(kind, truth, seed)).collect();
    for study in &studies {
        println!(
            "  {} models, {:.1} budgets, decided {}, regret {:.5}, expected {:.5}, matters from \
             {:.5}, gain {:.4}",
            study.models,
            study.pairs / kind.budget as f64,
            study.is_decided,
            study.regret_nats,
            study.expected_nats,
            study.matters_nats,
            study.gain_nats
        );
    }
    let told = |is_decided: bool| {
        let of = || studies.iter().filter(|study| study.is_decided == is_decided);
        let right = of().filter(|study| study.regret_nats <= study.matters_nats).count();
        let lost = of().map(|study| study.regret_nats).sum::<f64>()
            / of().map(|study| study.gain_nats).sum::<f64>();
        let models = of().map(|study| study.models as f64).sum::<f64>() / of().count() as f64;
        format!(
            "{} of {}, {right} below what matters, {lost:.3} of the gains lost, {models:.0} models",
            of().count(),
            studies.len()
        )
    };
    println!(
        "{}; {}; decided: {}; not decided: {}",
        kind.name,
        truth.name(),
        told(true),
        told(false)
    );
}

/// Seeds of a dose response.
const SEEDS: usize = 6;

fn doses(kind: Kind, truth: Truth, worlds: u64) {
    for doses in [vec![-2.0, 0.0, 1.0, 2.0], vec![-1.0, 0.0, 1.0, 2.0], vec![0.0, 1.0]] {
        // without doses a comparison alone
        let asked = if doses.len() < 3 { vec![-1.0, 0.0, 1.0] } else { doses.clone() };
        let found: Vec<Response> =
            (0..worlds).filter_map(|seed| responded(kind, truth, seed, &asked, SEEDS)).collect();
        let of = |response: &Response| match doses.len() {
            2 => response.apart,
            _ => response.by_doses,
        };
        let count = found.len() as f64;
        let held = found.iter().filter(|r| of(r).interval_90.contains(r.truth_nats)).count();
        let error = |r: &Response| of(r).value - r.truth_nats;
        println!(
            "{}; {}; doses {doses:?}, {SEEDS} seeds: true gain in {held} of {} intervals, mean \
             error {:+.5}, root mean square {:.5}, gain {:.4}",
            kind.name,
            truth.name(),
            found.len(),
            found.iter().map(error).sum::<f64>() / count,
            (found.iter().map(|r| error(r).powi(2)).sum::<f64>() / count).sqrt(),
            found.iter().map(|r| r.truth_nats).sum::<f64>() / count
        );
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
