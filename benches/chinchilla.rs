//! The two-variable fit of Hoffmann et al. 2022 on the points read off their figure, and its
//! bootstrap, with times: `cargo bench --bench chinchilla -- [draws]`.

use parallot::files;
use parallot::fit::surface::{SurfaceData, SurfacePoint, SurfaceSettings, fit};
use parallot::law::SurfaceForm;
use std::path::Path;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Times a fit is repeated; the median is told.
const REPEATS: usize = 21;

#[allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench reports to a person")]
fn main() {
    let argument = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let draws = argument.and_then(|number| number.parse().ok()).unwrap_or(4000);
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fitdata/chinchilla/points.csv");
    if !files::exists(&path) {
        println!("skipped: no published points");
        return;
    }
    let text = files::read_text(&path).unwrap();
    let rows: Vec<Vec<f64>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect())
        .collect();
    for is_all in [false, true] {
        let used = rows.iter().filter(|row| is_all || row[4] == 1.0);
        let points = used.map(|row| SurfacePoint {
            n_params: row[0],
            amount: row[2],
            loss_nats: row[3],
            weight: 1.0,
        });
        report(&SurfaceData::new(points.collect()).unwrap(), draws);
    }
}

#[allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench reports to a person")]
fn report(data: &SurfaceData, draws: usize) {
    let settings = SurfaceSettings { draws: 0, ..SurfaceSettings::default() };
    let timed = |settings: &SurfaceSettings| {
        let start = Instant::now();
        let found = fit(data, SurfaceForm::Additive, settings).unwrap();
        (found, start.elapsed().as_secs_f64())
    };
    let mut times: Vec<f64> = (0..REPEATS).map(|_| timed(&settings).1).collect();
    times.sort_by(f64::total_cmp);
    let found = timed(&settings).0;
    println!(
        "{} points: objective {:.10e}, {} of {} starts agree, {:.1} ms (median of {REPEATS})",
        data.points().len(),
        found.objective,
        found.starts_agreed,
        found.starts,
        1e3 * times[REPEATS / 2]
    );
    let (found, seconds) = timed(&SurfaceSettings { draws, ..settings });
    println!(
        "{draws} bootstrap refits on {} threads: {seconds:.2} s",
        rayon::current_num_threads()
    );
    for (at, parameter) in found.parameters().iter().enumerate() {
        let drawn: Vec<f64> = found.draws.iter().map(|draw| draw.parameters()[at].1).collect();
        println!(
            "  {:12} {:12.6}  standard error {:.5} +- {:.5}  90 % {:.5} to {:.5}",
            parameter.name,
            parameter.value,
            parameter.standard_error,
            monte_carlo_error(&drawn),
            parameter.interval_90.lo,
            parameter.interval_90.hi
        );
    }
}

/// Standard error of the standard deviation of a sample, from its fourth moment.
fn monte_carlo_error(drawn: &[f64]) -> f64 {
    let count = drawn.len() as f64;
    let mean = drawn.iter().sum::<f64>() / count;
    let moment = |power| drawn.iter().map(|value| (value - mean).powi(power)).sum::<f64>() / count;
    let variance = moment(2);
    ((moment(4) - variance * variance) / (4.0 * count * variance)).sqrt()
}
