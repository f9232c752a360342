//! Losses of your own runs → an allocation:
//! `cargo run --release --example allocate_from_csv -- curves.csv 30000`.

#![allow(clippy::print_stdout)]

use parallot::allocate::{Budget, Problem};
use parallot::curve::CurveTable;
use parallot::files;
use parallot::fit::Settings;
use parallot::fit::surface::SurfaceSettings;
use parallot::study::{AllocationFile, Forms, HashedFits, fit_table, fits_of_table};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let path = words.next().unwrap_or_else(|| "examples/curves.csv".to_owned());
    let budget = words.next().map_or(Ok(30_000), |text| text.parse())?;

    let table = CurveTable::read(Path::new(&path), None)?;
    let settings = Settings::default();
    let fitted = fit_table(&table, &Forms::Auto(settings.clone(), SurfaceSettings::default()))?;
    let sha256 = files::hash_file(Path::new(&path))?;
    let fits = HashedFits::of(fits_of_table("curves", &sha256, &table, &fitted, &settings)?)?;
    let problem = Problem::builder(&fits.file).budget(Budget::Pairs(budget)).build()?;
    let allocation = AllocationFile::new(&fits, &problem)?.judged(&[]);

    for language in &allocation.comparison.allocation.languages {
        println!("{} {}", language.lang, language.pairs);
    }
    println!("{}", allocation.verdict);
    Ok(())
}
