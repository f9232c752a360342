//! A corpus in Parquet: bitext, bad rows and how it is split.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallot_fuzz::corpus;

// a panic that the reader turns into an error is none here: only one that gets through ends the run
fuzz_target!(init: std::panic::set_hook(Box::new(|_| {})), |bytes: &[u8]| {
    corpus("corpus.parquet", "english: en, other: xx, split: split", bytes)
});
