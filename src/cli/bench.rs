//! `parallot bench`: how fast this machine trains.

use super::count;
use super::failure::{Failure, OrFail};
use super::terminal::{bar, bars, say, table};
use crate::report::eye::grouped;
use crate::train::{
    SEQUENCES, Size, Speed, WARM_UP_STEPS, Workload, measure, select_device, workloads,
};
use clap::Args;
use clap::builder::PossibleValuesParser;
use std::time::Instant;

/// Flags of `parallot bench`.
#[derive(Debug, Clone, Args)]
pub(super) struct Arguments {
    /// Models to train; all but `135m`, the shape of SmolLM2-135M, by default. `s` and `m` have 128
    /// tokens a sequence, vocabulary 4096 and 4 x 256 and 6 x 512 layers x width
    #[arg(
        long = "model",
        value_name = "MODEL",
        value_parser = PossibleValuesParser::new(workloads().map(|workload| workload.name))
    )]
    pub models: Vec<String>,
    /// Where to train: `cpu`, `cuda` or `cuda:1`; `cuda/f32` for f32 in place of bf16
    #[arg(long, default_value = "cpu")]
    pub device: String,
    /// Copies that are trained side by side as one
    #[arg(
        long,
        value_name = "R",
        default_value_t = 1,
        value_parser = count::within::<u32>(count::SIDE_BY_SIDE)
    )]
    pub stack: u32,
    /// Sequences of 128 tokens that a step of a copy reads
    #[arg(
        long,
        value_name = "N",
        default_value_t = SEQUENCES as u32,
        value_parser = count::within::<u32>(1..=65_536)
    )]
    pub sequences: u32,
    /// Steps to measure, after a few to warm up
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20,
        value_parser = count::within::<u32>(1..=1_000_000)
    )]
    pub steps: u32,
    /// Threads of the run; by default one a core
    #[arg(long, value_name = "N", value_parser = count::within::<u32>(count::SIDE_BY_SIDE))]
    pub threads: Option<u32>,
    /// One JSON object a model instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    select_device(&arguments.device).map_err(|error| {
        Failure::input(error).hint(
            "`--device cpu` runs everywhere; CUDA needs an NVIDIA GPU and a \
        build with `--features cuda`",
        )
    })?;
    let chosen = |workload: &Workload| {
        (arguments.models.is_empty() && workload.name != "135m")
            || arguments.models.iter().any(|name| name == workload.name)
    };
    let chosen: Vec<Workload> = workloads().into_iter().filter(chosen).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = arguments.threads.map_or(cores, |threads| threads as usize);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().or_work()?;
    let steps = arguments.steps as usize;
    let size =
        Size { stack: arguments.stack as usize, sequences: arguments.sequences as usize, steps };
    let bar = bar(&bars(), (chosen.len() * (WARM_UP_STEPS + steps)) as u64, "bench");
    let start = Instant::now();
    let mut rows = Vec::new();
    for workload in &chosen {
        bar.set_message(format!("model `{}`", workload.name));
        let clock = || start.elapsed().as_secs_f64();
        let speed = pool
            .install(|| measure(workload, &arguments.device, size, &clock, || bar.inc(1)))
            .or_work()?;
        if arguments.json {
            bar.suspend(|| say(&json(workload, arguments, threads, &speed).to_string()));
        }
        rows.push(row(workload, &speed));
    }
    bar.finish_and_clear();
    if !arguments.json {
        say(&table(&["model", "parameters", "tokens/s", "first loss", "last loss"], rows));
        say(&format!(
            "\nmedian of {steps} steps of {} x 128 tokens, half of them with a target, on {}, \
            {threads} threads",
            arguments.sequences, arguments.device
        ));
    }
    Ok(())
}

fn json(
    workload: &Workload,
    arguments: &Arguments,
    threads: usize,
    speed: &Speed,
) -> serde_json::Value {
    serde_json::json!({
        "model": workload.name, "device": arguments.device, "threads": threads,
        "stack": arguments.stack, "sequences": arguments.sequences, "steps": arguments.steps,
        "tokens_per_second": speed.tokens_per_second, "losses_nats": speed.losses_nats,
    })
}

fn loss(nats: Option<&f64>) -> String {
    nats.map_or(String::new(), |nats| format!("{nats:.3}"))
}

fn row(workload: &Workload, speed: &Speed) -> Vec<String> {
    vec![
        workload.name.to_owned(),
        grouped(workload.config.parameters() as u64),
        grouped(speed.tokens_per_second.round() as u64),
        loss(speed.losses_nats.first()),
        loss(speed.losses_nats.last()),
    ]
}
