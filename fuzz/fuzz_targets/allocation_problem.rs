//! Allocation problems: any text is a problem or an error, and a small problem is solved without a
//! panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parallot::solver::{PosedProblem, ProblemFile, Syntax, solve};

fuzz_target!(|text: &str| {
    for syntax in [Syntax::Json, Syntax::Yaml] {
        let parts = ProblemFile::read(text, syntax).and_then(|file| file.parts(|_| None));
        let small = parts.ok().filter(|parts| parts.languages.len() <= 4);
        if let Some(problem) = small.and_then(|parts| PosedProblem::new(parts).ok()) {
            let _ = solve(&problem);
        }
    }
});
