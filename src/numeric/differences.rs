//! Derivatives from differences, the check of every derivative written by hand.

/// Central difference of `f` at `x` with one Richardson step, error O(step^4).
pub fn derivative(f: impl Fn(f64) -> f64, x: f64, step: f64) -> f64 {
    let central = |h: f64| (f(x + h) - f(x - h)) / (2.0 * h);
    (4.0 * central(step / 2.0) - central(step)) / 3.0
}

#[test]
fn a_cubic_is_exact() {
    approx::assert_relative_eq!(derivative(|x| x.powi(3), 2.0, 0.1), 12.0, max_relative = 1e-12);
    // a plain central difference with this step is off by 0.01
    assert!(((2.1f64.powi(3) - 1.9f64.powi(3)) / 0.2 - 12.0).abs() > 5e-3);
}
