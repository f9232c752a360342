//! Transfer of either sign, counted in pairs: laws extended below the data at which they are trusted, answers proven and not beaten.

use super::tests::{PLAIN, Traits, problems, violation};
use super::*;
use crate::numeric::differences::derivative;
use proptest::prelude::*;
use serde_json::Value;

/// Passes over unique data that a language may have at most. Where dozens of passes are worth nothing, a gap may stay open, and is said.
const PASSES: f64 = 8.0;

/// The problem with a transfer of either sign between all languages; every law is trusted from a fiftieth of an even share.
fn signed(problem: &Value, numbers: &[f64]) -> Problem {
    let file = ProblemFile::read(&problem.to_string(), Syntax::Json).unwrap();
    let mut parts = file.parts(|_| None).unwrap();
    let n = parts.languages.len();
    let trusted = 0.02 * parts.budget.amount / n as f64;
    parts.languages.iter_mut().for_each(|language| language.laws.iter_mut().for_each(|law| *law = law.extended_below(trusted)));
    for language in &mut parts.languages {
        let most = language.repeat.map_or(f64::INFINITY, |repeat| (PASSES * repeat.unique).max(language.lower));
        language.upper = Some(language.upper.unwrap_or(f64::INFINITY).min(most)).filter(|upper| upper.is_finite());
    }
    let pairs = (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).filter(|(i, j)| i != j);
    parts.transfer = pairs.map(|(i, j)| (i, j, 0.2 * numbers[(3 * i + 5 * j) % numbers.len()] - 0.1)).collect();
    parts.counted = Counted::Pairs;
    Problem::new(parts).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_proven_and_not_beaten(
        problem in problems(Traits { repeat: true, groups: true, s_shaped: true, ..PLAIN }, 8),
        numbers in prop::collection::vec(0.0..1.0f64, 17),
        steps in prop::collection::vec(0.0..1.0f64, 40),
    ) {
        let posed = signed(&problem, &numbers);
        let answer = solve(&posed);
        if matches!(answer.status, Status::Infeasible(_)) {
            return Ok(());
        }
        let solved = answer.solved.unwrap();
        prop_assert!(solved.gap <= 1e-9, "{} of {problem}", solved.gap);
        for (at, &step) in steps.iter().enumerate() {
            let (i, j) = (at % solved.x.len(), (at / solved.x.len() + at + 1) % solved.x.len());
            let (mut x, costs) = (solved.x.clone(), |i: usize| posed.parts().languages[i].cost);
            let moved = step * x[i];
            x[i] -= moved;
            x[j] += moved * costs(i) / costs(j);
            if i != j && violation(posed.parts(), &x) <= 0.0 {
                prop_assert!(posed.objective(&x) >= solved.lower_bound, "{x:?} is better in {problem}");
            }
        }
    }

    #[test]
    fn an_extended_law_is_convex_and_its_derivatives_are_those_of_differences(
        scale in 1.0..1e4f64, exponent in 0.1..3.0f64, transition in 0.0..1e4f64, y in -3e3..3e3f64,
    ) {
        let law = Kernel::rectified(1.0, scale, exponent, transition).extended_below(200.0);
        prop_assert!(law.is_convex() && !law.has_pole());
        let jet = law.jet(y);
        prop_assume!((jet.value.ln()).abs() < 100.0);
        let slope = derivative(|y| law.value(y), y, 1e-2);
        prop_assert!((jet.slope - slope).abs() <= 1e-6 * slope.abs() + 1e-9 * jet.value, "{} and {slope}", jet.slope);
        let curvature = derivative(|y| law.jet(y).slope, y, 1e-2);
        prop_assert!((jet.curvature - curvature).abs() <= 1e-5 * curvature.abs() + 1e-9 * jet.value || (y - 200.0).abs() < 1.0);
        prop_assert!((law.data_for(law.floor + law.value(y.max(0.0))) - y.max(0.0)).abs() < 1e-6 * (1.0 + y.abs()));
    }
}
