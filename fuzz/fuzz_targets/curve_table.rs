//! Tables of curves: any bytes are a table or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallot::curve::CurveTable;

fuzz_target!(|bytes: &[u8]| {
    // a damaged Parquet file can make polars ask for more memory than there is, which no program
    // survives
    if !bytes.starts_with(b"PAR1") {
        let _ = CurveTable::from_bytes(bytes, Some("family"));
    }
});
