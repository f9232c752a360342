//! Hugging Face `trainer_state.json` → curves.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallot::import::Kind;
use parallot_fuzz::{import, with_file};

fuzz_target!(|bytes: &[u8]| {
    with_file("trainer_state.json", bytes, |path| import(path, Kind::TrainerState))
});
