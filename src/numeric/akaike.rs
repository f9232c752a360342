//! Akaike's criterion with the correction for small samples (Hurvich and Tsai 1989).
//!
//! ```text
//! AICc = n ln(sum_i r_i^2 / n) + 2 sum_i ln d_i + 2 k + 2 k (k + 1) / (n - k - 1)
//! ```
//!
//! Residuals `d_i r_i` are normal with deviations `d_i` up to a factor that is fitted; k counts it
//! beside the other parameters.

/// The criterion from the sum of the squared `r_i` of `count` points and the sum of `ln d_i`;
/// nothing where points are too few.
pub fn aicc(squares: f64, ln_deviations: f64, count: usize, parameters: usize) -> Option<f64> {
    let (n, k) = (count as f64, (parameters + 1) as f64);
    let mean_square = (squares / n).max(f64::MIN_POSITIVE);
    (n > k + 1.0).then(|| {
        n * mean_square.ln() + 2.0 * ln_deviations + 2.0 * k + 2.0 * k * (k + 1.0) / (n - k - 1.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fit_of_known_residuals_has_its_criterion() {
        // n = 8, k = 3: 8 ln 0.25 + 6 + 24 / 4
        approx::assert_relative_eq!(
            aicc(2.0, 0.0, 8, 2).unwrap(),
            8.0 * 0.25f64.ln() + 12.0,
            max_relative = 1e-14
        );
        // other units of the deviations are no other fit
        approx::assert_relative_eq!(
            aicc(2.0 / 9.0, 8.0 * 3f64.ln(), 8, 2).unwrap(),
            aicc(2.0, 0.0, 8, 2).unwrap(),
            max_relative = 1e-14
        );
        assert_eq!(aicc(2.0, 0.0, 4, 2), None);
    }
}
