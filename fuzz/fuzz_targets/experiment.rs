//! Experiment YAML: any text is an experiment or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallot::spec::Experiment;

fuzz_target!(|text: &str| {
    let _ = Experiment::parse("fuzzed", text);
});
