//! Kept fits → one's own table of predictions:
//! `cargo run --release --example custom_report -- fits/bible-six/fits.json`.

#![allow(clippy::print_stdout)]

use parallot::study::HashedFits;
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "fits/bible-six/fits.json".to_owned());
    let fits = HashedFits::read(Path::new(&path))?;
    println!("lang,pairs,predicted_loss_nats,lo90_nats,hi90_nats");
    for fit in &fits.file.fits {
        for pairs in [1_000.0, 4_000.0, 16_000.0] {
            let predicted = fit.predict(pairs);
            println!(
                "{},{pairs},{:.4},{:.4},{:.4}",
                fit.curve, predicted.value, predicted.interval_90.lo, predicted.interval_90.hi
            );
        }
    }
    Ok(())
}
