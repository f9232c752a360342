//! Records of small runs and the manifest of a sweep: the store and the table of points.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallot::record::{Store, points_csv};
use parallot_fuzz::with_file;

fuzz_target!(|bytes: &[u8]| {
    for name in ["sweep.json", "fuzzed.json"] {
        with_file(name, bytes, |path| {
            let store = Store::new(path.parent().expect("a folder above the file"));
            let _ = store.read_sweep();
            if let Ok(Some(record)) = store.read("fuzzed") {
                points_csv(&[record]).expect("points are CSV");
            }
        });
    }
});
