//! The table of amounts of `import --size-table`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallot::import::AmountTable;
use parallot_fuzz::with_file;

fuzz_target!(|bytes: &[u8]| with_file("sizes.csv", bytes, |path| {
    let _ = AmountTable::read(path);
}));
