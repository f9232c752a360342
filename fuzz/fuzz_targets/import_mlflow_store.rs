//! MLflow's file store → curves: `meta.yaml`, a metric and a parameter, between bytes of 0.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallot::import::Kind;
use parallot_fuzz::{import, with_file};

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(3, |byte| *byte == 0);
    let mut next = || parts.next().unwrap_or_default();
    let (meta, metric, parameter) = (next(), next(), next());
    with_file("run/meta.yaml", meta, |path| {
        for (name, part) in [("metrics/eval_loss", metric), ("params/pairs", parameter)] {
            let file = path.with_file_name(name);
            let folder = file.parent().expect("a folder above the file");
            std::fs::create_dir_all(folder).expect("a folder");
            std::fs::write(file, part).expect("a temporary file");
        }
        import(path, Kind::Mlflow);
    });
});
