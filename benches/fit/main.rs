//! The fits against published curves and planted laws:
//! `cargo bench --bench fit -- [revisiting|flan|in-sample|coverage|regret|speed]…`.
//!
//! Errors are of ln loss. Everything that is chosen, forms and priors, is chosen on the fitting
//! part alone.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a bench reports to a person")]

mod planted;
mod published;

fn main() {
    let asked: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let all: [(&str, fn()); 6] = [
        ("speed", planted::speed),
        ("in-sample", published::in_sample),
        ("revisiting", published::revisiting),
        ("flan", published::flan),
        ("coverage", planted::coverage),
        ("regret", planted::regret),
    ];
    for (name, run) in all {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            println!("## {name}");
            run();
        }
    }
}
