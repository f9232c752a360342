//! One curve → a law and a prediction with its interval:
//! `cargo run --release --example fit_curves`.

#![allow(clippy::print_stdout)]

use parallot::curve::{Curve, Point};
use parallot::fit::{Settings, fit};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let losses = [
        (250.0, 4.80),
        (500.0, 4.42),
        (1000.0, 4.06),
        (2000.0, 3.74),
        (4000.0, 3.46),
        (8000.0, 3.22),
    ];
    let points = losses.map(|(pairs, loss_nats)| Point { pairs, loss_nats, seed: 1 });
    let fit = fit(&Curve::new("tur_Latn", points.to_vec())?, &Settings::default())?;
    let predicted = fit.predict(16_000.0);
    println!("{:?}", fit.law);
    println!(
        "{:.3} nats at 16,000 pairs, {:.3} to {:.3}",
        predicted.value, predicted.interval_90.lo, predicted.interval_90.hi
    );
    Ok(())
}
