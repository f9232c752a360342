//! A corpus in TSV with a header: bitext, bad rows and how it is split.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallot_fuzz::corpus;

fuzz_target!(|bytes: &[u8]| corpus("corpus.tsv", "english: en, other: xx, split: split", bytes));
