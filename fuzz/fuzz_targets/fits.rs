//! `fits.json`: any text is fits or an error, and fits can be written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallot::fit::FitFile;

fuzz_target!(|text: &str| {
    if let Ok(fits) = FitFile::from_json(text) {
        fits.to_json().expect("fits are JSON");
    }
});
