//! Laws that you know already → a certified optimum in whole pairs:
//! `cargo run --release --example solve_problem`.

#![allow(clippy::print_stdout)]

use parallot::allocate::{Budget, Problem, Term};
use parallot::law::{Form, Law};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    // L(X) = irreducible + scale X^-exponent, nats per target token
    let law =
        |irreducible, scale, exponent| Law::new(Form::PowerFloor, &[irreducible, scale, exponent]);
    let terms = vec![
        Term::new("tur_Latn", law(1.8, 20.0, 0.32)?),
        Term { upper: Some(6000), ..Term::new("swh_Latn", law(2.1, 12.0, 0.28)?) },
        Term { weight: 2.0, ..Term::new("vie_Latn", law(1.7, 14.0, 0.35)?) },
    ];
    let optimum = Problem::new(terms, Budget::Pairs(30_000))?.solve()?;
    println!(
        "{:?} pairs, {:.4} nats in sum, gap {:.0e}",
        optimum.pairs(),
        optimum.objective,
        optimum.gap
    );
    Ok(())
}
